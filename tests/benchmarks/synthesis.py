"""The cost of the pipeline compared with the teacher alone, and its growth.

    PAD_RAY_DATA=... python -m tests.benchmarks.synthesis engine [--questions 48] [--rounds 2] [--model qwen2.5-coder-0.5b]
    python -m tests.benchmarks.synthesis scale --drafts 1000000 --folder FOLDER

`engine`: drafts a second of the whole pipeline against bare `vllm.LLM.generate` with the same prompts, sampling and
engine settings, and against that plus a plain loop of executions; the rounds take turns, so that other load falls on all.
Starting the engine is left out on both sides. `scale`: a scripted engine, so that the pipeline is all there is; prints rate
and peak memory of the driver and of all processes.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil
import yaml

from pad_ray.run.folder import RunDir
from tests.benchmarks.verify import family

SAMPLE_EVERY_S = 2.0


def engine(options: argparse.Namespace) -> None:
    """One process per side, so that each has all cores; a round starts each side once."""
    rates: dict[str, list[float]] = {"bare": [], "bare and a loop of executions": [], "pipeline": []}
    for number in range(options.rounds):
        for side in ("bare", "pipeline"):
            with tempfile.TemporaryDirectory() as folder:
                command = [sys.executable, "-m", "tests.benchmarks.synthesis_sides", side, folder, options.model]
                command += [str(options.questions), str(number), str(options.samples)]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
                for name, rate in json.loads(done.stdout.splitlines()[-1]).items():
                    rates[name].append(rate)
                    print(f"round {number}: {name}: {rate:.3f} drafts/s", flush=True)
    for name in ("bare", "bare and a loop of executions"):
        ratio = statistics.median(p / b for p, b in zip(rates["pipeline"], rates[name], strict=True))
        print(f"pipeline / {name}: {ratio:.3f}")


def scale(options: argparse.Namespace) -> None:
    """All of `jobs/synthesize.py` on `drafts` drafts, four per question."""
    script = options.folder / "script.json"
    write_questions(options.folder / "gsm8k", max(options.drafts // 4, PUBLISHED))
    script.write_text(json.dumps({"*": programs()}))
    recipe = {
        "run_dir": str(options.folder / "run"),
        "data_dir": str(options.folder),
        "questions": {"task": "gsm8k", "limit": options.drafts // 4, "test_limit": 10},
        "teacher": {"kind": "scripted", "script": str(script)},
        "synthesis": {"samples": 4, "block_questions": 64},
        "corpus": {"decontaminate": []},
    }
    path = options.folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe))
    started = time.monotonic()
    job = psutil.Popen([sys.executable, "jobs/synthesize.py", str(path)])
    peak = {"driver": 0.0, "all": 0.0, "largest worker": 0.0}
    while job.poll() is None:
        try:
            job.wait(SAMPLE_EVERY_S)
        except (psutil.TimeoutExpired, subprocess.TimeoutExpired):
            for name, value in memory(job).items():
                peak[name] = max(peak[name], value)
    seconds = time.monotonic() - started
    stages = {entry["stage"]: entry for entry in RunDir(recipe["run_dir"]).read_json("ledger.json")["stages"]}  # type: ignore[arg-type]
    print(f"{options.drafts} drafts in {seconds:.0f} s: {options.drafts / seconds:.0f}/s, exit status {job.returncode}")
    print("seconds by stage: " + json.dumps({name: round(entry["seconds"]) for name, entry in stages.items()}))
    print(
        "peak memory, MiB (unique to its processes): "
        + json.dumps({name: round(value) for name, value in peak.items()})
    )


# Rows of the train file that the teacher is shown as solved are among so many.
PUBLISHED = 7473


def write_questions(folder: Path, count: int) -> None:
    """Questions in GSM8K's layout that differ only in a name, so that one script answers all of them."""
    folder.mkdir(parents=True, exist_ok=True)
    train = "Orchard {:x} has 6 rows of 7 trees, and 5 trees fall. How many trees are left?"
    for split, text, rows in (("train", train, count), ("test", "Shelf {:x} holds 6 jars. How many?", 10)):
        with (folder / f"{split}.jsonl").open("w") as file:
            for number in range(rows):
                file.write(json.dumps({"question": text.format(number), "answer": "#### 37"}) + "\n")


def programs() -> list[str]:
    """100 programs: of every ten, six are correct in different ways, three are wrong and one crashes."""
    right = [f"trees = 6 * 7{' + 1' * n}\n    result = trees - 5{' - 1' * n}" for n in range(3)]
    right += [f"left = 6 * 7 - 5\n    result = left{' * 1' * n}" for n in range(1, 4)]
    wrong = [f"trees = 6 * 7\n    result = trees - {n}" for n in (6, 7, 8)]
    bodies = [*right, *wrong, "result = trees - 5"]
    return [f"def solution():\n    {bodies[n % 10]}\n    return result  # {n}" for n in range(100)]


def memory(job: psutil.Process) -> dict[str, float]:
    """Private memory of these processes in MiB; shared pages, such as the object store, are not counted."""
    found: dict[str, Any] = {"driver": 0.0, "all": 0.0, "largest worker": 0.0}
    for process in family(job):
        try:
            used = process.memory_full_info().uss / 2**20
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue
        found["all"] += used
        key = "driver" if process.pid == job.pid else "largest worker"
        found[key] = max(found[key], used)
    return found


def main() -> None:
    """Run one of the two benchmarks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    modes = parser.add_subparsers(required=True)
    mode = modes.add_parser("engine")
    mode.add_argument("--questions", type=int, default=48)
    mode.add_argument("--samples", type=int, default=4)
    mode.add_argument("--rounds", type=int, default=2)
    mode.add_argument("--model", default="qwen2.5-coder-0.5b")
    mode.set_defaults(act=engine)
    mode = modes.add_parser("scale")
    mode.add_argument("--drafts", type=int, default=1_000_000)
    mode.add_argument("--folder", type=Path, required=True)
    mode.set_defaults(act=scale)
    options = parser.parse_args()
    options.act(options)


if __name__ == "__main__":
    main()
