"""Every command of the READMEs, typed by a newcomer, with smaller numbers if it would take long.

`make demo` starts its own Ray, as on a laptop; all later jobs join one head node, as the README shows.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pad_ray.refinement.collect import ATTEMPTS
from pad_ray.refinement.corpus import FOLDERS
from pad_ray.refinement.pipeline import VARIANTS
from pad_ray.run.folder import RunDir
from pad_ray.schema import CorpusRow, Draft, Objective, Solution, Verdict
from pad_ray.tasks import arithmetic
from pad_ray.tuning.trials import Trials
from tests.conftest import CRASHES, TRAIN_QUESTIONS, WRONG
from tests.jobs.conftest import REPOSITORY, START, head_node
from tests.readme import commands, named_files
from tests.report.browser import CHROMIUM


class Typed(NamedTuple):
    """A command of a README, what is added to it, and what it prints then."""

    command: str
    added: str
    shows: str


TEST_LIMIT = 8
# Teacher and answering student are scripted, the student that learns is tiny; everything else is as it is.
ENGINES = {"teacher": "teacher", "evaluation.engine": "student"}
SMALL = " ".join(f"--{engine}.kind scripted --{engine}.script {{home}}/{name}.json" for engine, name in ENGINES.items())
SMALL += " --training.student {student} --training.epochs 1 --training.precision float32"
SMALL += f" --questions.test-limit {TEST_LIMIT} --corpus.validation-share 0.3"
SUBMITTED = f"{SMALL} --questions.limit {TRAIN_QUESTIONS}"
# Two workers train in the submitted job.
FEW = f"{SUBMITTED} --training.workers 1"
REPAIRS = f"{FEW} --refinement.samples 2 --refinement.variants-per-program 1 --refinement.epochs 1"
# The environment is there: this one was started in it.
DEMO = Typed("make demo", f"-o .venv/installed OPTIONS='{FEW}'", "report: runs/demo/report.html")
REFINE = Typed("python jobs/refine.py jobs/recipes/demo.yaml", REPAIRS, "report: runs/demo/report.html")
TYPED = (
    Typed("python jobs/report.py runs/demo", "", "runs/demo/report.html"),
    Typed("python -m tests.report.screenshot runs/demo/report.html demo.png --width 390 --dark", "", ""),
    Typed("python jobs/distill.py --help", "", "--teacher.model"),
    Typed(
        "python jobs/distill.py jobs/recipes/gsm8k.yaml --questions.limit 48 --run-dir runs/try --dry-run",
        "--teacher.model qwen2.5-coder-0.5b",
        "48 questions, 192 drafts",
    ),
    Typed(
        "python jobs/distill.py server-recipe.yaml --dry-run",
        "",
        "teacher: Qwen/Qwen2.5-Coder-7B-Instruct@127.0.0.1:8000",
    ),
    Typed(
        "python jobs/distill.py cluster/sizes/one-gpu.yaml",
        "--dry-run --teacher.model qwen2.5-coder-0.5b --training.student smollm2-135m",
        "GPU-hours",
    ),
    Typed("python -m pad_ray.models qwen2.5-coder-1.5b", "", "qwen2.5-coder-0.5b"),
    Typed("python jobs/report.py runs/demo runs/mixed", "", "comparison.html"),
    Typed("python jobs/tune.py jobs/recipes/demo.yaml", f"{FEW} --tuning.trials 3", "report: runs/demo"),
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
    f"{SUBMITTED} --questions.task arithmetic --questions.test-tasks arithmetic --run-dir {{home}}/runs/gsm8k",
    "report: ",
)
LOGS = "ray job logs"
# 1 GB less to fetch.
FETCHED = ("qwen2.5-coder-1.5b", "qwen2.5-coder-0.5b")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A newcomer's folder: what a clone has, the environment that `make` made, and files that the READMEs speak of."""
    folder = tmp_path_factory.mktemp("home")
    tracked = subprocess.check_output(["git", "ls-tree", "--name-only", "HEAD"], cwd=REPOSITORY, text=True)
    for name, target in {**{name: REPOSITORY / name for name in tracked.split()}, ".venv": sys.prefix}.items():
        (folder / name).symlink_to(target)
    for name, text in named_files().items():
        (folder / name).write_text(text)
    for name in ENGINES.values():
        write_script(folder, name)
    programs = {"id": ["a", "b"], "program": ["def solution():\n    return 6 * 7", WRONG], "gold": ["42", "42"]}
    pq.write_table(pa.table(programs), folder / "programs.parquet")
    return folder


