"""The speed of the sandbox compared with its alternatives, on the 1,319 programs of GSM-Hard, in one run.

    PAD_RAY_DATA=... python -m tests.benchmarks.sandbox [--rounds 5] [--programs 1319]

Every design runs the same programs in turn, round after round, so that other load falls on all alike. A rate is programs a
second of wall time, the median of the rounds; CPU is of the processes that execute (zygote and children), without the
supervisor. Programs that start an interpreter or bubblewrap each run on a sample: they take 100 times as long.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pad_ray.sandbox import Execution, Sandbox, SandboxConfig
from pad_ray.sandbox.launcher import base_interpreter, bwrap_command, find_bwrap

BARE = ("namespaces", "uid", "landlock", "undumpable", "rlimits", "seccomp_zygote", "seccomp_child")
SAMPLE = 60
CALL = "\nprint(solution())\n"
SYMBOLIC = """
from sympy import Eq, solve, symbols

def solution():
    x = symbols("x")
    found = solve(Eq({factor} * x + x / 2 - {offset} * (x - 4), 12), x)
    return found[0]
"""
Runner = Callable[[list[str]], list[float]]


@dataclass
class Design:
    """One way to execute programs: `run` returns the milliseconds of each."""

    name: str
    run: Runner
    sample: int
    rates: list[float] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    cpu_us: list[float] = field(default_factory=list)
    root: int | None = None


def durations(executions: list[Execution]) -> list[float]:
    """The milliseconds of each execution. Fails on wrong answers, which would make the benchmark meaningless."""
    assert all(execution.outcome is None for execution in executions)
    return [execution.duration_ms for execution in executions]


def by_command(prefix: list[str]) -> Runner:
    """An interpreter started for each program."""

    def run(programs: list[str]) -> list[float]:
        taken = []
        for program in programs:
            started = time.perf_counter()
            subprocess.run([*prefix, "-I", "-S", "-c", program + CALL], check=True, capture_output=True)
            taken.append((time.perf_counter() - started) * 1000)
        return taken

    return run


def in_process(programs: list[str]) -> list[float]:
    """exec in this process: no isolation, the upper bound of any design in Python."""
    taken = []
    for program in programs:
        started = time.perf_counter()
        names: dict[str, object] = {}
        exec(program, names)
        names["solution"]()  # type: ignore[operator]
        taken.append((time.perf_counter() - started) * 1000)
    return taken


def by_sandbox(name: str, config: SandboxConfig, sample: int) -> Design:
    """A sandbox that stays open for the whole benchmark."""
    sandbox = Sandbox(config)
    pool = next(iter(sandbox._pools.values()))
    return Design(name, lambda programs: durations(sandbox.run(programs)), sample, root=pool[0].process.pid)


def designs(count: int) -> list[Design]:
    """All designs, the fully isolated sandbox first."""
    interpreter = base_interpreter()
    bwrap = find_bwrap()
    found = [
        by_sandbox("isolated, 1 worker", SandboxConfig(), count),
        by_sandbox("isolated, 2 workers", SandboxConfig(workers=2), count),
        by_sandbox("the same zygote without isolation", SandboxConfig(disabled_layers=BARE, minimum="none"), count),
        Design("exec in this process", in_process, count),
        Design("python -I -S a program", by_command([interpreter]), min(SAMPLE, count)),
    ]
    if bwrap is not None:
        command = bwrap_command(bwrap, interpreter)
        found.append(Design("bubblewrap a program", by_command([*command, interpreter]), min(SAMPLE, count)))
    return found


def zygote_of(root: int) -> int:
    """The process that programs are forked from; below bubblewrap it is the monitor's only child."""
    children = Path(f"/proc/{root}/task/{root}/children").read_text().split()
    return int(children[0]) if children and "bwrap" in Path(f"/proc/{root}/comm").read_text() else root


def gsm_hard() -> list[dict[str, Any]]:
    """The 1,319 rows: `code` is a program, `target` its return value."""
    lines = (Path(os.environ["PAD_RAY_DATA"]) / "gsm_hard" / "gsmhardv2.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


def cpu_seconds(root: int) -> float:
    """CPU time of a zygote and of all its children so far."""
    ticks = Path(f"/proc/{zygote_of(root)}/stat").read_text().rsplit(")", 1)[1].split()[11:15]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


def measure(design: Design, programs: list[str]) -> None:
    """One round of one design."""
    before = cpu_seconds(design.root) if design.root else 0.0
    started = time.perf_counter()
    design.milliseconds += design.run(programs[: design.sample])
    design.rates.append(design.sample / (time.perf_counter() - started))
    if design.root:
        design.cpu_us.append((cpu_seconds(design.root) - before) / design.sample * 1e6)


def report(found: list[Design]) -> None:
    """Rates, latencies and the ratios between the designs."""
    print(f"{'design':36} {'/s median':>10} {'best':>8} {'p50 ms':>8} {'p99 ms':>8} {'CPU us':>8}")
    for design in found:
        percentiles = statistics.quantiles(design.milliseconds, n=100)
        cpu = f"{statistics.median(design.cpu_us):8.0f}" if design.cpu_us and "2" not in design.name else f"{'-':>8}"
        rate, best = statistics.median(design.rates), max(design.rates)
        print(f"{design.name:36} {rate:10.0f} {best:8.0f} {percentiles[49]:8.2f} {percentiles[98]:8.2f} {cpu}")
    isolated, pair = found[:2]
    ratios = [two / one for two, one in zip(pair.rates, isolated.rates, strict=True)]
    print(f"isolated, 2 workers / 1 worker: {statistics.median(ratios):.3g}")
    for other in found[2:]:
        ratios = [mine / theirs for mine, theirs in zip(isolated.rates, other.rates, strict=True)]
        print(f"isolated, 1 worker / {other.name}: {statistics.median(ratios):.3g}")


def main() -> None:
    """Measure every design in turn and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="rounds over all designs")
    parser.add_argument("--programs", type=int, default=1319, help="programs a round")
    options = parser.parse_args()
    if "PAD_RAY_DATA" not in os.environ:
        parser.error("set PAD_RAY_DATA to a folder with gsm_hard/gsmhardv2.jsonl")
    programs = [row["code"] for row in gsm_hard()][: options.programs]
    symbolic = by_sandbox("isolated, sympy programs", SandboxConfig(), SAMPLE * 2)
    equations = [SYMBOLIC.format(factor=2 + number % 7, offset=11 + number) for number in range(SAMPLE * 2)]
    symbolic.run(equations[:1])
    symbolic.root = None
    found = [*designs(len(programs)), symbolic]
    print(
        f"{platform.platform()}, Python {sys.version.split()[0]}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}"
    )
    for _ in range(options.rounds):
        for design in found:
            measure(design, equations if design is symbolic else programs)
    print(f"load at the end {os.getloadavg()[0]:.1f}")
    report(found)


if __name__ == "__main__":
    main()
