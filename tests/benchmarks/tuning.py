"""The savings by sharing: a refinement and a decode campaign, compared with the same trials without sharing.

    python -m tests.benchmarks.tuning [--decode 24] [--refine 8] [--questions 20] [--folder FOLDER]

Campaigns by `jobs/tune.py`, one after the other, with real small models, none of which stops a trial early. The shared side is
refinement, which starts with an empty run and pays for its drafts and its student once, then decoding with that student. The
other side tries the same recipes with `tuning.share` off, and every trial is run: one of refinement makes drafts, corpus,
student, attempts and errors anew, and one of decoding drafts, corpus and student. That campaign is one of kind `train` whose
trials change how the student answers and nothing else. The other side takes an hour and a half, in which a machine may become
faster or slower, so the shared side is run before and after it, each time from an empty run, and the mean of both counts.

Teacher and step beams ask vLLM; the few greedy answers and repairs of refinement ask transformers, which starts in less time.

The ratio is that of the time of all trials, and contains more than what is not made twice: trials of decoding that share an
engine ask it `--concurrent` at once, and those with an engine each run one after the other, since several would not fit on one
machine. Refinement runs one trial after the other on both sides. A campaign that `--folder` holds is not run again. Times are
those of the ledger, from the start of the engines to the last trial; Ray's start and the test questions are in neither.
"""

import argparse
import hashlib
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from statistics import mean
from typing import Any

import yaml

from pad_ray.run.campaign import Trial
from pad_ray.run.folder import RunDir
from pad_ray.tuning.config import DEFAULT_SPACES, Kind
from pad_ray.tuning.trials import DEFAULT, Trials

REPOSITORY = Path(__file__).parents[2]


class Campaign:
    """A campaign in a separate run; it tries the unchanged recipe, then the points of `first`, then suggestions."""

    def __init__(
        self,
        options: argparse.Namespace,
        place: Path,
        trials: int,
        *,
        kind: Kind,
        share: bool = True,
        varied: Kind | None = None,
        student: str | None = None,
        first: Iterable[Trial] = (),
    ) -> None:
        varied = varied or kind
        space = {name: domain.model_dump() for name, domain in DEFAULT_SPACES[varied].items()}
        points = [dict(one.parameters) for one in first if one.trial != DEFAULT]
        # On one machine, separate engines for several trials would not fit.
        concurrent = options.concurrent if share and kind == "decode" else 1
        tuning = {"kind": kind, "trials": trials, "space": space, "first": points, "share": share}
        if varied == "decode":
            tuning["validation_questions"] = options.asked
        recipe = _recipe(options, place, student, {**tuning, "stopping": False, "concurrent": concurrent})
        if varied == "decode":
            recipe["evaluation"]["engine"] = {"kind": options.beam_engine, "threads": options.threads}
        place.parent.mkdir(parents=True, exist_ok=True)
        path = place.with_suffix(".yaml")
        path.write_text(yaml.safe_dump(recipe))
        subprocess.run([sys.executable, "jobs/tune.py", str(path)], cwd=REPOSITORY, check=True)
        self.run = RunDir(str(place))
        stages = self.run.read_json("ledger.json")["stages"]
        self.seconds = float(next(entry["seconds"] for entry in stages if entry["stage"] == "tuning"))
        self.trials = sorted(Trials.read(self.run).of("completed"), key=lambda one: one.trial)
        if len(self.trials) < trials:
            raise SystemExit(f"{place}: {len(self.trials)} of {trials} trials were completed; their times say nothing")
        self.verdict = str(self.run.read_json("campaign/campaign.json")["test"]["sentence"])
        print(
            f"{place.parent.name} {place.name}: {trials} trials, {concurrent} at once: {self.seconds:.1f} s", flush=True
        )

    def weights(self) -> list[str]:
        """Hashes of the students before refinement: one if trials share it, else one per trial."""
        found = self.run.local_path("shared").glob("student-*/student/model.safetensors")
        return [hashlib.sha256(path.read_bytes()).hexdigest() for path in found]


