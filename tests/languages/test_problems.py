"""Whole runs in six languages: every right program and rationale is accepted, and planted test questions are found."""

import json
import shutil

import pytest
import yaml

from pad_ray.rundir import RunDir
from pad_ray.schema import Verdict
from pad_ray.tasks import TASKS
from tests.jobs.conftest import run_job
from tests.languages.problems import EQUAL, GIVEN, NEAR, PROBLEMS

# Registered for the runs that name it alone.
TASKS.pop("six_languages")


@pytest.fixture
def recipe(tmp_path, tiny_student):
    """Writes a recipe whose engine answers each problem with its program or rationale."""

    def write(kind, **changes):
        script = tmp_path / f"{kind}.json"
        script.write_text(json.dumps({one.text: [getattr(one, kind)] for one in [*PROBLEMS, *NEAR]}))
        engine = {"kind": "scripted", "script": str(script)}
        settings = {
            "run_dir": str(tmp_path / kind),
            "extensions": ["tests.languages.problems"],
            "questions": {"task": "six_languages", "limit": 240, "test_limit": 240},
            "teacher": engine,
            "synthesis": {"samples": 1, "paths": [kind]},
            "corpus": {"decontaminate": []},
            "training": {"student": str(tiny_student)},
            "evaluation": {"engine": engine},
        }
        path = tmp_path / f"{kind}.yaml"
        path.write_text(yaml.safe_dump({**settings, **changes}))
        return path

    return write


def test_there_are_forty_problems_a_language():
    assert len({one.text for one in PROBLEMS}) == len(PROBLEMS) == 40 * len(GIVEN) == 240


@pytest.mark.parametrize("kind", ["program", "rationale"])
def test_every_right_draft_is_accepted_and_planted_test_questions_are_found(recipe, tmp_path, kind):
    done = run_job("synthesize", recipe(kind))
    assert done.returncode == 0, done.stdout + done.stderr
    run = RunDir(str(tmp_path / kind))
    rejected = run.read_records("rejected", Verdict)
    assert {verdict.outcome.value for verdict in rejected} == {"contaminated"}
    metrics = run.read_json("metrics.json")
    assert metrics["synthesis"]["outcomes"] == {"accepted": len(PROBLEMS)}
    assert metrics["corpus"]["overlaps"] == {"equal": len(EQUAL), "masked": 19 * len(GIVEN)}
    assert metrics["corpus"]["contaminated"] == {"six_languages": len(rejected)}


def test_every_right_program_of_a_student_is_right(recipe, tmp_path, tiny_student):
    shutil.copytree(tiny_student, tmp_path / "program" / "student")
    tests = {"task": "six_languages", "limit": 1, "test_limit": 240, "test_tasks": ["six_languages:asked"]}
    done = run_job("evaluate", recipe("program", questions=tests))
    assert done.returncode == 0, done.stdout + done.stderr
    (scores,) = RunDir(str(tmp_path / "program")).read_json("metrics.json")["evaluation"]
    assert (scores["questions"], scores["accuracy"]) == (240, 1.0)
