"""The batch script passes its linter and runs on one real node, with stand-ins for Slurm's commands."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from itertools import takewhile
from pathlib import Path

import psutil
import pytest

from tests.cluster.conftest import CLUSTER, REPOSITORY, check_job, job_words, tool
from tests.servers import free_ports

SCRIPT = CLUSTER / "slurm" / "pad_ray.sbatch"
STAND_INS = {
    "srun": 'while [ "${1#-}" != "$1" ]; do shift; done; exec "$@"',
    "scontrol": "echo this-node",
    "hostname": "echo 127.0.0.1",
}
JOB = """
import os, signal, sys
import ray

ray.init(log_to_driver=False)
assert ray.cluster_resources()["CPU"] == 2
print("token", os.environ["RAY_AUTH_TOKEN_PATH"], oct(os.stat(os.environ["RAY_AUTH_TOKEN_PATH"]).st_mode), flush=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(5))
print("waiting", flush=True)
while True:
    signal.pause()
"""


def test_shellcheck_finds_nothing():
    linted = subprocess.run([tool("shellcheck"), SCRIPT], capture_output=True, text=True, check=False)
    assert (linted.returncode, linted.stdout) == (0, "")


def test_without_a_job_it_prints_its_usage():
    refused = subprocess.run(["bash", SCRIPT], capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "no job given" in refused.stderr


def test_the_jobs_in_its_comments_exist():
    shown = [line for line in SCRIPT.read_text().splitlines() if line.startswith("#   sbatch")]
    assert shown
    for line in shown:
        check_job(job_words(line.replace("cluster/slurm/pad_ray.sbatch", "python")))


@pytest.fixture
def environment(tmp_path):
    """Slurm's variables, and stand-ins for its commands on one node."""
    stand_ins = tmp_path / "bin"
    stand_ins.mkdir()
    for name, body in STAND_INS.items():
        (stand_ins / name).write_text(f"#!/bin/sh\n{body}\n")
        (stand_ins / name).chmod(0o755)
    (job_id,) = (port - 20000 for port in free_ports_in(20000, 29999, 1))
    metrics, dashboard = free_ports(2)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    return {
        **inherited,
        "PATH": f"{stand_ins}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "PAD_RAY_VENV": str(Path(sys.executable).parents[1]),
        "PAD_RAY_METRICS_PORT": str(metrics),
        "PAD_RAY_DASHBOARD_PORT": str(dashboard),
        "SLURM_JOB_ID": str(job_id),
        "SLURM_JOB_NODELIST": "this-node",
        "SLURM_SUBMIT_DIR": str(REPOSITORY),
        "SLURM_CPUS_PER_TASK": "2",
    }


def free_ports_in(first, last, number):
    """Free ports in a range whose ports 10000 and 20000 above, which the script also uses, are free too."""
    used = {connection.laddr.port for connection in psutil.net_connections() if connection.laddr}
    ports = [port for port in range(first, last) if not {port, port + 10000, port + 20000} & used]
    return ports[os.getpid() % 1000 :: 1000][:number]


@pytest.fixture
def submitted(environment, tmp_path):
    """The running script with a job that waits for a signal."""
    (tmp_path / "job.py").write_text(JOB)
    script = subprocess.Popen(["bash", SCRIPT, tmp_path / "job.py"], env=environment, stdout=subprocess.PIPE, text=True)
    yield script
    script.terminate()
    script.wait(60)


def test_a_job_runs_on_its_cluster_gets_the_signal_and_leaves_nothing(submitted, environment, tmp_path):
    output = list(takewhile(lambda line: line != "waiting\n", submitted.stdout))
    assert submitted.poll() is None, output
    started = psutil.Process(submitted.pid).children(recursive=True)
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"http://127.0.0.1:{environment['PAD_RAY_DASHBOARD_PORT']}/api/jobs/")
    submitted.send_signal(signal.SIGTERM)
    submitted.stdout.read()
    assert submitted.wait(60) == 5
    assert any(f"token {tmp_path}" in line and "0o100600" in line for line in output)
    assert not list((tmp_path / ".ray").iterdir())
    assert started
    assert not psutil.wait_procs(started, timeout=20)[1]
