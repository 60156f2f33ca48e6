"""Every ZeRO stage, in a process of its own, because DeepSpeed joins a process to a group for good."""

import subprocess
import sys

from tests.jobs.conftest import REPOSITORY


def test_all_stages_have_the_losses_of_a_plain_loop_and_go_on_exactly_from_a_checkpoint():
    command = [sys.executable, "-m", "tests.training.one_process"]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("from the plain loop") == 4
