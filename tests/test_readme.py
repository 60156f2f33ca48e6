"""The READMEs keep their word: examples work, commands and files exist, links lead somewhere."""

import ast
import json
import os
import posixpath
import re
import shlex
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
import yaml

from pad_ray.errors import InputError
from pad_ray.recipe import Recipe
from pad_ray.run.folder import RunDir
from pad_ray.sandbox import Candidate, Sandbox, judge
from pad_ray.schema import AnswerKind, CorpusRow, Draft, Question
from pad_ray.settings import read_settings
from pad_ray.tuning.space import parameters_of
from tests.jobs.conftest import REPOSITORY
from tests.readme import BLOCKS, README, READMES, commands, named_files, write_own_parts
from tests.report.counted import check_counts
from tests.report.test_page import Page

LONGEST = {"chores.py": 40, "no_negatives.py": 20, "adder.py": 30, "bare.py": 30}
LONGEST_README_WORDS = 1000
ROOMS = ("tasks", "synthesis", "training", "refinement", "decoding", "tuning", "sandbox", "report")
ROOM_WORDS = range(100, 351)
EXAMPLE_PAGE = REPOSITORY / "example.html"
LINKS = sorted({(name, link) for name, text in READMES.items() for link in re.findall(r"\]\(([^)]+)\)", text)})


def recipes():
    """The pieces of recipes: blocks of YAML that are no files."""
    files = named_files().values()
    return [block.text for block in BLOCKS if block.language == "yaml" and block.text not in files]


def anchors(readme):
    titles = re.findall(r"^#+ (.+)$", READMES[readme], re.M)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_every_room_has_a_short_readme():
    counts = {room: len(READMES[f"pad_ray/{room}/README.md"].split()) for room in ROOMS}
    assert {room: count for room, count in counts.items() if count not in ROOM_WORDS} == {}


def test_the_readme_has_at_most_a_thousand_words():
    assert len(README.split()) <= LONGEST_README_WORDS


def test_every_block_is_an_example_a_command_with_what_it_prints_or_a_drawing():
    assert {block.language for block in BLOCKS} == {"", "python", "yaml"}
    for _, language, text in BLOCKS:
        if language == "python":
            ast.parse(text)
        if language == "yaml":
            assert yaml.safe_load(text)


@pytest.mark.parametrize("block", recipes())
def test_every_piece_of_a_recipe_is_read_as_a_recipe(block):
    parameters_of(read_settings(Recipe, [], yaml.safe_load(block), "README.md"))


def test_every_target_of_make_exists():
    targets = {word for line in commands(READMES) if line.startswith("make ") for word in line.split()[1:]}
    rules = re.findall(r"^(\w+):", (REPOSITORY / "Makefile").read_text(), re.M)
    assert {"demo", "test"} <= targets <= set(rules)


def test_every_test_that_a_readme_runs_exists():
    lines = [shlex.split(line)[3:] for line in commands(READMES) if line.startswith("python -m pytest")]
    places = {word for words in lines for word in words if word.startswith("tests/")}
    assert {f"tests/{room}" for room in ROOMS} <= places
    assert [place for place in sorted(places) if not (REPOSITORY / place).exists()] == []


def test_every_file_that_a_room_names_exists():
    """In the room, in the library, or from the top of the repository."""
    missing = []
    for room in ("", *ROOMS):
        folder = f"pad_ray/{room}/".replace("//", "/")
        names = re.findall(r"`([\w/]+(?:\.\w+)*\.(?:py|yaml|css|js|tsv))`", READMES[f"{folder}README.md"])
        places = [[REPOSITORY / base / name for base in (folder, "pad_ray", "")] for name in names]
        missing += [str(place[0]) for place in places if not any(path.exists() for path in place)]
    assert missing == []


def test_a_misspelt_field_in_a_piece_of_a_recipe_is_found():
    (tuned,) = [piece for piece in recipes() if piece.startswith("tuning:")]
    with pytest.raises(InputError, match=r"tuning.spaces: unknown field"):
        read_settings(Recipe, [], yaml.safe_load(tuned.replace("space:", "spaces:")), "README.md")
    with pytest.raises(InputError, match=r"training.learning_rates"):
        parameters_of(read_settings(Recipe, [], yaml.safe_load(tuned.replace("_rate:", "_rates:")), "README.md"))


@pytest.mark.parametrize(("readme", "link"), LINKS)
def test_every_link_leads_somewhere(readme, link):
    if link.startswith("https://"):
        check_answers(link)
        return
    place, _, anchor = link.partition("#")
    target = posixpath.normpath(posixpath.join(posixpath.dirname(readme), place)) if place else readme
    assert (REPOSITORY / target).exists()
    assert not anchor or anchor in anchors(target)


def check_answers(link):
    """Without a network an address can only be one that is known to be right."""
    assert re.fullmatch(r"https://(docs\.ray\.io|arxiv\.org/abs/(2305\.13888|2212\.00193|2312\.10730))", link)
    try:
        urllib.request.urlopen(urllib.request.Request(link, method="HEAD"), timeout=10).close()
    except urllib.error.HTTPError as refused:
        # Some servers do not talk to scripts; that there is no such page is something else.
        assert refused.code not in (404, 410)
    except OSError:
        pytest.skip(f"{link} cannot be reached from here")


