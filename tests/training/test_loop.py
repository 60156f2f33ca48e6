"""Every ZeRO stage, each in a new process because DeepSpeed's process group is permanent."""

import subprocess
import sys

from tests.jobs.conftest import REPOSITORY


def test_all_stages_match_a_plain_loop_and_resume_exactly():
    command = [sys.executable, "-m", "tests.training.one_process"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("from the plain loop") == 4
