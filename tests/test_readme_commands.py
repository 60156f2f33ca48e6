"""Every command of the README, typed by a newcomer from top to bottom, with smaller numbers where it would take long."""

import json
import os
import re
import shutil
import subprocess
import sys
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pad_ray.tasks import arithmetic
from tests.conftest import TEST_QUESTIONS, TRAIN_QUESTIONS, WRONG
from tests.jobs.conftest import REPOSITORY, START, head_node
from tests.readme import commands
from tests.report.browser import CHROMIUM


class Typed(NamedTuple):
    """A command of the README, what is added to it, and what it prints then."""

    command: str
    added: str
    shows: str


# Teacher and answering student are scripted, the student that learns is tiny; everything else is as it is.
ENGINES = ("--teacher", "--evaluation.engine")
SMALL = " ".join(f"{engine}.kind scripted --{engine[2:]}.script {{home}}/script.json" for engine in ENGINES)
SMALL += " --training.student {student} --training.epochs 1 --training.precision float32"
SMALL += " --questions.test-limit 8 --corpus.validation-share 0.3"
FEW = f"{SMALL} --questions.limit {TRAIN_QUESTIONS}"
REPAIRS = f"{FEW} --refinement.samples 2 --refinement.variants-per-program 1 --refinement.epochs 1"
GSM8K = "python jobs/distill.py jobs/recipes/gsm8k.yaml"

