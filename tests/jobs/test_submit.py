"""The jobs under a real `ray job submit`, on a cluster that `ray start --head` started."""

import json
import os
import subprocess
import sys

from pad_ray.run.folder import RunDir
from pad_ray.schema import CorpusRow
from tests.jobs.conftest import RAY, REPOSITORY
from tests.readme import write_own_parts


def _submit(address, *words, folder=REPOSITORY):
    return subprocess.run(
        [RAY, "job", "submit", "--address", address, "--working-dir", ".", "--", sys.executable, *words],
        cwd=folder,
        env={**os.environ, "RAY_ADDRESS": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_submitted_job_with_bad_input_fails_with_its_reason(cluster, write_recipe):
    done = _submit(cluster, "jobs/distill.py", str(write_recipe()), "--training.student", "smollm9")
    assert done.returncode == 1
    assert "smollm9" in done.stdout
    assert "exit code 2" in done.stdout


def test_user_modules_reach_the_workers_of_a_submitted_job(cluster, tmp_path):
    folder, run = write_own_parts(tmp_path / "sent"), tmp_path / "run"
    job = str(REPOSITORY / "jobs" / "synthesize.py")
    done = _submit(cluster, job, "chores-recipe.yaml", "--run-dir", str(run), folder=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = RunDir(str(run)).read_records("corpus/train", CorpusRow)
    assert rows and all("#" not in row.target and row.source.endswith("\nPython:\n") for row in rows)


def test_a_stopped_job_leaves_no_process_and_continues_when_resubmitted(write_recipe, script, tmp_path):
    slow = tmp_path / "slow.json"
    slow.write_text(json.dumps({**json.loads(script.read_text()), "@": {"seconds": 1.0}}))
    recipe = write_recipe(
        teacher={"kind": "scripted", "script": str(slow)},
        synthesis={"samples": 3, "block_questions": 2},
    )
    command = [sys.executable, "-m", "tests.stop_and_resubmit", "synthesize", str(recipe), "2"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "after the stop: STOPPED, left alive: nothing" in done.stdout
    (entry,) = [
        one for one in RunDir(str(tmp_path / "run")).read_json("ledger.json")["stages"] if one["stage"] == "synthesis"
    ]
    assert entry["rows_in"] == 72 and entry["balanced"]
