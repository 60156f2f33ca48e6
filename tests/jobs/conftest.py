"""What the tests of the jobs share: a recipe of the whole way with scripted engines and a tiny student."""

import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import yaml

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def write_recipe(tmp_path, script, tiny_student):
    """Writes a recipe whose run goes to `tmp_path / "run"`, with changes to its sections; returns its path."""

    def write(**changes):
        engine = {"kind": "scripted", "script": str(script)}
        recipe = {
            "run_dir": str(tmp_path / "run"),
            "questions": {"task": "arithmetic", "limit": 24, "test_limit": 12},
            "teacher": engine,
            "synthesis": {"samples": 3},
            "training": {"student": str(tiny_student), "epochs": 1, "precision": "float32", "cpus_per_worker": 0.5},
            "evaluation": {"engine": engine},
        }
        path = tmp_path / "recipe.yaml"
        path.write_text(yaml.safe_dump({**recipe, **changes}))
        return path

    return write


def run_job(job, *arguments, **environment):
    """Runs a job in a process of its own, as a user does."""
    return subprocess.run(
        [sys.executable, f"jobs/{job}.py", *map(str, arguments)],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def distill():
    """Runs `jobs/distill.py`."""
    return partial(run_job, "distill")
