"""The supervisor's side of one zygote: starts it, sends jobs, receives results and detects its death."""

import ast
import marshal
import os
import select
import socket
import subprocess
import sys
from array import array
from collections import deque
from dataclasses import dataclass, field
from typing import Any

from pad_ray.sandbox.config import HEAVY_IMPORTS, LATE_IMPORTS, RARE, RARE_IMPORTS, UNICODE, SandboxConfig
from pad_ray.sandbox.inside.protocol import JOB, SETUP_FORMAT, STATUS
from pad_ray.sandbox.launcher import Spawner, base_interpreter, bwrap_command, package_paths, zygote_command
from pad_ray.sandbox.results import ANSWER_BYTES, Ending
from pad_ray.sandbox.seccomp import filter_bytes
from pad_ray.sandbox.warmup import SAMPLES

# The imports of a zygote: () for none, for programs without imports; (STANDARD,) for the light modules; more for heavy ones.
Kind = tuple[str, ...]
STANDARD = "standard"
START_S = 120.0
GRACE_S = 10.0
LEAVE_S = 1.0
DIAGNOSIS_BYTES = 4096
FACTS_BYTES = 1 << 16


class WorkerError(Exception):
    """A zygote did not start, or died; the message says why."""


@dataclass(frozen=True)
class Launch:
    """How to start zygotes on this host: inside bubblewrap or directly, and the uid to which they change."""

    bwrap: str | None
    uid: int | None


@dataclass
class Job:
    """A program in a worker; `attempts` counts the failures of the sandbox, not of the program."""

    index: int
    program: bytes
    attempts: int = 0
    read_fd: int = field(default=-1, repr=False)


def modules_of(config: SandboxConfig, kind: Kind) -> list[str]:
    """The imports of this kind of zygote: none, or every allowed module except heavy ones of other kinds, together with the
    modules that these import on first use, which a child cannot do.
    """
    if not kind:
        return []
    allowed = [name for name in config.allowed_imports if name not in HEAVY_IMPORTS or name in kind]
    late = [module for name in allowed for module in LATE_IMPORTS.get(name, ())]
    rare = [module for name in allowed if f"{RARE}{name}" in kind for module in RARE_IMPORTS[name][1]]
    return list(dict.fromkeys([*allowed, *UNICODE, *late, *rare]))


def paths_of(config: SandboxConfig, kind: Kind) -> list[str]:
    """The folders from which this kind of zygote imports, besides the standard library; empty if that suffices."""
    needs = [name for name in modules_of(config, kind) if name.split(".")[0] not in sys.stdlib_module_names]
    return package_paths() if needs else []


def setup_message(config: SandboxConfig, kind: Kind, launch: Launch) -> dict[str, Any]:
    """The settings that a zygote reads first; `inside/zygote.py` and `inside/layers.py` use every key."""
    off = config.disabled_layers
    return {
        "modules": modules_of(config, kind),
        "paths": paths_of(config, kind),
        "warm_up": [program for name in ("", *kind) for program in SAMPLES.get(name, ())],
        "uid": None if "uid" in off else launch.uid,
        "memory_bytes": config.memory_mib << 20,
        "undumpable": "undumpable" not in off,
        "landlock": "landlock" not in off,
        "rlimits": "rlimits" not in off,
        "seccomp_zygote": b"" if "seccomp_zygote" in off else filter_bytes(child=False),
        "seccomp_child": b"" if "seccomp_child" in off else filter_bytes(child=True),
    }


