"""The supervisor: decides how to start zygotes on this host, keeps them alive, and runs programs in them."""

import os
import re
import threading
from collections import deque
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self

from pad_ray.errors import StageError
from pad_ray.sandbox.config import HEAVY_IMPORTS, RARE, RARE_IMPORTS, SandboxConfig
from pad_ray.sandbox.launcher import Spawner, find_bwrap
from pad_ray.sandbox.probes import blocked_probes, probe_programs
from pad_ray.sandbox.protections import NO_BUBBLEWRAP, Protections, level_of
from pad_ray.sandbox.results import Execution, interpret, rejected
from pad_ray.sandbox.worker import GRACE_S, STANDARD, Job, Kind, Launch, Worker, WorkerError, wait_for_any
from pad_ray.schema import Outcome

QUEUE_DEPTH = (
    2  # one running, one waiting in the socket: deeper queues are no faster, and lose more jobs when a zygote dies
)
ATTEMPTS = 2
RESTARTS = 3
LETTER = re.compile(r"(?![\x00-\x7f])\w")  # for names with non-ASCII letters the compiler imports a module
MENTIONS = re.compile(r"\b(" + "|".join({*HEAVY_IMPORTS, *RARE_IMPORTS}) + r")\b")


def kind_of(program: str) -> Kind:
    """The kind of zygote for a program, by the modules named in its text. This is only routing, not a check.

    A zygote with fewer modules is smaller and forks faster; most programs import nothing.
    """
    if "import" in program:
        mentioned = sorted(set(MENTIONS.findall(program)))
        heavy = [name for name in mentioned if name in HEAVY_IMPORTS]
        rare = [
            f"{RARE}{name}" for name in mentioned if name in RARE_IMPORTS and re.search(RARE_IMPORTS[name][0], program)
        ]
        return (STANDARD, *heavy, *rare)
    return (STANDARD,) if "\\N{" in program or (not program.isascii() and LETTER.search(program)) else ()


def unfit(program: str, limit_bytes: int) -> Execution | bytes:
    """A program as bytes, or a rejection if it is too long, has NUL bytes or is not valid Unicode."""
    try:
        encoded = program.encode()
    except UnicodeEncodeError as error:
        return rejected(Outcome.SYNTAX_ERROR, f"SyntaxError: not valid Unicode at character {error.start}")
    if len(encoded) > limit_bytes:
        return rejected(Outcome.SYNTAX_ERROR, f"SyntaxError: the program is longer than {limit_bytes} bytes")
    if b"\0" in encoded:
        return rejected(Outcome.SYNTAX_ERROR, "SyntaxError: source code cannot contain null bytes")
    return encoded