def test_the_tree_names_every_job_and_every_folder_of_the_library():
    tree = README[README.index("## Tree") :]
    folders = [path.name for path in (REPOSITORY / "pad_ray").iterdir() if (path / "__init__.py").exists()]
    assert all(f"{folder}/" in tree for folder in folders)
    assert all(job.name in tree for job in (REPOSITORY / "jobs").glob("*.py"))


def test_the_pictures_and_the_example_page_are_small():
    pictures = {path.name for path in REPOSITORY.glob("*.png")}
    assert pictures == {name for text in READMES.values() for name in re.findall(r"[\w-]+\.png", text)} - {"demo.png"}
    assert all((REPOSITORY / name).stat().st_size < 200_000 for name in pictures)
    assert EXAMPLE_PAGE.stat().st_size < 500_000


def test_the_readme_says_what_the_example_page_says():
    """The output, the table of results and the page are of one run."""
    page = Page(EXAMPLE_PAGE.read_text()).text
    scores = re.findall(r"^│ arithmetic │ (\w+) .*?│ ([\d.]+)% +│ ([\d.]+)% to ([\d.]+)%", README, re.M)
    assert [student for student, *_ in scores] == ["before", "after"]
    for _, accuracy, low, high in scores:
        assert f"{accuracy} %" in page and f"{low}–{high} %" in page
    right, drafts = re.search(r"yield: (\d+) of (\d+) drafts", README).groups()
    assert f"program {right} of {drafts}" in page
    fixed, broken = re.search(r"(\d+) fixed, (\d+) broken", README).groups()
    assert f"{fixed} answers fixed, {broken} broken" in page
    assert all(f"{accuracy} % ({low} to {high})" in README for _, accuracy, low, high in scores)


def test_the_citations_are_those_of_the_readme():
    cited = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())["references"]
    assert len(cited) == 3
    assert all(paper["url"] in README and paper["doi"].startswith("10.18653/v1/") for paper in cited)


def test_the_drafts_that_the_readme_shows_get_the_verdicts_that_it_shows():
    (shown,) = [block.text for block in BLOCKS if "\nverdict: " in block.text]
    (question,) = re.findall(r"^> (.+)$", README, re.M)
    columns = shown.splitlines()[0].rindex("def")
    drafts = [
        "\n".join(line[part].rstrip() for line in shown.splitlines()) for part in (slice(columns), slice(columns, None))
    ]
    said = [re.fullmatch(r"(.+)\n\nverdict: (\w+)\nfeedback: (.+)", draft, re.S).groups() for draft in drafts]
    with Sandbox() as sandbox:
        candidates = [Candidate("draft", program, "6.25", AnswerKind.NUMBER, question) for program, *_ in said]
        verdicts = judge(sandbox, candidates)
    assert [(verdict.outcome.value, verdict.feedback) for verdict in verdicts] == [(one[1], one[2]) for one in said]
    assert [outcome for _, outcome, _ in said] == ["wrong_answer", "accepted"]


@pytest.mark.parametrize(("name", "longest"), LONGEST.items())
def test_an_example_is_short(name, longest):
    assert len(named_files()[name].splitlines()) <= longest


def test_the_sandbox_example_prints_an_accepted_program_and_a_failed_one():
    (example,) = [block.text for block in BLOCKS if block.language == "python" and "Sandbox()" in block.text]
    shown = subprocess.run([sys.executable, "-c", example], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert "42" in shown.stdout and "NameError" in shown.stdout


@pytest.fixture
def own_parts(tmp_path):
    return write_own_parts(tmp_path)


def test_the_example_task_verifier_engine_and_path_work_in_distill_without_touching_the_library(
    own_parts, tiny_student
):
    script = own_parts / "script.json"
    script.write_text(json.dumps({"*": ["def solution():\n    plates = 60\n    return plates + 61\n"]}))
    small = {"--training.student": tiny_student, "--training.epochs": 1, "--training.precision": "float32"}
    small |= {"--evaluation.engine.kind": "scripted", "--evaluation.engine.script": script}
    words = [str(word) for pair in small.items() for word in pair]
    done = subprocess.run(
        [sys.executable, str(REPOSITORY / "jobs" / "distill.py"), "chores-recipe.yaml", *words],
        cwd=own_parts,
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    run = RunDir(str(own_parts / "runs" / "chores"))
    assert {question.task for question in run.read_records("questions/train", Question)} == {"chores"}
    drafts, corpus = run.read_records("drafts", Draft), run.read_records("corpus/train", CorpusRow)
    assert {draft.engine for draft in drafts} == {"adder-1"}
    assert all("# all of it" in draft.text for draft in drafts)
    assert corpus and all("#" not in row.target and row.source.endswith("\nPython:\n") for row in corpus)
    scores = run.read_json("metrics.json")["evaluation"]
    assert {score["strategy"] for score in scores} == {"greedy", "step_beam", "step_beam-resampled"}
    assert {score["protocol"] for score in scores} == {"chores test, 10 questions"}
    check_counts(own_parts / "runs" / "chores")
    settings = run.read_json("solutions/chores/step_beam/manifest.json")["strategy"]
    assert settings["verifiers"][0]["kind"] == "no_negatives:NoNegatives"
