"""A node lost in the middle of an evaluation costs no solution. Runs only if PAD_RAY_KILLS is set."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from pad_ray.run.folder import RunDir
from pad_ray.schema import Solution
from tests.jobs.conftest import change_nodes, run_job

QUESTIONS = 640
STRATEGIES = ["greedy", "vote"]

pytestmark = pytest.mark.skipif(not int(os.environ.get("PAD_RAY_KILLS", "0")), reason="PAD_RAY_KILLS is not set")


def write_recipe(folder, script, student):
    """20 blocks of 32 questions for an engine that takes 1 s per request and works on four blocks at a time."""
    completions = {**json.loads(Path(script).read_text()), "@": {"seconds": 1.0}}
    (folder / "script.json").write_text(json.dumps(completions))
    shutil.copytree(student, folder / "run" / "student")
    recipe = {
        "run_dir": str(folder / "run"),
        "questions": {"task": "arithmetic", "limit": 4, "test_limit": QUESTIONS},
        "evaluation": {
            "engine": {"kind": "scripted", "script": str(folder / "script.json"), "actors": 2},
            "strategies": STRATEGIES,
            "live_questions": 32,
        },
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return path


def solutions(folder):
    run = RunDir(str(folder / "run"))
    result = [one for name in STRATEGIES for one in run.read_records(f"solutions/arithmetic/{name}", Solution)]
    return sorted((replace(solution, latency_s=0.0) for solution in result), key=lambda s: (s.strategy, s.question_id))


def test_an_evaluation_continues_without_a_removed_node(tmp_path, script, tiny_student):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    undisturbed = run_job("evaluate", write_recipe(tmp_path / "a", script, tiny_student))
    assert undisturbed.returncode == 0, undisturbed.stdout + undisturbed.stderr
    done = change_nodes("lose", "evaluate", write_recipe(tmp_path / "b", script, tiny_student), 8, 1)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "node removed" in done.stdout
    assert "continuing without them" in done.stdout
    assert solutions(tmp_path / "b") == solutions(tmp_path / "a")
    assert len(solutions(tmp_path / "b")) == 2 * QUESTIONS
