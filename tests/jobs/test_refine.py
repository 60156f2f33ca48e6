"""Self-refinement of a distilled student: every stage of the job on a real Ray, with a scripted student."""

import shutil
from collections import Counter
from itertools import islice
from types import SimpleNamespace

import pytest

from jobs.refine import refine
from pad_ray import job, ledger, metrics, refining
from pad_ray.errors import InputError
from pad_ray.ledger import StageEntry
from pad_ray.paths import Program
from pad_ray.preview import preview_refinement
from pad_ray.progress import Progress
from pad_ray.recipe import load_recipe
from pad_ray.refinement.collect import ATTEMPTS
from pad_ray.refinement.corpus import FOLDERS
from pad_ray.refinement.pipeline import VARIANTS
from pad_ray.rundir import RunDir
from pad_ray.schema import CorpusRow, Draft, Objective, Question, Verdict, content_id
from pad_ray.stages import Run
from pad_ray.tasks import arithmetic
from tests.conftest import TRAIN_QUESTIONS


def write_distilled(folder, tiny_student):
    """What a run of `jobs/distill.py` leaves: questions, a corpus of right programs, and a student."""
    problems = list(islice(arithmetic.generate("train", 0), TRAIN_QUESTIONS))
    tests = [problem.question for problem in islice(arithmetic.generate("test", 0), 12)]
    folder.write_records("questions/train/part-0.parquet", Question, [problem.question for problem in problems])
    folder.write_records("questions/test/arithmetic.parquet", Question, tests)
    rows = [_row(problem) for problem in problems]
    folder.write_records("corpus/train/part-0.parquet", CorpusRow, rows[4:])
    folder.write_records("corpus/validation/part-0.parquet", CorpusRow, rows[:4])
    shutil.copytree(tiny_student, folder.local_path("student"))
    metrics.update(folder, "corpus", {"train_rows": len(rows) - 4, "validation_rows": 4})
    made = {"drafts": 72, "accepted": 48, "yield": 2 / 3, "interval": [0.55, 0.76], "by_path": {}}
    metrics.update(folder, "synthesis", made)
    ledger.record(folder, StageEntry("training", "rows", len(rows) - 4, len(rows) - 4))


def _row(problem):
    question, program = problem.question, problem.reference_program
    return CorpusRow(
        content_id("row", question.question_id),
        question.question_id,
        f"draft of {question.question_id}",
        Objective.PROGRAM,
        Program().source(question),
        program,
    )


@pytest.fixture
def distilled(write_recipe, tiny_student):
    """A run whose student is distilled, and what is said about it."""
    refinement = {"questions": 16, "samples": 4, "temperature": 1.0, "actors": 1, "actor_cpus": 0.5, "epochs": 1}
    recipe = load_recipe(write_recipe(refinement=refinement))
    said, progress = [], Progress()
    progress.say = said.append
    run = Run(recipe, RunDir(recipe.run_dir), progress)
    write_distilled(run.folder, tiny_student)
    return SimpleNamespace(run=run, folder=run.folder, said=said)


def test_a_student_learns_from_its_own_errors_and_doing_it_again_changes_nothing(
    local_ray, distilled, tiny_student, monkeypatch
):
    # The Ray that tests share keeps their settings.
    monkeypatch.setattr(job, "start_ray", lambda modules: None)
    run, folder = distilled.run, distilled.folder
    refine(run)
    entries = {entry["stage"]: entry for entry in ledger.entries(folder)}
    new = ["collect", "inject", "corpus", "training"]
    assert [name.removeprefix("refinement.") for name in entries if name.startswith("refinement.")] == new
    assert all(entry["balanced"] for entry in entries.values())
    assert entries["refinement.collect"]["rows_in"] == len(folder.read_records(f"{ATTEMPTS}/drafts", Draft)) == 64
    assert entries["refinement.collect"]["protections"]

    found = metrics.read(folder)["refinement"]
    verdicts = Counter(one.outcome.value for one in folder.read_records(f"{ATTEMPTS}/verdicts", Verdict))
    assert found["outcomes"] == verdicts and verdicts["name_error"] and verdicts["wrong_answer"]
    failures = verdicts.total() - verdicts["accepted"]
    shares = {share["outcome"]: share for share in found["shares"]}
    assert shares["name_error"]["student"] == pytest.approx(verdicts["name_error"] / failures)
    assert sum(share["injected"] for share in found["shares"]) == pytest.approx(1)
    assert found["injected_variants"] == sum(folder.row_count(part) for part in folder.parts(VARIANTS))

    sides = {split: folder.read_records(name, CorpusRow) for split, name in FOLDERS.items()}
    validation = {row.question_id for row in folder.read_records("corpus/validation", CorpusRow)}
    assert validation.isdisjoint(row.question_id for row in sides["train"])
    assert {row.question_id for row in sides["validation"]} <= validation
    objectives = Counter(row.objective for row in sides["train"])
    assert objectives[Objective.REPAIR] == objectives[Objective.PROGRAM] > 0
    assert entries["refinement.training"]["rows_in"] == len(sides["train"])

    scores = metrics.read(folder)
    assert {(one["student"], one["questions"]) for one in scores["evaluation"]} == {("after", 12), ("refined", 12)}
    assert [(pair["a"], pair["b"]) for pair in scores["paired"]] == [("after", "refined")]
    page = folder.read_bytes("report.html").decode()
    assert 'id="refinement"' in page and "name error" in page
    weights = [(place / "model.safetensors").read_bytes() for place in (folder.local_path("refined"), tiny_student)]
    assert weights[0] != weights[1]

    before = _written(folder)
    refine(run)
    assert _written(folder) == before


def _written(folder):
    """When what must not be made again was written; and what was counted."""
    names = (f"{ATTEMPTS}/drafts", VARIANTS, "refined", "solutions")
    files = {
        path: path.stat().st_mtime_ns for name in names for path in folder.local_path(name).rglob("*") if path.is_file()
    }
    found = metrics.read(folder)
    return files, found["refinement"], [one["correct"] for one in found["evaluation"]], found["paired"]


def test_a_dry_run_says_what_the_student_is_asked_and_writes_nothing(distilled):
    names = {path.name for path in distilled.folder.local_path(".").iterdir()}
    preview_refinement(distilled.run)
    shown = "\n".join(distilled.said)
    assert "first prompt:\nQuestion: " in shown
    assert "16 questions, 64 drafts of the student" in shown
    assert {path.name for path in distilled.folder.local_path(".").iterdir()} == names


def test_a_run_without_a_student_is_refused(write_recipe, tmp_path):
    recipe = load_recipe(write_recipe(run_dir=str(tmp_path / "empty")))
    with pytest.raises(InputError, match=r"empty has no trained student: run jobs/distill\.py"):
        refining.read_inputs(Run(recipe, RunDir(recipe.run_dir), Progress()))
