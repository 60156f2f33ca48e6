"""Signals and locks: how a job ends from outside, and what the user reads."""

import json
import os
import signal
import subprocess
import sys

import pytest

from pad_ray.errors import InputError
from pad_ray.run.folder import RunDir
from pad_ray.stages import command_line, stopping
from tests.jobs.conftest import REPOSITORY, start_job, wait_until
from tests.servers import free_ports

HOLD = "import sys, time; from pad_ray.run.folder import RunDir; from pad_ray.stages.stopping import hold; "
HOLD += "hold(RunDir(sys.argv[1])); print('held', flush=True); time.sleep(600)"


@pytest.fixture
def programs(tmp_path):
    """A file of programs that takes longer to judge than the test needs."""
    lines = [{"id": str(n), "program": f"def solution():\n    return {n}", "gold": str(n)} for n in range(20_000)]
    path = tmp_path / "programs.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


@pytest.mark.parametrize(
    ("number", "name", "status"), [(signal.SIGINT, "Ctrl-C", 130), (signal.SIGTERM, "SIGTERM", 143)]
)
def test_a_signal_ends_a_job_with_one_line_and_keeps_what_is_committed(programs, tmp_path, number, name, status):
    run = RunDir(str(tmp_path / "run"))
    job = start_job("verify", "--input", programs, "--output", run.root, "--verify.part_rows", 200)
    wait_until(lambda: run.parts("verdicts"), job)
    job.send_signal(number)
    output, _ = job.communicate(timeout=60)
    assert job.returncode == status
    assert output.splitlines()[-1] == (
        f"stopped by {name}; everything that was committed is kept, and the same command continues"
    )
    assert "Traceback" not in output
    assert run.parts("verdicts") and not run.exists(stopping.LOCK)


def test_a_second_job_on_a_run_folder_is_refused_until_the_first_one_is_dead(tmp_path):
    folder = RunDir(str(tmp_path / "run"))
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    first = subprocess.Popen([sys.executable, "-c", HOLD, folder.root], stdout=subprocess.PIPE, env=environment)
    try:
        assert first.stdout.readline() == b"held\n"
        with pytest.raises(InputError, match="another job works on this run folder; wait for its end, or give another"):
            stopping.hold(folder)
    finally:
        first.kill()
        first.wait()
    stopping.hold(folder)
    stopping.hold(folder)  # A stage that runs again in the same process.
    assert folder.exists(stopping.LOCK)
    stopping.release()
    assert not folder.exists(stopping.LOCK)


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://10.0.0.1:8265", "this is a job server; use the cluster's own address, such as 10.0.0.1:6379"),
        ("127.0.0.1:{free}", "no Ray cluster answers there"),
        ("ray://127.0.0.1:{free}", "no Ray cluster answers there"),
        ("no-such-host.invalid:6379", "no Ray cluster answers there"),
        ("somewhere", "no Ray cluster answers there"),
    ],
)
def test_a_cluster_that_is_not_there_is_refused_at_once(address, words):
    (free,) = free_ports(1)
    with pytest.raises(InputError) as refused:
        command_line.check_address(address.format(free=free))
    assert words in str(refused.value) and "RAY_ADDRESS=" in str(refused.value)


@pytest.mark.parametrize("address", ["auto", "local"])
def test_a_cluster_that_ray_finds_itself_is_left_to_ray(address):
    command_line.check_address(address)
