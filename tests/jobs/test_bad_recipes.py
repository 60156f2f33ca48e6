"""Invalid recipes, options and paths: each is rejected with one message that names the place and the fault."""

import json
from dataclasses import replace

import pytest

from pad_ray.tasks import TASKS
from tests.jobs import things

RECIPES = [
    # Duplicate keys at any depth.
    ("seed: 1\nseed: 2\n", "line 2: 'seed' is given twice, first in line 1"),
    ("questions: {limit: 4}\nseed: 1\nquestions: {limit: 5}\n", "line 3: 'questions' is given twice, first in line 1"),
    ("synthesis:\n  samples: 2\n  samples: 2\n", "line 3: 'samples' is given twice"),
    (
        "evaluation:\n  strategies:\n  - {kind: vote, samples: 2,\n     samples: 3}\n",
        "line 4: 'samples' is given twice",
    ),
    ('seed: 1\n"seed": 2\n', "line 2: 'seed' is given twice"),
    # Numbers that are not finite.
    ("synthesis: {temperature: .inf}", "synthesis.temperature: has to be a finite number (given: inf)"),
    ("synthesis: {temperature: 1e999}", "synthesis.temperature: has to be a finite number"),
    ("synthesis: {temperature: .nan}", "synthesis.temperature"),
    ("training: {learning_rate: .inf}", "training.learning_rate: has to be a finite number"),
    ("evaluation: {strategies: [{kind: vote, temperature: .inf}]}", "evaluation.strategies.0.temperature"),
    ("tuning: {space: {training.learning_rate: {low: 1.0e-5, high: .inf}}}", "has to be a finite number"),
    # Values that YAML reads as another type.
    ("run_dir: no", "run_dir: Input should be a valid string; put it in quotes if it is a text (given: False)"),
    ("run_dir: 12", "put it in quotes"),
    ("extensions: [on]", "extensions.0: Input should be a valid string; put it in quotes"),
    ("no: 1", "line 1: the key 'no' is not text"),
    ("1: 2", "line 1: the key '1' is not text"),
    ("~: 2", "is not text"),
    ("seed: yes", "seed: has to be a number (given: True)"),
    ("questions: {limit: true}", "questions.limit: has to be a number (given: True)"),
    ("seed: 010", "line 1: 010 is an octal number in YAML"),
    ("questions:\n  limit: 0100", "line 2: 0100 is an octal number"),
    ("seed: 1:30", "line 1: 1:30 is a number of base 60"),
    ("run_dir: 2026-01-02", "line 1: 2026-01-02 is a date in YAML"),
    # Layout and encoding.
    ("questions:\n\tlimit: 4", "line 2: not YAML: while scanning for the next token; found character '\\t'"),
    ("seed: 1\n---\nseed: 2", "line 2: not YAML: expected a single document"),
    ("seed: [1", "not YAML"),
    ("seed: !!python/object:os.system 1", "line 1: not YAML: could not determine a constructor"),
    ("[" * 5000, "nested too deeply"),
    ("", "is empty"),
    ("# nothing\n", "is empty"),
    ("- seed", "has to be a mapping of fields and is a list"),
    ("seed", "has to be a mapping of fields and is a str"),
    ("run_dir: café\n".encode("latin-1"), "not UTF-8 text (byte 12); save the file as UTF-8"),
    ("seed: 1\n".encode("utf-16"), "not UTF-8 text (byte 0)"),
    (b"seed: \x80", "not UTF-8 text (byte 6)"),
    (b"seed: \x00", "not YAML"),
    # Fields.
    ("questoins: {limit: 4}", "did you mean questions?"),
    ("synthesis: {sample: 4}", "did you mean samples?"),
    ("evaluation: {engine: {modle: x}}", "did you mean model?"),
    ("questions:", "questions: has to be a mapping of fields (given: None)"),
    ("questions: 4", "questions: has to be a mapping of fields (given: 4)"),
    ("questions: []", "questions: has to be a mapping of fields"),
    ('run_dir: ""', "run_dir: is empty; give a value, or leave the field out"),
    ('run_dir: "  "', "run_dir: is empty"),
    ('teacher: {model: ""}', "teacher.model: is empty"),
    ("questions: {limit: -4}", "questions.limit: Input should be greater than or equal to 1 (given: -4)"),
    ("questions: {test_limit: 0}", "questions.test_limit: Input should be greater than or equal to 1"),
]


@pytest.mark.parametrize(("content", "words"), RECIPES, ids=[str(number) for number in range(len(RECIPES))])
def test_an_invalid_recipe_is_rejected(told, tmp_path, content, words):
    path = tmp_path / "recipe.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    status, out = told("synthesize", path)
    assert (status, words in out, str(path) in out) == (2, True, True), out


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--synthesis.temperature", "inf"], "synthesis.temperature: has to be a finite number"),
        (["--synthesis.temperature", "1e999"], "synthesis.temperature: has to be a finite number"),
        (["--synthesis.temperature=-inf"], "synthesis.temperature"),
        (["--synthesis.temperature", "nan"], "synthesis.temperature"),
        (["--questions.limit", "-4"], "questions.limit: Input should be greater than or equal to 1"),
        (["--questions.limt", "4"], "did you mean questions.limit?"),
        (["--question.limit", "4"], "did you mean questions.limit?"),
        (["--run-dir", ""], "run_dir: is empty"),
        (["--data-dir", ""], "data_dir: is empty"),
        (["--questions.limit"], "expected one argument"),
        (["--questions.limit", "four"], "questions.limit"),
        (["stray"], "unrecognized arguments: stray"),
    ],
    ids=" ".join,
)
def test_an_invalid_option_is_rejected(told, tmp_path, options, words):
    (tmp_path / "recipe.yaml").write_text("seed: 3\n")
    status, out = told("synthesize", tmp_path / "recipe.yaml", *options)
    assert (status, words in out) == (2, True), out