def _recipe(asked: argparse.Namespace, place: Path, student: str | None, tuning: dict[str, Any]) -> dict[str, Any]:
    engine = {"kind": asked.engine, "dtype": "bfloat16", "threads": asked.threads}
    teacher = {"kind": asked.teacher_engine, "model": asked.teacher, "threads": asked.threads}
    return {
        "run_dir": str(place),
        "questions": {"task": "arithmetic", "limit": asked.questions, "test_limit": asked.tests},
        "teacher": teacher,
        "synthesis": {
            "samples": asked.samples,
            "demonstration_sets": 1,
            "temperature": 0.5,
            "top_p": 1.0,
            "max_tokens": 128,
        },
        "corpus": {"validation_share": asked.validation_share},
        "refinement": {"samples": 2, "epochs": 1, "top_p": 1.0},
        "training": {
            "student": asked.student,
            "epochs": asked.epochs,
            "learning_rate": 3e-4,
            "rows_per_step": 4,
            "workers": 1,
        },
        "evaluation": {"engine": engine, "max_tokens": 96, **({"student": student} if student else {})},
        "tuning": tuning,
    }


def share(options: argparse.Namespace, place: Path, like: Mapping[str, Campaign] | None = None) -> dict[str, Campaign]:
    """Run both campaigns with sharing, below `place`; `like` are campaigns whose recipes are tried again."""
    points = {kind: one.trials for kind, one in (like or {}).items()}
    refine = Campaign(options, place / "refine", options.refine, kind="refine", first=points.get("refine", ()))
    (student,) = refine.run.local_path("shared").glob("student-*/student")
    decode = Campaign(
        options, place / "decode", options.decode, kind="decode", student=str(student), first=points.get("decode", ())
    )
    return {"decode": decode, "refine": refine}


def make_everything(options: argparse.Namespace, place: Path, like: Mapping[str, Campaign]) -> dict[str, Campaign]:
    """Run the trials of `like` again without sharing, below `place`."""
    first = {kind: one.trials for kind, one in like.items()}
    return {
        "decode": Campaign(
            options, place / "decode", options.decode, share=False, kind="train", varied="decode", first=first["decode"]
        ),
        "refine": Campaign(
            options, place / "refine", options.refine, share=False, kind="refine", first=first["refine"]
        ),
    }


def measure(options: argparse.Namespace, folder: Path) -> None:
    """Run the campaigns of both sides and print the ratios of their times."""
    before = share(options, folder / "shared")
    alone = make_everything(options, folder / "alone", before)
    after = share(options, folder / "shared_again", before)
    seconds = {kind: [side[kind].seconds for side in (alone, before, after)] for kind in alone}
    seconds["both"] = [sum(of_side) for of_side in zip(*seconds.values(), strict=True)]
    for name, (apart, *shared) in seconds.items():
        said = f"{shared[0]:.0f} and {shared[1]:.0f} s shared, {apart:.0f} s where every trial makes everything"
        print(f"{name}: {said}: {apart / mean(shared):.1f}")
    (weights,) = before["refine"].weights()
    for kind, one in alone.items():
        students = one.weights()
        print(
            f"{kind}: {students.count(weights)} of {len(students)} students have the weights of the one that is shared"
        )
        print(f"{kind}: {before[kind].verdict}")


def main() -> None:
    """Read the options and measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--decode", type=int, default=24, help="decode trials")
    parser.add_argument("--refine", type=int, default=8, help="refinement trials")
    parser.add_argument("--questions", type=int, default=20, help="train questions")
    parser.add_argument("--samples", type=int, default=2, help="the teacher's drafts for a question")
    parser.add_argument("--validation-share", type=float, default=0.3)
    parser.add_argument("--asked", type=int, default=4, help="validation questions that a decode trial answers at most")
    parser.add_argument("--tests", type=int, default=16, help="test questions")
    parser.add_argument("--epochs", type=int, default=2, help="epochs of the student")
    parser.add_argument("--teacher", default="qwen2.5-coder-0.5b")
    parser.add_argument("--teacher-engine", default="vllm", help="vllm or transformers")
    parser.add_argument("--student", default="smollm2-135m")
    parser.add_argument("--engine", default="transformers", help="the student's: vllm or transformers")
    parser.add_argument("--beam-engine", default="vllm", help="the student's in trials of decoding")
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
