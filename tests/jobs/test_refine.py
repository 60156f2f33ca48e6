"""Self-refinement of a distilled student: every stage of the job on a real Ray, with a scripted student."""

import shutil
from collections import Counter
from types import SimpleNamespace

import pytest

from jobs.refine import refine
from pad_ray import job, ledger, metrics, refining, stages
from pad_ray.errors import InputError
from pad_ray.ledger import StageEntry
from pad_ray.preview import preview_refinement
from pad_ray.progress import Progress
from pad_ray.recipe import load_recipe
from pad_ray.refinement.collect import ATTEMPTS
from pad_ray.refinement.corpus import FOLDERS
from pad_ray.refinement.pipeline import VARIANTS
from pad_ray.rundir import RunDir
from pad_ray.schema import CorpusRow, Draft, Objective, Verdict
from pad_ray.stages import Run


@pytest.fixture
def distilled(local_ray, write_recipe, tiny_student, monkeypatch):
    """A run with a real corpus and a student; training it is another test's matter."""
    # The shared Ray keeps the settings of the tests.
    monkeypatch.setattr(job, "start_ray", lambda: None)
    refinement = {"questions": 16, "samples": 4, "temperature": 1.0, "actors": 1, "actor_cpus": 0.5, "epochs": 1}
    recipe = load_recipe(write_recipe(refinement=refinement, corpus={"decontaminate": []}))
    said = []
    progress = Progress()
    progress.say = said.append
    run = Run(recipe, RunDir(recipe.run_dir), progress)
    inputs = stages.read_inputs(recipe)
    stages.store_questions(run, inputs)
    stages.make_drafts(run, inputs.plan)
    corpus = stages.build_corpus(run, inputs)
    shutil.copytree(tiny_student, run.folder.local_path("student"))
    ledger.record(run.folder, StageEntry("training", "rows", corpus.train_rows, corpus.train_rows))
    return SimpleNamespace(run=run, folder=run.folder, said=said)


def test_a_student_learns_from_its_own_errors_and_doing_it_again_changes_nothing(distilled, tiny_student):
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
