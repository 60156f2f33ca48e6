"""Shared fixtures of the job tests: a recipe of a full run with scripted engines and a tiny student."""

import io
import json
import os
import runpy
import subprocess
import sys
import time
from contextlib import contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import psutil
import pytest
import yaml

from pad_ray.tasks import TASKS
from tests.jobs import things
from tests.servers import free_ports, wait_until_answers

# Registered only in tests that use `own_task`.
TASKS.pop("things")
REPOSITORY = Path(__file__).parents[2]
RAY = str(Path(sys.executable).parent / "ray")
# The command in the README.
START = "ray start --head --dashboard-host=127.0.0.1"


@contextmanager
def head_node(folder):
    """A separate head node with four CPUs; yields the address of its job server and its process.

    It is ended by pid: `ray stop` would end every Ray here. `folder` needs a short name because socket paths are short.
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
    # On a terminate signal it would wait 20 s for the others.
    head.kill()
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(processes, timeout=20)
    kill(alive)
    head.wait()


def kill(processes):
    """Kill the processes; ignore those that have ended meanwhile, as a zygote does with its parent."""
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def command_line(process):
    """The command line of a process, for a Ray worker its current task; empty if the process has ended."""
    try:
        return " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return ""


@pytest.fixture
def write_recipe(tmp_path, script, tiny_student):
    """Writes a recipe with the run folder `tmp_path / "run"` and changes to its sections; returns its path."""

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
    """Run a job in a new process, as a user does."""
    return subprocess.run(
        [sys.executable, f"jobs/{job}.py", *map(str, arguments)],
        cwd=REPOSITORY,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def call_job(job, *arguments, **environment):
    """Runs a job as `run_job` does, but in this process, on the Ray of the tests if the test has `local_ray`."""
    output, errors, words = io.StringIO(), io.StringIO(), [f"jobs/{job}.py", *map(str, arguments)]
    with (
        redirect_stdout(output),
        redirect_stderr(errors),
        patch.object(sys, "argv", words),
        patch.dict(os.environ, environment),
        pytest.raises(SystemExit) as ended,
    ):
        runpy.run_path(str(REPOSITORY / words[0]), run_name="__main__")
    return subprocess.CompletedProcess(words, ended.value.code, output.getvalue(), errors.getvalue())


def start_job(job, *arguments):
    """Start a job like `run_job`; its output is in `stdout`."""
    command = [sys.executable, f"jobs/{job}.py", *map(str, arguments)]
    return psutil.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def wait_until(reached, job):
    """Wait until `reached()` is true; fail if the job ends before."""
    while not reached():
        assert job.poll() is None, job.stdout.read()
        time.sleep(0.02)


def kill_driver(job):
    """Kill only the job's own process; returns its descendants, some of which then end by themselves."""
    family = job.children(recursive=True)
    job.kill()
    job.wait()
    psutil.wait_procs(family, timeout=30)
    return family


def change_nodes(*arguments):
    """Run `tests.change_nodes`; the job waits 5 s for another node."""
    command = [sys.executable, "-m", "tests.change_nodes", *map(str, arguments)]
    environment = {**os.environ, "PAD_RAY_NODE_PATIENCE_S": "5"}
    return subprocess.run(
        command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False, timeout=400
    )


SOLVES = "def solution():\n    red = 3\n    blue = {number}\n    return red + blue\n"


@pytest.fixture
def own_task(monkeypatch):
    """The task of `tests.jobs.things`."""
    monkeypatch.setitem(TASKS, "things", things.THINGS)


@pytest.fixture
def told(own_task):
    """Runs a job as `call_job` does, where the task of `tests.jobs.things` is known; returns its exit status and output."""

    def run(job, *words):
        done = call_job(job, *words)
        assert "Traceback" not in done.stdout + done.stderr
        return done.returncode, done.stdout

    return run


def rows(split, count):
    """Rows that the script below solves; each split has different rows."""
    words = {"train": "Ann has 3 red pens and {n} blue ones. How many has she?", "test": "Bo: 3 cups, {n} pots. All?"}
    return [{"question": words[split].format(n=number), "answer": 3 + number} for number in range(4, 4 + count)]


@pytest.fixture
def make_data(own_task, tmp_path):
    """Writes a task of 12 train and 4 test questions plus the given rows, and a recipe for it; returns the recipe's path."""

    def write(train=(), test=(), mark="", **changes):
        completions = {"*": ["def solution():\n    return 0\n"]}
        folder = tmp_path / "data" / "things"
        folder.mkdir(parents=True)
        for split, count, further in (("train", 12, train), ("test", 4, test)):
            own = rows(split, count)
            completions |= {row["question"]: [SOLVES.format(number=number)] for number, row in enumerate(own, 4)}
            lines = [line if isinstance(line, str) else json.dumps(line) for line in [*own, *further]]
            (folder / f"{split}.jsonl").write_text(mark + "\n".join(lines))
        (tmp_path / "script.json").write_text(json.dumps(completions))
        recipe = {
            "run_dir": str(tmp_path / "run"),
            "data_dir": str(tmp_path / "data"),
            "extensions": ["tests.jobs.things"],
            "questions": {"task": "things", "limit": 100, "test_limit": 100},
            "teacher": {"kind": "scripted", "script": str(tmp_path / "script.json")},
            "synthesis": {"samples": 1},
            "corpus": {"validation_share": 0.4, "decontaminate": []},
        }
        path = tmp_path / "recipe.yaml"
        path.write_text(yaml.safe_dump({**recipe, **changes}))
        return path

    return write
