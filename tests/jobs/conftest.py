"""What the tests of the jobs share: a recipe of the whole way with scripted engines and a tiny student."""

import os
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import pytest
import yaml

from tests.servers import free_ports, wait_until_answers

REPOSITORY = Path(__file__).parents[2]
RAY = str(Path(sys.executable).parent / "ray")
# As the README has it.
START = "ray start --head --dashboard-host=127.0.0.1"


@contextmanager
def head_node(folder):
    """A head node of its own with four CPUs; yields the address of its job server and its process.

    Ended by pid: `ray stop` would end every Ray here. Unix sockets have short names, so `folder` must too.
    """
    port, dashboard, agent, client = free_ports(4)
    command = [*START.split(), "--block", "--num-cpus=4", f"--port={port}", f"--dashboard-port={dashboard}"]
    command += [f"--dashboard-agent-listen-port={agent}", f"--ray-client-server-port={client}", f"--temp-dir={folder}"]
    activated = {**os.environ, "PATH": f"{Path(RAY).parent}:{os.environ['PATH']}"}
    with (folder / "head.log").open("w") as log:
        head = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, env=activated)
        try:
            address = f"http://127.0.0.1:{dashboard}"
            wait_until_answers(f"{address}/api/version", head, limit_s=300)
            yield address, head
        finally:
            _end(head)


@pytest.fixture(scope="module")
def cluster():
    """A cluster of one node; yields the address of its job server."""
    with TemporaryDirectory() as folder, head_node(Path(folder)) as (address, _):
        yield address


def _end(head):
    processes = psutil.Process(head.pid).children(recursive=True) if head.poll() is None else []
    # Told to end, it would wait 20 s for the others.
    head.kill()
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=20)
    kill(alive)
    head.wait()


def kill(processes):
    """Kills them all. One that has ended meanwhile, as a zygote does with its parent, needs no more."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def command_line(process):
    """The words of a process, of Ray's what it is busy with; empty where it has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


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


def start_job(job, *arguments):
    """Starts a job as `run_job` does; what it says is its `stdout`."""
    command = [sys.executable, f"jobs/{job}.py", *map(str, arguments)]
    return psutil.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_until(reached, job):
    """Until the job has come so far; it must not end before."""
    while not reached():
        assert job.poll() is None, job.stdout.read()
        time.sleep(0.02)


def kill_driver(job):
    """Kills the process of the job alone; returns those that it has had, some of which end by themselves."""
    family = job.children(recursive=True)
    job.kill()
    job.wait()
    psutil.wait_procs(family, timeout=30)
    return family


def change_nodes(*arguments):
    """Runs `tests.change_nodes`; the job waits 5 s for another node."""
    command = [sys.executable, "-m", "tests.change_nodes", *map(str, arguments)]
    environment = {**os.environ, "PAD_RAY_NODE_PATIENCE_S": "5"}
    return subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False, timeout=400
    )


@pytest.fixture
def distill():
    """Runs `jobs/distill.py`."""
    return partial(run_job, "distill")