def write_script(folder, name):
    """Right programs for test questions; for train questions also one that is wrong and one that crashes.

    The engine adds the tokens that it makes to a file.
    """
    train, test = (islice(arithmetic.generate(split, 0), TRAIN_QUESTIONS) for split in ("train", "test"))
    samples = {one.question.text: [one.reference_program, WRONG, CRASHES] for one in train}
    samples |= {one.question.text: [one.reference_program] for one in test}
    options = {"log": str(folder / f"{name}.log")}
    (folder / f"{name}.json").write_text(json.dumps({"@": options, "*": [WRONG], **samples}))


@pytest.fixture(scope="module")
def head():
    """One head node: the addresses of its job server and of its Ray."""
    with TemporaryDirectory() as folder, head_node(Path(folder)) as (server, process):
        (port,) = re.findall(r"--port=(\d+)", " ".join(process.args))
        yield server, f"127.0.0.1:{port}"


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
    known = [*(one.command for one in (DEMO, REFINE, *TYPED, SUBMIT)), START, LOGS]
    assert set(known) <= set(commands())
    # `make test` is what runs this; what it is made of is in tests/test_readme.py.
    others = [one for one in commands() if not any(other.startswith(one) for other in known)]
    assert [one for one in others if not re.match(r"make (test|check)|python -m pytest ", one)] == []


def test_a_run_leaves_everything_it_made_and_doing_it_again_changes_nothing(type_in, home):
    said, run = type_in(DEMO), RunDir(str(home / "runs" / "demo"))
    assert "yield: " in said
    stages = {entry["stage"]: entry for entry in run.read_json("ledger.json")["stages"]}
    assert list(stages) == ["questions", "synthesis", "corpus", "evaluation.before", "training", "evaluation.after"]
    assert all(entry["balanced"] for entry in stages.values())
    assert stages["synthesis"]["rows_in"] == len(run.read_records("drafts", Draft)) == 2 * TRAIN_QUESTIONS
    assert stages["training"]["rows_in"] == len(run.read_records("corpus/train", CorpusRow))
    solutions = [run.read_records(f"solutions/arithmetic/{label}", Solution) for label in ("before-greedy", "greedy")]
    assert [len(side) for side in solutions] == [TEST_LIMIT, TEST_LIMIT]
    found = run.read_json("metrics.json")
    assert [(e["student"], e["correct"]) for e in found["evaluation"]] == [
        ("before", TEST_LIMIT),
        ("after", TEST_LIMIT),
    ]
    assert found["sandbox"]["protections"]
    assert "<html" in run.read_bytes("report.html").decode()

    before = written(run, "drafts", "student", "solutions")
    type_in(DEMO)
    assert written(run, "drafts", "student", "solutions") == before


