"""The dry run of `jobs/refine.py` and its rejected inputs. `test_readme_commands.py` runs its stages."""

import shutil
from itertools import islice
from types import SimpleNamespace

import pytest

from pad_ray.errors import InputError
from pad_ray.paths import Program
from pad_ray.recipe import load_recipe
from pad_ray.run import ledger, metrics
from pad_ray.run.folder import RunDir
from pad_ray.run.ledger import StageEntry
from pad_ray.run.progress import Progress
from pad_ray.run.records import CorpusSummary, Yield
from pad_ray.schema import CorpusRow, Objective, Question, content_id
from pad_ray.stages import refinement
from pad_ray.stages.base import Run
from pad_ray.stages.preview import preview_refinement
from pad_ray.tasks import arithmetic
from tests.conftest import TRAIN_QUESTIONS


def write_distilled(folder, tiny_student):
    """Write the output of a run of `jobs/distill.py`: questions, a corpus of correct programs, and a student."""
    problems = list(islice(arithmetic.generate("train", 0), TRAIN_QUESTIONS))
    tests = [problem.question for problem in islice(arithmetic.generate("test", 0), 12)]
    folder.write_records("questions/train/part-0.parquet", Question, [problem.question for problem in problems])
    folder.write_records("questions/test/arithmetic.parquet", Question, tests)
    rows = [_row(problem) for problem in problems]
    folder.write_records("corpus/train/part-0.parquet", CorpusRow, rows[4:])
    folder.write_records("corpus/validation/part-0.parquet", CorpusRow, rows[:4])
    shutil.copytree(tiny_student, folder.local_path("student"))
    metrics.update(folder, corpus=CorpusSummary(train_rows=len(rows) - 4, validation_rows=4))
    metrics.update(folder, synthesis=Yield(drafts=72, accepted=48, share=2 / 3, interval=(0.55, 0.76)))
    ledger.record(folder, StageEntry(stage="training", rows_in=len(rows) - 4, rows_out=len(rows) - 4))


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
    """A run with a distilled student, and the messages about it."""
    refinement = {"questions": 16, "samples": 4, "temperature": 1.0, "actors": 1, "actor_cpus": 0.5, "epochs": 1}
    recipe = load_recipe(write_recipe(refinement=refinement))
    messages, progress = [], Progress()
    progress.say = messages.append
    run = Run(recipe, RunDir(recipe.run_dir), progress)
    write_distilled(run.folder, tiny_student)
    return SimpleNamespace(run=run, folder=run.folder, said=messages)


def test_a_dry_run_shows_the_students_prompt_and_writes_nothing(distilled):
    names = {path.name for path in distilled.folder.local_path(".").iterdir()}
    preview_refinement(distilled.run)
    shown = "\n".join(distilled.said)
    assert "first prompt:\nQuestion: " in shown
    assert "16 questions, 64 drafts of the student" in shown
    assert {path.name for path in distilled.folder.local_path(".").iterdir()} == names


def test_a_run_without_a_student_is_refused(write_recipe, tmp_path):
    recipe = load_recipe(write_recipe(run_dir=str(tmp_path / "empty")))
    with pytest.raises(InputError, match=r"empty has no trained student: run jobs/distill\.py"):
        refinement.read_refinement_inputs(Run(recipe, RunDir(recipe.run_dir), Progress()))
