"""Ray's warning about actors that restart is not seen at the start of a job, and nothing else of stderr is lost."""

import subprocess
import sys

import pytest

# What a process does in the filter; the line of Ray is written by hand.
SCRIPT = """
import os, signal, subprocess, sys
from pad_ray.run.ray_internals import RESTART_WARNING, stderr_without
before = len(os.listdir("/proc/self/fd"))
for round in range(2):
    print("before", round, file=sys.stderr)
    with stderr_without(RESTART_WARNING):
        os.write(2, b"first\\n[x E 1 1] core_worker.cc:24: Actor with class name: 'A' has constructor arguments in the ")
        os.write(2, b"object store and max_restarts > 0.\\n" + b"x" * 200_000 + b"\\n")
        subprocess.run(["sh", "-c", "echo child >&2"])
        os.write(2, b"no newline")
        {inside}
    print("after", round, file=sys.stderr)
assert len(os.listdir("/proc/self/fd")) == before
"""
ROUND = "before {0}\nfirst\n" + "x" * 200_000 + "\nchild\nno newline"


def _run(inside="pass", **options):
    return subprocess.run([sys.executable, "-c", SCRIPT.format(inside=inside)], check=False, timeout=120, **options)


@pytest.mark.parametrize("kind", ["pipe", "file"])
def test_one_line_is_left_out_and_everything_else_comes_in_order(kind, tmp_path):
    expected = "".join(f"{ROUND.format(number)}after {number}\n" for number in range(2))
    if kind == "pipe":
        assert _run(stderr=subprocess.PIPE, text=True).stderr == expected
    else:
        with (tmp_path / "err").open("w") as file:
            assert _run(stderr=file).returncode == 0
        assert (tmp_path / "err").read_text() == expected


def test_what_a_killed_process_has_written_arrives():
    ended = _run("os.kill(os.getpid(), signal.SIGKILL)", stderr=subprocess.PIPE, text=True)
    assert ended.returncode == -9
    assert ended.stderr == ROUND.format(0)


def test_a_closed_stderr_stays_closed():
    closed = (
        "import os\nos.close(2)\nfrom pad_ray.run.ray_internals import stderr_without\nwith stderr_without('x'): pass\n"
    )
    closed += "try:\n    os.fstat(2)\nexcept OSError:\n    print('closed')"
    assert subprocess.check_output([sys.executable, "-c", closed], text=True, timeout=120) == "closed\n"


PIPELINE = """
import ray, ray.data
from pad_ray.stages.command_line import start_ray

class Same:
    def __call__(self, batch):
        return batch

start_ray()
for _ in range(2):
    once = ray.data.range(2).map_batches(Same, compute=ray.data.ActorPoolStrategy(size=1), num_cpus=0.5, max_restarts=-1)
    assert once.count() == 2
"""


def test_a_pipeline_starts_without_rays_warning():
    started = subprocess.run([sys.executable, "-c", PIPELINE], capture_output=True, text=True, check=False, timeout=300)
    assert started.returncode == 0, started.stderr
    assert "core_worker.cc" not in started.stderr + started.stdout, started.stderr
