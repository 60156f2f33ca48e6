"""What sharing saves: a refinement and a decode campaign, against the same campaigns in which every trial makes everything.

    python -m tests.benchmarks.tuning [--decode 24] [--refine 8] [--alone 2] [--questions 48] [--folder FOLDER]

Four campaigns by `jobs/tune.py`, one after the other, with real small models, none of which stops a trial early: refinement and
decoding with what they share, then both with `--no-tuning.share`, where a trial of refinement makes drafts, corpus, student,
attempts and errors anew, and one of decoding loads its own engine. The shared side starts with an empty run and pays for its
drafts and its student once.

The ratio is that of the time of all trials, and contains more than what is not made twice: trials of decoding that share an
engine ask it `--concurrent` at once, and those with an engine each run one after the other, since several would not fit on one
machine. Refinement runs one trial after the other on both sides.

The second side runs the recipe as it is, which every campaign begins with, and of decoding, where that is the cheapest way,
`--alone` trials more, with the parameters of those of the first side whose time was nearest to the median. What these took on
average stands for each trial that is not run. A campaign that `--folder` holds is not run again. Times are those of the ledger,
from the start of the engines to the last trial; Ray's start and the test questions are in neither.

A second ratio lets each trial of decoding make its drafts, corpus and student as well, as one does that shares nothing at all.
It is computed, and not run: their time is that in the ledgers of the refinement's trials that made them for themselves alone.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import mean, median
from typing import Any

import yaml

from pad_ray.rundir import RunDir
from pad_ray.tuning.trials import DEFAULT, Trial, Trials

REPOSITORY = Path(__file__).parents[2]
STUDENT_STAGES = ("synthesis", "corpus", "training")


class Side:
    """The campaigns of one side, each in a run of its own under `folder`."""

    def __init__(self, options: argparse.Namespace, folder: Path, *, share: bool) -> None:
        self.options, self.folder, self.share = options, folder, share

    def run(self, kind: str, trials: int, student: str | None = None, first: Sequence[Trial] = ()) -> float:
        """Seconds of a campaign that tries the parameters of `first` after the recipe as it is."""
        path = self.folder / f"{kind}.yaml"
        path.write_text(yaml.safe_dump(self._recipe(kind, trials, [dict(one.parameters) for one in first], student)))
        subprocess.run([sys.executable, "jobs/tune.py", str(path)], cwd=REPOSITORY, check=True)
        stages = self.place(kind).read_json("ledger.json")["stages"]
        return float(next(entry["seconds"] for entry in stages if entry["stage"] == "tuning"))

    def place(self, kind: str) -> RunDir:
        """The run of a campaign."""
        return RunDir(str(self.folder / kind))

    def trials(self, kind: str) -> list[Trial]:
        """The trials of a campaign, without that of the recipe as it is."""
        return [one for one in Trials.read(self.place(kind)).of("completed") if one.trial != DEFAULT]

    def middle(self, kind: str, count: int) -> list[Trial]:
        """The trials whose time was nearest to the median."""
        found = self.trials(kind)
        usual = median(one.seconds for one in found)
        return sorted(found, key=lambda one: abs(one.seconds - usual))[:count]

    def student_s(self) -> float:
        """What a trial took on average to make drafts, corpus and student, where each made its own."""
        folders = map(str, self.place("refine").local_path("shared").glob("student-*/"))
        ledgers = [RunDir(folder).read_json("ledger.json")["stages"] for folder in folders]
        return mean(sum(one["seconds"] for one in stages if one["stage"] in STUDENT_STAGES) for stages in ledgers)

    def student(self) -> str:
        """The student that the trials of refinement share."""
        (found,) = self.place("refine").local_path("shared").glob("student-*/student")
        return str(found)

    def _recipe(self, kind: str, trials: int, first: list[dict[str, Any]], student: str | None) -> dict[str, Any]:
        asked = self.options
        engine = {"kind": asked.engine, "threads": asked.threads}
        tuning = {"kind": kind, "trials": trials, "first": first, "stopping": False, "share": self.share}
        # On one machine an engine of its own for each of several trials would not fit.
        tuning["concurrent"] = asked.concurrent if kind == "decode" and self.share else 1
        return {
            "run_dir": str(self.folder / kind),
            "questions": {"task": "arithmetic", "limit": asked.questions, "test_limit": asked.tests},
            "teacher": {**engine, "model": asked.teacher},
            "synthesis": {
                "samples": asked.samples,
                "demonstration_sets": 1,
                "temperature": 0.5,
                "top_p": 1.0,
                "max_tokens": 128,
            },
            "corpus": {"validation_share": asked.validation_share},
            "refinement": {"samples": 2, "epochs": 1, "top_p": 1.0},
            "training": {"student": asked.student, "epochs": asked.epochs, "learning_rate": 3e-4},
            "evaluation": {"engine": engine, "max_tokens": 128, **({"student": student} if student else {})},
            "tuning": tuning,
        }


def measure(options: argparse.Namespace, folder: Path) -> None:
    """Run the campaigns of both sides and print the ratios of their times."""
    for name in ("shared", "alone"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    shared, alone = Side(options, folder / "shared", share=True), Side(options, folder / "alone", share=False)
    counts = {"refine": options.refine, "decode": options.decode}
    times = {"refine": shared.run("refine", options.refine)}
    student = shared.student()
    times["decode"] = shared.run("decode", options.decode, student)
    scaled = {}
    at_once = {"refine": 1, "decode": options.concurrent}
    for kind, trials in counts.items():
        some = shared.middle(kind, options.alone) if kind == "decode" else []
        seconds = alone.run(kind, 1 + len(some), student if kind == "decode" else None, some)
        scaled[kind] = _scaled(alone, kind, seconds, trials)
        print(f"{kind}: {trials} trials that share, {at_once[kind]} at once: {times[kind]:.1f} s", flush=True)
        said = f"scaled from the default's{f' and {len(some)} of middle length' * bool(some)}"
        print(f"{kind}: {trials} trials that share nothing, 1 at once: {scaled[kind]:.1f} s, {said}", flush=True)
        print(f"{kind}: {scaled[kind] / times[kind]:.1f}", flush=True)
    ratio = sum(scaled.values()) / sum(times.values())
    print(
        f"nothing shared / shared, with {options.concurrent} trials of decoding at once where they share: {ratio:.1f}"
    )
    making = alone.student_s()
    whole = (sum(scaled.values()) + making * options.decode) / sum(times.values())
    each = making + scaled["decode"] / options.decode
    print(
        f"decode: a trial that makes its drafts, corpus and student too: {each:.1f} s, {making:.1f} s of it for these"
    )
    print(f"nothing shared / shared, with trials of decoding that make these too, computed: {whole:.1f}")
    figures = {"shared_s": times, "alone_s": scaled, "ratio": ratio, "student_s": making, "ratio_with_students": whole}
    print(json.dumps(figures))
    for kind in counts:
        print(f"{kind}: {shared.place(kind).read_json('campaign/campaign.json')['test']['sentence']}")


def _scaled(alone: Side, kind: str, seconds: float, trials: int) -> float:
    """The time of so many trials, from that of a campaign of a few; what passed between its trials counts for each."""
    ran = Trials.read(alone.place(kind)).of("completed")
    between = (seconds - sum(one.seconds for one in ran)) / len(ran)
    return seconds + (trials - len(ran)) * (mean(one.seconds for one in alone.trials(kind) or ran) + between)


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--decode", type=int, default=24, help="decode trials")
    parser.add_argument("--refine", type=int, default=8, help="refinement trials")
    parser.add_argument(
        "--alone", type=int, default=2, help="drawn trials of decoding that are run with nothing shared"
    )
    parser.add_argument("--questions", type=int, default=48, help="train questions")
    parser.add_argument("--samples", type=int, default=4, help="the teacher's drafts for a question")
    parser.add_argument("--validation-share", type=float, default=0.3)
    parser.add_argument("--tests", type=int, default=96, help="test questions")
    parser.add_argument("--epochs", type=int, default=2, help="epochs of the student")
    parser.add_argument("--teacher", default="qwen2.5-coder-1.5b")
    parser.add_argument("--student", default="smollm2-135m")
    parser.add_argument("--engine", default="vllm", help="vllm or transformers")
    parser.add_argument("--threads", type=int, default=None, help="threads of an engine")
    parser.add_argument("--concurrent", type=int, default=4, help="decode trials that ask the engine at once")
    parser.add_argument("--folder", type=Path, default=None, help="where the runs go; they stay there")
    options = parser.parse_args()
    if options.folder is not None:
        measure(options, options.folder)
        return
    with tempfile.TemporaryDirectory() as folder:
        measure(options, Path(folder))


if __name__ == "__main__":
    main()