def test_a_student_learns_from_its_own_errors_and_doing_it_again_changes_nothing(type_in, home, head):
    _, address = head
    type_in(REFINE, RAY_ADDRESS=address)
    run = RunDir(str(home / "runs" / "demo"))
    entries = {entry["stage"]: entry for entry in run.read_json("ledger.json")["stages"]}
    new = ["collect", "inject", "corpus", "training"]
    assert [name.removeprefix("refinement.") for name in entries if name.startswith("refinement.")] == new
    assert all(entry["balanced"] for entry in entries.values())
    attempts = run.read_records(f"{ATTEMPTS}/drafts", Draft)
    assert entries["refinement.collect"]["rows_in"] == len(attempts) == 2 * TRAIN_QUESTIONS
    assert entries["refinement.collect"]["protections"]

    found = run.read_json("metrics.json")["refinement"]
    verdicts = Counter(one.outcome.value for one in run.read_records(f"{ATTEMPTS}/verdicts", Verdict))
    assert found["outcomes"] == verdicts and verdicts["name_error"] and verdicts["wrong_answer"]
    failures = verdicts.total() - verdicts["accepted"]
    shares = {share["outcome"]: share for share in found["shares"]}
    assert shares["name_error"]["student"] == pytest.approx(verdicts["name_error"] / failures)
    assert sum(share["injected"] for share in found["shares"]) == pytest.approx(1)
    assert found["injected_variants"] == sum(run.row_count(part) for part in run.parts(VARIANTS))

    sides = {split: run.read_records(name, CorpusRow) for split, name in FOLDERS.items()}
    validation = {row.question_id for row in run.read_records("corpus/validation", CorpusRow)}
    assert validation.isdisjoint(row.question_id for row in sides["train"])
    assert {row.question_id for row in sides["validation"]} <= validation
    objectives = Counter(row.objective for row in sides["train"])
    assert objectives[Objective.REPAIR] == objectives[Objective.PROGRAM] > 0
    assert entries["refinement.training"]["rows_in"] == len(sides["train"])

    scores = run.read_json("metrics.json")
    assert {one["student"] for one in scores["evaluation"]} == {"before", "after", "refined"}
    assert ("after", "refined") in [(pair["a"], pair["b"]) for pair in scores["paired"]]
    assert 'id="refinement"' in run.read_bytes("report.html").decode()
    weights = [run.read_bytes(f"{name}/model.safetensors") for name in ("student", "refined")]
    assert weights[0] != weights[1]

    made = (f"{ATTEMPTS}/drafts", VARIANTS, "refined", "solutions")
    before = written(run, *made)
    type_in(REFINE, RAY_ADDRESS=address)
    assert written(run, *made) == before


def written(run, *names):
    """When what must not be made again was written; and what was counted."""
    files = [path for name in names for path in run.local_path(name).rglob("*") if path.is_file()]
    found = run.read_json("metrics.json")
    counted = [found["corpus"], found["training"], [one["correct"] for one in found["evaluation"]]]
    return {path: path.stat().st_mtime_ns for path in files}, counted


@pytest.mark.parametrize("typed", TYPED, ids=lambda typed: typed.command)
def test_a_command_does_what_its_readme_says(typed, type_in, home, head, request):
    if re.search("gsm8k|server-recipe|one-gpu|benchmarks.sandbox", typed.command):
        request.getfixturevalue("data_dir")
    if "screenshot" in typed.command and CHROMIUM is None:
        pytest.skip("there is no Chromium here")
    for name in {"mixed", "repairs"} & set(re.findall(r"runs/(\w+)", typed.command)):
        later = shutil.ignore_patterns("campaign", "shared", "refine*")
        shutil.copytree(home / "runs" / "demo", home / "runs" / name, ignore=later)
    _, address = head
    # A preview starts no Ray.
    alone = "--dry-run" in f"{typed.command} {typed.added}"
    type_in(typed, RAY_ADDRESS="" if alone else address, TEACHER_API_KEY="none")


def test_trials_of_refinement_share_all_but_what_they_change(home):
    run = RunDir(str(home / "runs" / "repairs"))
    first, second = Trials.read(run).of("completed")
    # What the run had, and what the first trial made.
    assert first.reused == ["drafts", "student"]
    assert second.reused[:4] == ["drafts", "corpus", "student", "attempts"]
    made = Counter(folder.name.split("-")[0] for folder in run.local_path("shared").glob("*/"))
    assert made["refined"] == 2
    assert all(made[name] == 1 for name in second.reused)
    (drafts,) = run.local_path("shared").glob("drafts-*/")
    asked = RunDir(str(drafts)).read_records("drafts", Draft)
    assert len({draft.draft_id for draft in asked}) == len(asked) == 2 * TRAIN_QUESTIONS
    # By no command since the run was made was a teacher asked again.
    spent = [int(line) for line in (home / "teacher.log").read_text().split()]
    assert sum(spent) == sum(draft.completion_tokens for draft in asked) > 0
    assert run.read_json("campaign/campaign.json")["test"]["default"]["n"] == TEST_LIMIT


def test_a_submitted_job_makes_the_run_and_says_how_far_it_is(type_in, home, head):
    server, _ = head
    said = type_in(SUBMIT, REPOSITORY, RAY_ADDRESS=server)
    assert all(line in said for line in ("[synthesis] 96/96 drafts", "[training]", "succeeded"))
    assert (home / "runs" / "gsm8k" / "report.html").exists()
    (name,) = set(re.findall(r"raysubmit_\w+", said))
    type_in(Typed(LOGS, name, "report: "), RAY_ADDRESS=server)
