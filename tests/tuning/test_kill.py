"""A node lost in the middle of a campaign changes none of its trials. Runs only if PAD_RAY_KILLS is set."""

import json
import os
import shutil
from itertools import islice

import pytest
import yaml

from pad_ray.run.folder import RunDir
from pad_ray.tasks import arithmetic
from pad_ray.tuning.trials import Trials
from tests.conftest import WRONG
from tests.jobs.conftest import change_nodes, run_job

QUESTIONS = 60
TRIALS = 8

pytestmark = pytest.mark.skipif(not int(os.environ.get("PAD_RAY_KILLS", "0")), reason="PAD_RAY_KILLS is not set")


def write_recipe(folder, student):
    """Eight consecutive trials of a student that takes 0.5 s per request."""
    problems = [*islice(arithmetic.generate("train", 0), QUESTIONS), *islice(arithmetic.generate("test", 0), 12)]
    completions = {problem.question.text: [WRONG, problem.reference_program, WRONG] for problem in problems}
    folder.mkdir()
    (folder / "script.json").write_text(json.dumps({**completions, "@": {"seconds": 0.5}}))
    shutil.copytree(student, folder / "run" / "student")
    recipe = {
        "run_dir": str(folder / "run"),
        "questions": {"task": "arithmetic", "limit": QUESTIONS, "test_limit": 12},
        "corpus": {"validation_share": 0.5},
        "evaluation": {
            "engine": {"kind": "scripted", "script": str(folder / "script.json"), "actors": 2},
            "strategies": [{"kind": "vote", "samples": 2}],
            "live_questions": 4,
        },
        "tuning": {
            "kind": "decode",
            "trials": TRIALS,
            "concurrent": 1,
            "stopping": False,
            "space": {"evaluation.strategies.0.samples": {"low": 1, "high": 12}},
        },
    }
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return path


def trials(folder):
    found = Trials.read(RunDir(str(folder / "run"))).of("completed")
    return [(trial.trial, trial.parameters, trial.values) for trial in found]


@pytest.mark.parametrize("head_cpus", [2, 1], ids=["another has room", "none has room"])
def test_a_removed_node_changes_no_trial(tmp_path, tiny_student, head_cpus):
    undisturbed = run_job("tune", write_recipe(tmp_path / "a", tiny_student))
    assert undisturbed.returncode == 0, undisturbed.stdout + undisturbed.stderr
    done = change_nodes("lose", "tune", write_recipe(tmp_path / "b", tiny_student), 3, head_cpus)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "node removed" in done.stdout
    assert trials(tmp_path / "b") == trials(tmp_path / "a")
    assert len(trials(tmp_path / "b")) == TRIALS