class Worker:
    """A warm process that runs one program at a time, each in a fresh child, first in first out.

    Raises:
        WorkerError: the zygote did not start; the message includes its own or its launcher's error.
    """

    def __init__(self, config: SandboxConfig, kind: Kind, launch: Launch, spawner: Spawner) -> None:
        self.config = config
        self.kind = kind
        self.jobs: deque[Job] = deque()
        self._next_id = 0
        self.control, inner = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        interpreter = config.interpreter or base_interpreter()
        command = zygote_command(interpreter, inner.fileno())
        if launch.bwrap is not None:
            command = [*bwrap_command(launch.bwrap, interpreter), *command]
        try:
            self.process = spawner.start(command, inner.fileno())
        except OSError as error:
            self.control.close()
            raise WorkerError(f"cannot start {command[0]}: {error}") from error
        finally:
            inner.close()
        self.facts = self._shake_hands(setup_message(config, kind, launch))

    def _shake_hands(self, setup: dict[str, Any]) -> dict[str, Any]:
        try:
            self.control.settimeout(START_S)
            self.control.send(marshal.dumps(setup, SETUP_FORMAT))
            facts: dict[str, Any] = ast.literal_eval(self.control.recv(FACTS_BYTES).decode() or "{}")
        except OSError as error:
            facts = {"error": f"{type(error).__name__}: {error}"}
        if "python" not in facts:
            raise WorkerError(self._diagnose(facts.get("error", "it exited without an error message")))
        self.control.settimeout(None)
        if self.process.stderr is not None:
            self.process.stderr.close()
        return facts

    def _diagnose(self, error: str) -> str:
        self.kill()
        stderr = b""
        if self.process.stderr is not None:
            stderr = self.process.stderr.read(DIAGNOSIS_BYTES)
            self.process.stderr.close()
        last = stderr.decode(errors="replace").strip().splitlines()[-1:]
        return " - ".join([error, *last])

    def submit(self, job: Job) -> None:
        """Send a program and the write end of a new pipe; never blocks on a running program.

        Raises:
            WorkerError: the zygote is dead; the job is not queued.
        """
        job.read_fd, write_fd = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        self._next_id = (self._next_id + 1) & 0xFFFFFFFF
        limits = self.config
        cpu_ms, wall_ms = int(limits.cpu_s * 1000), int(limits.wall_s * 1000)
        header = JOB.pack(self._next_id, cpu_ms, wall_ms, limits.output_bytes, len(job.program))
        rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array("i", [write_fd]))
        try:
            self.control.sendmsg([header, job.program], [rights])
        except OSError as error:
            os.close(job.read_fd)
            raise WorkerError(f"worker lost: {error}") from error
        finally:
            os.close(write_fd)
        self.jobs.append(job)

    def collect(self) -> tuple[Job, Ending, bytes]:
        """The oldest job, the end of its child, and the child's output. The child is dead, so the pipe is complete.

        Raises:
            WorkerError: the zygote is dead, or has not answered for longer than any program may take.
        """
        try:
            message = self.control.recv(STATUS.size)
        except OSError as error:
            raise WorkerError(f"worker lost: {error}") from error
        if len(message) != STATUS.size:
            raise WorkerError("worker lost: its socket is closed")
        _, status, cause, wall_us, cpu_us = STATUS.unpack(message)
        job = self.jobs.popleft()
        try:
            data = os.read(job.read_fd, ANSWER_BYTES)
        except BlockingIOError:
            raise WorkerError("a process still holds the pipe of a program that has ended") from None
        finally:
            os.close(job.read_fd)
        return job, Ending(status, cause, wall_us / 1000, cpu_us / 1e6), data

    def return_job(self, job: Job) -> None:
        """Put a collected job back as the first without a result; its pipe is already closed."""
        job.read_fd = -1
        self.jobs.appendleft(job)

    def kill(self) -> list[Job]:
        """End the zygote and its child; returns the jobs without a result, the running one first.

        A zygote exits when its socket closes. Killing bubblewrap's monitor before that would leave the zygote as a zombie to
        the container's init process, which may never reap it.
        """
        self.control.close()
        try:
            self.process.wait(LEAVE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        orphans = list(self.jobs)
        for job in orphans:
            if job.read_fd >= 0:
                os.close(job.read_fd)
        self.jobs.clear()
        return orphans


def wait_for_any(workers: list[Worker], seconds: float) -> list[Worker]:
    """The workers that have sent something or died; empty after `seconds`."""
    poller = select.poll()
    by_fd = {worker.control.fileno(): worker for worker in workers if worker.jobs}
    for descriptor in by_fd:
        poller.register(descriptor, select.POLLIN)
    return [by_fd[descriptor] for descriptor, _ in poller.poll(seconds * 1000)]
