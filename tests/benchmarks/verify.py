"""Run a million programs through `jobs/verify.py`, as a user does: rate, memory and leftovers.

    python -m tests.benchmarks.verify --folder FOLDER [--programs 1000000]

The programs solve the generated word problems of `arithmetic`. One in ten is spoilt in a known way, so that the outcomes
have to come out as planned. Every 10 seconds the memory, descriptors and processes of the job and all its children are
taken down. Exit status 0: outcomes exact, memory flat, nothing left behind.
"""

import argparse
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from pad_ray.run.folder import RunDir
from pad_ray.tasks import arithmetic

SAMPLE_EVERY_S = 10.0
GROUP_ROWS = 50_000
ROLES = {"_Verifier": "actor", "inside.zygote": "zygote"}
SPOILT = {
    "wrong_answer": lambda program: program.replace("return result", "return result * 2 + 1"),
    "name_error": lambda program: program.replace("return result", "return results"),
    "syntax_error": lambda program: program.replace("def solution():", "def solution(:"),
    "zero_division": lambda program: program.replace("return result", "return result / 0"),
    "no_answer": lambda program: program.replace("return result", "pass"),
}


def rows() -> Iterator[dict[str, str]]:
    """Programs with the `expected` outcome."""
    kinds = list(SPOILT)
    for number, problem in enumerate(arithmetic.generate("train", 0)):
        program, expected = problem.reference_program, "accepted"
        if number % 10 == 9:
            expected = kinds[number // 10 % len(kinds)]
            program = SPOILT[expected](program)
        question = problem.question
        yield {"id": f"{number}", "program": program, "gold": question.gold, "expected": expected}


def write(path: Path, count: int) -> Counter[str]:
    """Write the programs as Parquet, one row group at a time; returns the number of programs per outcome."""
    expected: Counter[str] = Counter()
    source = islice(rows(), count)
    schema = pa.schema([(name, pa.string()) for name in ("id", "program", "gold", "expected")])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        while group := list(islice(source, GROUP_ROWS)):
            writer.write_table(pa.Table.from_pylist(group, schema=schema))
            expected.update(row["expected"] for row in group)
    return expected


def family(job: psutil.Process) -> list[psutil.Process]:
    """The job and all processes that it started."""
    try:
        return [job, *job.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def sample(job: psutil.Process) -> dict[str, float]:
    """Memory in MiB of the driver, the actors and the zygotes (largest of each), and the number of processes."""
    found = {"driver": 0.0, "actor": 0.0, "zygote": 0.0, "processes": 0.0, "descriptors": 0.0}
    for process in family(job):
        try:
            command, memory = " ".join(process.cmdline()), process.memory_info().rss / 2**20
            found["processes"] += 1
            found["descriptors"] += process.num_fds()
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        kind = (
            "driver" if process.pid == job.pid else next((name for word, name in ROLES.items() if word in command), "")
        )
        if kind:
            found[kind] = max(found[kind], memory)
    return found


def main() -> int:
    """Write, verify, watch, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--programs", type=int, default=1_000_000)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    path, output = options.folder / "programs.parquet", options.folder / "verified"
    started = time.monotonic()
    expected = write(path, options.programs)
    print(f"{options.programs} programs written in {time.monotonic() - started:.0f} s, {path.stat().st_size >> 20} MiB")
    command = [sys.executable, "jobs/verify.py", "--input", str(path), "--output", str(output)]
    started = time.monotonic()
    job = psutil.Popen(command)
    seen: list[psutil.Process] = []
    while job.poll() is None:
        try:
            job.wait(SAMPLE_EVERY_S)
        except (psutil.TimeoutExpired, subprocess.TimeoutExpired):
            seen = family(job) or seen
            print(
                f"{time.monotonic() - started:6.0f} s " + json.dumps({k: round(v) for k, v in sample(job).items()}),
                flush=True,
            )
    seconds = time.monotonic() - started
    _, alive = psutil.wait_procs([process for process in seen if process.is_running()], timeout=10)
    run = RunDir(str(output))
    outcomes = Counter(run.read_json("metrics.json")["verify"]["outcomes"])
    ids = [
        value for name in run.parts("verdicts") for value in run.read_part(name, ["draft_id"])["draft_id"].to_pylist()
    ]
    ordered = ids == [str(number) for number in range(options.programs)]
    print(f"exit status {job.returncode}, {seconds:.0f} s, {options.programs / seconds:.0f} programs a second in all")
    print(
        f"outcomes as planned: {outcomes == expected}; one verdict a row, in order: {ordered}; left alive: {len(alive)}"
    )
    return 0 if job.returncode == 0 and outcomes == expected and ordered and not alive else 1


if __name__ == "__main__":
    sys.exit(main())
