"""Check that the sandbox stays correct and does not grow, over many programs on a busy machine.

    PAD_RAY_DATA=... python -m tests.benchmarks.sandbox_load [--programs 20000] [--busy 2] [--workers 2]

Runs the 1,319 programs of GSM-Hard round and round with busy loops beside them and compares each result with its target.
Descriptors and memory are those after the first round and at the end. Exit status 0: every result is right and nothing
grows, 1: not.
"""

import argparse
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pad_ray.sandbox import Execution, Sandbox, SandboxConfig
from pad_ray.schema import AnswerKind
from pad_ray.tasks.answers import equal
from tests.benchmarks.sandbox import gsm_hard, zygote_of

BUSY_LOOP = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: pass"
GROWTH_MIB = 4.0  # per process; a leak of 1 KiB per program is 20 MiB after 20,000


@contextmanager
def busy_loops(count: int) -> Iterator[None]:
    """Processes that each keep a core busy; they end with this process at the latest."""
    loops = [subprocess.Popen([sys.executable, "-S", "-c", BUSY_LOOP]) for _ in range(count)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def rss_mib(pid: int) -> float:
    """Resident memory of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)


def size(sandbox: Sandbox) -> dict[str, float]:
    """Open descriptors, and the memory of the supervisor and of every zygote, by process id."""
    zygotes = [zygote_of(worker.process.pid) for pool in sandbox._pools.values() for worker in pool]
    found = {"descriptors": float(len(list(Path("/proc/self/fd").iterdir()))), "supervisor MiB": rss_mib(os.getpid())}
    return found | {f"zygote {pid} MiB": rss_mib(pid) for pid in zygotes}


def faults(before: dict[str, float], after: dict[str, float]) -> list[str]:
    """The entries that have vanished, are new, or have grown."""
    changed = [f"{name}: only before or only after" for name in before.keys() ^ after.keys()]
    for name in before.keys() & after.keys():
        if after[name] - before[name] > (GROWTH_MIB if name.endswith("MiB") else 0):
            changed.append(f"{name}: has grown")
    return changed


def wrong(rows: list[dict[str, Any]], executions: list[Execution]) -> Counter[str]:
    """How often each outcome occurred instead of the expected one."""
    found: Counter[str] = Counter()
    for row, seen in zip(rows, executions, strict=True):
        if seen.value is None or not equal(AnswerKind.NUMBER, seen.value, repr(row["target"])):
            found[f"{seen.outcome or 'another value'}: {seen.feedback}"] += 1
    return found


def main() -> int:
    """Run, print the observations, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", type=int, default=20000, help="programs in all")
    parser.add_argument("--busy", type=int, default=2, help="busy loops beside them")
    parser.add_argument("--workers", type=int, default=2, help="warm processes")
    options = parser.parse_args()
    rows = gsm_hard()
    with Sandbox(SandboxConfig(workers=options.workers)) as sandbox, busy_loops(options.busy):
        mistakes = wrong(rows, sandbox.run([row["code"] for row in rows]))
        before, done, started = size(sandbox), len(rows), time.perf_counter()
        while done < options.programs:
            batch = rows[: options.programs - done]
            mistakes += wrong(batch, sandbox.run([row["code"] for row in batch]))
            done += len(batch)
        after, rate = size(sandbox), (done - len(rows)) / (time.perf_counter() - started)
    print(f"{done} programs beside {options.busy} busy loops, {rate:.0f}/s; wrong outcomes: {mistakes.total()}")
    for text, count in mistakes.most_common(20):
        print(f"  {count} x {text}")
    for name in sorted(before.keys() | after.keys()):
        print(f"{name:24} {before.get(name, 0):8.1f} before {after.get(name, 0):8.1f} after")
    grown = faults(before, after)
    print("\n".join(grown) or "nothing has grown")
    return 1 if mistakes or grown else 0


if __name__ == "__main__":
    sys.exit(main())