@pytest.mark.parametrize(
    ("options", "field", "value"),
    [
        (["--seed", "1", "--seed", "2"], "seed", 2),
        (["--run-dir", "a", "--run_dir=b"], "run_dir", "b"),
        (["--run_dir=a", "--run-dir", "b"], "run_dir", "b"),
        (["--tracking.backends=mlflow", "--seed=4", "--seed", "5"], "seed", 5),
    ],
)
def test_a_repeated_option_replaces_the_earlier_one(tmp_path, options, field, value):
    from pad_ray.recipe import load_recipe

    (tmp_path / "recipe.yaml").write_text("seed: 3\n")
    assert getattr(load_recipe(tmp_path / "recipe.yaml", options), field) == value


def test_a_list_may_be_given_item_by_item_and_a_file_may_begin_with_a_byte_order_mark(told, tmp_path):
    from pad_ray.recipe import load_recipe

    path = tmp_path / "recipe.yaml"
    path.write_text("\ufeffseed: 3\nquestions: &asked {limit: 4}\n")
    recipe = load_recipe(path, ["--questions.test-tasks", "gsm8k", "--questions.test-tasks", "svamp"])
    assert (recipe.seed, recipe.questions.limit, recipe.questions.test_tasks) == (3, 4, ["gsm8k", "svamp"])


PLACES = [
    ({"run_dir": "{folder}/recipe.yaml"}, "recipe.yaml: it is a file, or inside one; give a folder"),
    ({"run_dir": "{folder}/recipe.yaml/run"}, "recipe.yaml/run: it is a file, or inside one; give a folder"),
    ({"run_dir": "nowhere://bucket/run"}, "nowhere://bucket/run: not usable as a path or URI"),
    ({"run_dir": "{folder}/a\0b"}, "not usable as a path or URI"),
    ({"data_dir": "{folder}/recipe.yaml"}, "the data folder {folder}/recipe.yaml does not exist"),
    ({"data_dir": "{folder}/nowhere"}, "the data folder {folder}/nowhere does not exist"),
    (
        {"teacher": {"kind": "scripted", "script": "{folder}/nowhere.json"}},
        "script {folder}/nowhere.json: No such file",
    ),
    ({"teacher": {"kind": "scripted", "script": "{folder}/recipe.yaml"}}, "script {folder}/recipe.yaml: not JSON"),
    (
        {"teacher": {"kind": "scripted", "script": "{folder}/list.json"}},
        "script {folder}/list.json: has to be an object",
    ),
    ({"teacher": {"kind": "scripted", "script": "{folder}/latin.json"}}, "script {folder}/latin.json: not JSON"),
    ({"extensions": ["own_syntax"]}, "extension own_syntax: importing own_syntax fails: SyntaxError: invalid syntax"),
    (
        {"extensions": ["own_fault"]},
        "extension own_fault: importing own_fault fails: ZeroDivisionError: division by zero",
    ),
    ({"extensions": ["own_exit"]}, "extension own_exit: importing own_exit fails: SystemExit: 3"),
    ({"extensions": ["own_nowhere"]}, "extension own_nowhere: No module named 'own_nowhere'"),
    (
        {"teacher": {"kind": "own_fault:Engine"}},
        "engine own_fault:Engine: importing own_fault fails: ZeroDivisionError",
    ),
]


@pytest.mark.parametrize(("changes", "words"), PLACES, ids=[str(number) for number in range(len(PLACES))])
def test_an_unusable_path_is_rejected(told, make_data, tmp_path, monkeypatch, changes, words):
    for name, text in (("syntax", "def ("), ("fault", "1 / 0"), ("exit", "raise SystemExit(3)")):
        (tmp_path / f"own_{name}.py").write_text(text)
    (tmp_path / "list.json").write_text("[1]")
    (tmp_path / "latin.json").write_bytes(b'{"*": ["\xe9"]}')
    monkeypatch.syspath_prepend(str(tmp_path))
    placed = json.loads(json.dumps(changes).replace("{folder}", str(tmp_path)))
    status, out = told("synthesize", make_data(**placed))
    assert (status, words.replace("{folder}", str(tmp_path)) in out) == (2, True), out


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("program: [", "not YAML"),
        ("", "is empty"),
        ("program:\n- - question: bowls\n    text: a\nprogram: []", "line 4: 'program' is given twice"),
        ("rationale: []", "no program demonstrations"),
        ("program: 4", "does not have the form of the example in pad_ray/README.md"),
        (
            "program:\n- - question: bowls\n    text: a",
            "does not have the form of the example in pad_ray/README.md (KeyError: 'bowls')",
        ),
        ("questions: {bowls: {text: Five}}\nprogram: [[{question: bowls, text: a}]]", "does not have the form"),
    ],
    ids=str,
)
def test_unreadable_demonstrations_of_a_user_task_are_rejected(told, make_data, tmp_path, monkeypatch, content, words):
    (tmp_path / "own.yaml").write_text(content)
    monkeypatch.setitem(TASKS, "things", replace(things.THINGS, demonstrations=tmp_path / "own.yaml"))
    status, out = told("synthesize", make_data())
    assert (status, words in out, "own.yaml" in out) == (2, True, True), out
