"""Invalid input files: each ends with one message that names the place and the fault, and without a traceback.

The jobs run in this process, through the `main` that their files call.
"""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from pad_ray.run.folder import RunDir
from pad_ray.schema import AnswerKind, Outcome, Question, content_id
from pad_ray.tasks import TASKS
from tests.jobs.conftest import run_job


@pytest.mark.parametrize("place", ["rows.jsonl", "rows.jsonl/out", "nowhere://out"])
def test_verdicts_need_a_usable_output_folder(told, tmp_path, place):
    (tmp_path / "rows.jsonl").write_text(json.dumps(GOOD))
    output = place if "://" in place else tmp_path / place
    status, out = told("verify", "--input", tmp_path / "rows.jsonl", "--output", output)
    assert (status, "give a folder" in out or "not usable as a path" in out) == (2, True), out
    status, out = told("verify", "--input", "nowhere://rows.jsonl", "--output", tmp_path / "out")
    assert (status, "not usable as a path" in out) == (2, True), out


def ledger_of(tmp_path, stage):
    return next(
        entry for entry in RunDir(str(tmp_path / "run")).read_json("ledger.json")["stages"] if entry["stage"] == stage
    )


BAD_TEXTS = ["How many \ud83d?", "How many \udc00\ud800?", "\ud83d", "3\ud8003"]


def test_unusable_train_questions_are_counted_and_the_run_continues(local_ray, told, make_data, tmp_path):
    path = make_data([{"question": text, "answer": 7} for text in BAD_TEXTS], mark="\ufeff")
    for _ in range(2):
        status, out = told("synthesize", path)
        assert status == 0, out
        entry = ledger_of(tmp_path, "questions")
        assert (entry["rejected"], entry["rows_in"], entry["balanced"]) == ({"not valid Unicode": 4}, 20, True)
        assert ledger_of(tmp_path, "synthesis")["rows_out"] == 12


def own(number, text="How many?", gold="7", **changes):
    fields = {"facts": [], "answer_kind": AnswerKind.NUMBER, "question_id": content_id("own", number), **changes}
    return Question(task="things", split="train", text=text, gold=gold, **fields)


OWN = [
    (own(1), None),
    (own(1), "id seen before"),
    (own(1, text="Another one?"), "id seen before"),
    (own(2, question_id="question-2"), "id is no hexadecimal number"),
    (own(3, question_id=""), "id is no hexadecimal number"),
    (own(4, question_id="\ud83d"), "not valid Unicode"),
    (own(5, question_id=7), "a field is no text"),
    (own(6, text=" \n"), "empty text"),
    (own(7, text=None), "a field is no text"),
    (own(8, facts=[1]), "a field is no text"),
    (own(9, facts=["\ud83d"]), "not valid Unicode"),
    (own(10, gold="seven or so"), "gold is no answer of its kind"),
    (own(11, gold="\ud83d"), "not valid Unicode"),
    (own(12, answer_kind="colour"), "gold is no answer of its kind"),
    (own(13, text="How many\0things?"), None),
]


def test_questions_of_a_user_reader_are_accepted_or_counted(local_ray, told, make_data, tmp_path, monkeypatch):
    path = make_data()
    task, made = TASKS["things"], [question for question, _ in OWN]

    def read(split, data_dir):
        return task.read(split, data_dir) + (made if split == "train" else [])

    monkeypatch.setitem(TASKS, "things", replace(task, read=read))
    status, out = told("synthesize", path)
    assert status == 0, out
    reasons = [reason for _, reason in OWN if reason]
    rejected = ledger_of(tmp_path, "questions")["rejected"]
    assert rejected == {reason: reasons.count(reason) for reason in reasons}
    run = RunDir(str(tmp_path / "run"))
    unusable = [
        reason for part in run.parts("questions/unusable") for reason in run.read_part(part)["reason"].to_pylist()
    ]
    assert unusable == reasons


@pytest.mark.parametrize("which", ["synthesize", "evaluate"])
@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"question": "How many \ud83d?", "answer": 7}, ["question 5 of split test", "not valid Unicode"]),
        ({"question": "\udfff", "answer": 7}, ["question 5 of split test", "not valid Unicode"]),
        ({"question": " ", "answer": 7}, ["test.jsonl line 5", "'question' is empty"]),
        ({"question": "How?", "answer": "\ud83d"}, ["test.jsonl line 5", "'answer' has no usable answer"]),
        ({"question": "How?"}, ["test.jsonl line 5", "'answer' is missing"]),
        ("[" * 100_000, ["test.jsonl line 5", "is not JSON"]),
        ("{", ["test.jsonl line 5", "is not JSON"]),
        ("7", ["test.jsonl line 5", "should be an object"]),
    ],
    ids=str,
)
def test_an_unusable_test_question_is_rejected_by_name(told, make_data, tmp_path, which, row, words):
    status, out = told(which, make_data(test=[row]))
    assert (status, [word for word in words if word not in out]) == (2, []), out
    assert "repair" in out or "JSON" in out or "object" in out
    assert not (tmp_path / "run").exists()