TYPED = (
    # The environment is there: this one was started in it.
    Typed("make demo", f"-o .venv/installed OPTIONS='{FEW}'", "report: runs/demo/report.html"),
    Typed("python jobs/report.py runs/demo", "", "runs/demo/report.html"),
    Typed("python -m tests.report.screenshot runs/demo/report.html demo.png --width 390 --dark", "", ""),
    Typed("python jobs/distill.py --help", "", "--teacher.tensor_parallel"),
    Typed(f"{GSM8K} --dry-run", "--teacher.model qwen2.5-coder-0.5b", "first program prompt:"),
    Typed(
        f"{GSM8K} --questions.limit 48 --questions.test-limit 24 --run-dir runs/try",
        SMALL,
        "report: runs/try/report.html",
    ),
    Typed("python -m pad_ray.models qwen2.5-coder-1.5b", "", "qwen2.5-coder-0.5b"),
    Typed("python jobs/refine.py jobs/recipes/demo.yaml", REPAIRS, "report: runs/demo/report.html"),
    Typed("python jobs/report.py runs/demo runs/mixed", "", "comparison.html"),
    Typed("python jobs/tune.py jobs/recipes/demo.yaml", FEW, "report: runs/demo"),
    Typed("python jobs/evaluate.py runs/demo/campaign/best.yaml", "", "report: runs/demo"),
    Typed(
        "python jobs/tune.py jobs/recipes/demo.yaml --tuning.kind refine --tuning.trials 8 --run-dir runs/repairs",
        f"{REPAIRS} --tuning.trials 2",
        "report: runs/repairs",
    ),
    Typed("python -m pad_ray.sandbox", "", "seccomp"),
    Typed("python jobs/verify.py --input programs.parquet --output runs/verified", "", "wrong_answer"),
    Typed("python -m tests.benchmarks.sandbox --rounds 7", "--rounds 1 --programs 40", "isolated, 1 worker / "),
    Typed(
        "python -m tests.benchmarks.synthesis scale --drafts 1000000 --folder /tmp/scale",
        "--drafts 1000 --folder {home}/scale",
        "exit status 0",
    ),
)
SUBMIT = Typed(
    "ray job submit --working-dir . -- python jobs/distill.py jobs/recipes/gsm8k.yaml --run-dir /shared/runs/gsm8k",
    f"{FEW} --questions.task arithmetic --questions.test-tasks arithmetic --run-dir {{home}}/runs/gsm8k",
    "report: ",
)
LOGS = "ray job logs"
# 1 GB less to fetch.
FETCHED = ("qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A newcomer's folder: what a clone has, the environment that `make` made, and files that the README speaks of."""
    folder = tmp_path_factory.mktemp("home")
    tracked = subprocess.check_output(["git", "ls-tree", "--name-only", "HEAD"], cwd=REPOSITORY, text=True)
    for name, target in {**{name: REPOSITORY / name for name in tracked.split()}, ".venv": sys.prefix}.items():
        (folder / name).symlink_to(target)
    write_script(folder / "script.json")
    programs = {"id": ["a", "b"], "program": ["def solution():\n    return 6 * 7", WRONG], "gold": ["42", "42"]}
    pq.write_table(pa.table(programs), folder / "programs.parquet")
    return folder


def write_script(path):
    """For every question that is asked: two samples with a right program, if there is one, and a third that is wrong."""
    programs = {}
    for split, count in (("train", TRAIN_QUESTIONS), ("test", TEST_QUESTIONS)):
        programs |= {one.question.text: one.reference_program for one in islice(arithmetic.generate(split, 0), count)}
    gsm8k = Path(os.environ.get("PAD_RAY_DATA", "nowhere"), "gsm8k")
    for file in (gsm8k / "train.jsonl", gsm8k / "test.jsonl"):
        rows = map(json.loads, file.read_text().splitlines() if file.exists() else ())
        programs |= {" ".join(row["question"].split()): written_out(row["answer"]) for row in rows}
    samples = {text: [program, f"{program}\n", WRONG] for text, program in programs.items()}
    path.write_text(json.dumps({"*": [WRONG], **samples}))


def written_out(solution):
    """A program that does the calculations of a published solution one after the other and returns the last result."""
    asked = re.findall(r"<<([^=<>]+)=", solution)
    lines = [f"    step_{number} = {calculation}" for number, calculation in enumerate(asked)]
    return "\n".join(["def solution():", *lines, f"    return step_{len(asked) - 1}", ""])


@pytest.fixture
def type_in(home, tiny_student):
    """Types a command, in a shell in which the environment was activated; returns what it printed."""

    def run(typed, folder=home, **environment):
        words = f"{typed.command} {typed.added}".replace(*FETCHED)
        done = subprocess.run(
            ["bash", "-c", f". {home}/.venv/bin/activate && {words.format(home=home, student=tiny_student)}"],
            cwd=folder,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert typed.shows in done.stdout
        return done.stdout

    return run


def test_every_command_is_typed_here():
    known = [*(one.command for one in TYPED), START, SUBMIT.command, LOGS]
    assert set(known) <= set(commands())
    # `make test` is what runs this.
    assert [one for one in commands() if not any(other.startswith(one) for other in known)] == ["make test"]


@pytest.mark.parametrize("typed", TYPED, ids=lambda typed: typed.command)
def test_a_command_does_what_the_readme_says(typed, type_in, home, request):
    if "gsm8k" in typed.command or "benchmarks.sandbox" in typed.command:
        request.getfixturevalue("data_dir")
    if "screenshot" in typed.command and CHROMIUM is None:
        pytest.skip("there is no Chromium here")
    if "runs/mixed" in typed.command:
        shutil.copytree(home / "runs" / "demo", home / "runs" / "mixed")
    type_in(typed)


def test_a_submitted_job_makes_the_run_and_says_how_far_it_is(type_in, home):
    with TemporaryDirectory() as folder, head_node(Path(folder)) as (address, _):
        said = type_in(SUBMIT, REPOSITORY, RAY_ADDRESS=address)
        assert all(line in said for line in ("[synthesis] 96/96 drafts", "[training]", "succeeded"))
        assert (home / "runs" / "gsm8k" / "report.html").exists()
        (name,) = set(re.findall(r"raysubmit_\w+", said))
        type_in(Typed(LOGS, name, "report: "), RAY_ADDRESS=address)
