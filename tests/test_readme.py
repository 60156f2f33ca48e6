"""The README keeps its word: its examples work, its commands are those that there are, its links lead somewhere."""

import ast
import json
import os
import re
import subprocess
import sys
import urllib.error
import urllib.request

import pytest
import yaml

from pad_ray.errors import InputError
from pad_ray.recipe import Recipe
from pad_ray.run.folder import RunDir
from pad_ray.schema import CorpusRow, Draft, Question
from pad_ray.settings import read_settings
from pad_ray.tuning.space import parameters_of
from tests.jobs.conftest import REPOSITORY
from tests.readme import BLOCKS, README, named_files, write_own_parts
from tests.report.counted import check_counts

LONGEST = {"chores.py": 40, "no_negatives.py": 20, "adder.py": 30, "bare.py": 30}


def recipes():
    """The pieces of recipes: blocks of YAML that are no files."""
    return [text for language, text in BLOCKS if language == "yaml" and text not in named_files().values()]


def anchors():
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in re.findall(r"^#+ (.+)$", README, re.M)}


def test_every_block_is_an_example_a_command_with_what_it_prints_or_a_drawing():
    assert {language for language, _ in BLOCKS} == {"", "python", "yaml"}
    for language, text in BLOCKS:
        if language == "python":
            ast.parse(text)
        if language == "yaml":
            assert yaml.safe_load(text)


@pytest.mark.parametrize("block", recipes())
def test_every_piece_of_a_recipe_is_read_as_a_recipe(block):
    parameters_of(read_settings(Recipe, [], yaml.safe_load(block), "README.md"))


def test_a_misspelt_field_in_a_piece_of_a_recipe_is_found():
    (tuned,) = [block for block in recipes() if block.startswith("tuning:")]
    with pytest.raises(InputError, match=r"tuning.spaces: unknown field"):
        read_settings(Recipe, [], yaml.safe_load(tuned.replace("space:", "spaces:")), "README.md")
    with pytest.raises(InputError, match=r"training.learning_rates"):
        parameters_of(read_settings(Recipe, [], yaml.safe_load(tuned.replace("_rate:", "_rates:")), "README.md"))


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\(([^)]+)\)", README))))
def test_every_link_leads_somewhere(link):
    if link.startswith("#"):
        assert link[1:] in anchors()
    elif link.startswith("https://"):
        check_answers(link)
    else:
        assert (REPOSITORY / link).is_file()


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
    tree = README[README.index("## The tree") :]
    folders = [path.name for path in (REPOSITORY / "pad_ray").iterdir() if (path / "__init__.py").exists()]
    assert all(f"{folder}/" in tree for folder in folders)
    assert all(job.name in tree for job in (REPOSITORY / "jobs").glob("*.py"))


def test_the_picture_is_small():
    assert (REPOSITORY / "README.png").stat().st_size < 200_000


def test_the_citations_are_those_of_the_readme():
    cited = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())["references"]
    assert len(cited) == 3
    assert all(paper["url"] in README and paper["doi"].startswith("10.18653/v1/") for paper in cited)


@pytest.mark.parametrize(("name", "longest"), LONGEST.items())
def test_an_example_is_short(name, longest):
    assert len(named_files()[name].splitlines()) <= longest


def test_the_sandbox_example_prints_an_accepted_program_and_a_failed_one():
    (example,) = [text for language, text in BLOCKS if language == "python" and "Sandbox()" in text]
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