class Sandbox:
    """Runs untrusted programs, each in a fresh child of a warm, isolated process. A context manager.

    Covered: files, network, processes, signals, memory, CPU and wall time, and output; a program cannot reach other
    programs, expected answers or the host. Not covered: kernel bugs, side channels of shared hardware, and a program that
    forges its *own* result. Thread-safe: one batch runs at a time.

    Raises:
        InputError: the host grants less than `config.minimum`.
        StageError: no zygote starts at all.
    """

    def __init__(self, config: SandboxConfig | None = None) -> None:
        self.config = config or SandboxConfig()
        self._lock = threading.RLock()
        self._spawner = Spawner()
        self._pools: dict[Kind, list[Worker]] = {}
        try:
            self._launch, notes = self._find_launch()
            self.protections = self._report(notes)
            self.protections.demand(self.config.minimum)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End every process of this sandbox. Safe to call twice."""
        with self._lock:
            for pool in self._pools.values():
                for worker in pool:
                    worker.kill()
            self._pools.clear()
            self._spawner.close()

    def run(self, programs: Sequence[str]) -> list[Execution]:
        """Run each program once in a separate child and return the results in the same order.

        A fault of the sandbox is retried once in a fresh zygote and then reported as `sandbox_fault`.

        Raises:
            StageError: a zygote died and could not be started again.
        """
        with self._lock:
            results: list[Execution | None] = [None] * len(programs)
            by_kind: dict[Kind, deque[Job]] = {}
            for index, program in enumerate(programs):
                encoded = unfit(program, self.config.program_bytes)
                if isinstance(encoded, Execution):
                    results[index] = encoded
                else:
                    by_kind.setdefault(kind_of(program), deque()).append(Job(index, encoded))
            for kind, jobs in sorted(by_kind.items()):
                self._run_kind(kind, jobs, results)
            return [result for result in results if result is not None]

    def _run_kind(self, kind: Kind, queue: deque[Job], results: list[Execution | None]) -> None:
        pool = self._pool(kind, len(queue))
        while queue or any(worker.jobs for worker in pool):
            for position in range(len(pool)):
                self._fill(pool, position, queue, results)
            ready = wait_for_any(pool, self.config.wall_s + GRACE_S)
            for worker in ready or [worker for worker in pool if worker.jobs]:
                try:
                    self._collect(worker, results, silent=not ready)
                except WorkerError:
                    self._replace(pool, pool.index(worker), queue, results)

    def _fill(self, pool: list[Worker], position: int, queue: deque[Job], results: list[Execution | None]) -> None:
        while queue and len(pool[position].jobs) < QUEUE_DEPTH:
            try:
                pool[position].submit(queue[0])
            except WorkerError:
                self._replace(pool, position, queue, results)
            else:
                queue.popleft()

    def _collect(self, worker: Worker, results: list[Execution | None], silent: bool) -> None:
        """Take one result. After a sandbox fault the job returns to the head of the queue, so it counts as failed first."""
        if silent:
            raise WorkerError("worker lost: no answer for longer than any program may take")
        job, ending, data = worker.collect()
        results[job.index] = interpret(ending, data, self.config)
        if results[job.index] is None:
            worker.return_job(job)
            raise WorkerError("the child was never isolated, or was killed from outside")

    def _replace(self, pool: list[Worker], position: int, queue: deque[Job], results: list[Execution | None]) -> None:
        """Start a fresh zygote in place of a dead one. Only the running job counts as failed."""
        orphans = pool[position].kill()
        pool[position] = self._start(pool[position].kind)
        for job in orphans[:1]:
            job.attempts += 1
            if job.attempts >= ATTEMPTS:
                results[job.index] = rejected(Outcome.SANDBOX_FAULT, "the sandbox failed twice to run this program")
                orphans.remove(job)
        queue.extendleft(reversed(orphans))

    def _pool(self, kind: Kind, programs: int) -> list[Worker]:
        pool = self._pools.setdefault(kind, [])
        while len(pool) < min(self.config.workers, programs):
            pool.append(self._start(kind))
        return pool

    def _start(self, kind: Kind) -> Worker:
        errors = []
        for _ in range(RESTARTS):
            try:
                return Worker(self.config, kind, self._launch, self._spawner)
            except WorkerError as error:
                errors.append(str(error))
        raise StageError(f"sandbox: a {'+'.join(kind) or 'plain'} worker does not start: {errors[-1]}")

    def _find_launch(self) -> tuple[Launch, tuple[str, ...]]:
        """The strongest launch that works here, found by trial, because hosts often report more than they allow."""
        wants_namespaces = "namespaces" not in self.config.disabled_layers
        notes = [NO_BUBBLEWRAP] if wants_namespaces and find_bwrap() is None else []
        for launch in self._ladder():
            try:
                worker = Worker(self.config, (), launch, self._spawner)
            except WorkerError as error:
                notes.append(f"{'bubblewrap' if launch.bwrap else 'direct start'}: {error}")
                continue
            self._pools[()] = [worker]
            return launch, tuple(notes)
        raise StageError(f"sandbox: no worker starts on this host: {'; '.join(notes)}")

    def _ladder(self) -> Iterable[Launch]:
        uid = self.config.uid if os.geteuid() == 0 else None
        bwrap = None if "namespaces" in self.config.disabled_layers else find_bwrap()
        if bwrap is not None:
            yield Launch(bwrap, uid)
        yield Launch(None, uid)
        if uid is not None:
            yield Launch(None, None)

    def _probe(self) -> int:
        """The number of probes that the kernel stops in the running zygote."""
        results: list[Execution | None] = [None] * len(probe_programs())
        self._run_kind(
            (), deque(Job(index, program.encode()) for index, program in enumerate(probe_programs())), results
        )
        return blocked_probes([result for result in results if result is not None])

    def _report(self, notes: tuple[str, ...]) -> Protections:
        """Run the probes and report the active layers; seccomp does not count unless all probes are blocked."""
        off = self.config.disabled_layers
        facts = self._pools[()][0].facts
        blocked = self._probe()
        sealed = not {"seccomp_zygote", "seccomp_child"} & set(off) and blocked == len(probe_programs())
        launcher = "bubblewrap" if self._launch.bwrap else "direct"
        return Protections(
            level=level_of(launcher == "bubblewrap", bool(facts["landlock"]), sealed),
            launcher=launcher,
            uid=facts["uid"],
            namespaces="pid, net, mount, ipc, uts, cgroup" if launcher == "bubblewrap" else "",
            landlock=facts["landlock"],
            seccomp_zygote="seccomp_zygote" not in off,
            seccomp_child="seccomp_child" not in off,
            rlimits="rlimits" not in off,
            undumpable="undumpable" not in off,
            threads=facts["threads"],
            python=facts["python"],
            mode="strict: modules imported beforehand, no file can be opened",
            selftest=f"{blocked}/{len(probe_programs())} blocked",
            notes=notes,
        )