def test_duplicate_test_question_ids_of_a_user_reader_are_rejected_by_name(told, make_data, tmp_path, monkeypatch):
    path, task = make_data(), TASKS["things"]

    def read(split, data_dir):
        return [*task.read(split, data_dir), own(1), own(1)]

    monkeypatch.setitem(TASKS, "things", replace(task, read=read))
    status, out = told("synthesize", path)
    assert (status, "question 6 of split test" in out, "id seen before, in question 5" in out) == (2, True, True), out
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("mark", ["\ufeff", "\n", "\ufeff\n\ufeff", " "], ids=ascii)
def test_a_task_file_may_begin_with_a_byte_order_mark_or_blank_lines(told, make_data, mark):
    status, out = told("synthesize", make_data(mark=mark), "--dry-run")
    assert status == 0, out
    assert "estimate: 12 questions" in out


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32", "latin-1"])
def test_a_task_file_that_is_not_utf_8_is_rejected_by_name(told, make_data, tmp_path, encoding):
    path = make_data()
    file = tmp_path / "data" / "things" / "train.jsonl"
    file.write_bytes(json.dumps({"question": "Für wen?", "answer": 7}, ensure_ascii=False).encode(encoding))
    status, out = told("synthesize", path)
    assert (status, "cannot be read as UTF-8 text" in out, str(file) in out) == (2, True, True), out


GOOD = {"id": "a", "program": "def solution():\n    return 6 * 7", "gold": 42}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ({**GOOD, "id": "\ud83d"}, "row 2: `id` is not valid Unicode"),
        ({**GOOD, "id": "a\udfffb"}, "row 2: `id` is not valid Unicode"),
        ({**GOOD, "id": 1.5}, "row 2: `id` must be text or an integer"),
        ({**GOOD, "id": ["a"]}, "row 2: `id` must be text or an integer"),
        ({**GOOD, "gold": "\ud83d"}, "row 2 (id a): `gold` is not valid Unicode"),
        ({**GOOD, "gold": "many"}, "row 2 (id a): gold"),
        ({**GOOD, "gold": {"value": 1}}, "row 2 (id a): `gold` must be text or a number"),
        ({**GOOD, "program": None}, "row 2 (id a): `program` must be text"),
        ("[" * 100_000, "line 2 is nested too deeply"),
        ('{"a":' * 100_000, "line 2 is nested too deeply"),
        ("{broken", "line 2 is not JSON"),
        ("[]", "line 2 must be an object"),
    ],
    ids=str,
)
def test_a_row_that_cannot_be_verified_is_named_and_nothing_is_written(told, tmp_path, line, words):
    further = [line if isinstance(line, str) else json.dumps(line), json.dumps(GOOD)]
    (tmp_path / "rows.jsonl").write_text("\n".join([json.dumps(GOOD), *further]))
    given = ["--input", tmp_path / "rows.jsonl", "--output", tmp_path / "out", "--verify.part-rows", 1]
    for words_given in (given, [*given, "--dry-run"]):
        status, out = told("verify", *words_given)
        assert (status, words in out) == (2, True), out
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--input", ""], "input: is empty"),
        (["--verify.part-rows", "0"], "verify.part_rows"),
        (["--sandbox.cpu-s", "inf"], "sandbox.cpu_s"),
        (["--sandbox.cpu-s", "nan"], "sandbox.cpu_s"),
        (["--verify.keep", "level"], "no row has a column 'level'"),
        (["--verify.kepe", "level"], "did you mean verify.keep?"),
    ],
    ids=" ".join,
)
def test_an_invalid_option_of_verify_is_rejected(told, tmp_path, options, words):
    (tmp_path / "rows.jsonl").write_text(json.dumps(GOOD))
    given = [] if "--input" in options else ["--input", tmp_path / "rows.jsonl"]
    status, out = told("verify", *given, "--output", tmp_path / "out", *options)
    assert (status, words in out) == (2, True), out


def test_unusual_but_valid_rows_are_verified(local_ray, told, tmp_path):
    odd = [
        {**GOOD, "question": "How many \ud83d?"},
        {**GOOD, "id": 7, "program": "x = '\ud83d'"},
        {**GOOD, "gold": None},
    ]
    text = "\n".join(json.dumps(row) for row in odd)
    (tmp_path / "rows.jsonl").write_text(f"\ufeff{text}\n\n")
    status, out = told("verify", "--input", tmp_path / "rows.jsonl", "--output", tmp_path / "out")
    assert status == 0, out
    (part,) = RunDir(str(tmp_path / "out")).parts("verdicts")
    table = RunDir(str(tmp_path / "out")).read_part(part)
    assert table["id"].to_pylist() == ["a", "7", "a"]
    assert table["outcome"].to_pylist() == ["accepted", "syntax_error", "accepted"]


def test_an_empty_file_of_programs_has_no_verdicts(local_ray, told, tmp_path):
    (tmp_path / "rows.jsonl").write_text("\n")
    status, out = told("verify", "--input", tmp_path / "rows.jsonl", "--output", tmp_path / "out")
    assert status == 0, out


def test_a_draft_that_crashes_its_parser_is_reported_and_costs_no_other_draft(make_data, tmp_path):
    extension = """
from pad_ray.paths import PATHS, Program
from pad_ray.schema import PathKind

class Breaks(Program):
    def parse(self, completion):
        if "blue = 5" in completion:
            raise LookupError("five is not known here")
        return super().parse(completion)

PATHS[PathKind.PROGRAM] = Breaks
"""
    (tmp_path / "breaks.py").write_text(extension)
    repository = Path(__file__).parents[2]
    done = run_job(
        "synthesize", make_data(extensions=["tests.jobs.things", "breaks"]), PYTHONPATH=f"{repository}:{tmp_path}"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    said = "synthesis: 1 draft ended as sandbox_fault; the first: judging failed: LookupError: five is not known here"
    assert said in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    entry = ledger_of(tmp_path, "synthesis")
    assert (entry["rows_in"], entry["rows_out"], entry["failed"], entry["balanced"]) == (12, 11, 1, True)
    assert entry["faults"]["sandbox_fault"]["rows"] == 1
    assert Outcome.SANDBOX_FAULT.is_fault
