"""The questions of a run: read and checked before anything is written, then stored."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from pad_ray.engines import versions
from pad_ray.engines.kinds import fingerprint
from pad_ray.errors import StageError
from pad_ray.paths.demonstrations import assert_not_in_test
from pad_ray.recipe import Recipe
from pad_ray.run import ledger
from pad_ray.run.ledger import StageEntry
from pad_ray.schema import Question
from pad_ray.stages.base import Run
from pad_ray.stages.drafts import teacher_paths
from pad_ray.stages.student import check_student
from pad_ray.synthesis.plan import Plan
from pad_ray.synthesis.questions import TEST, demand_usable, fault, store
from pad_ray.synthesis.rows import objectives_of
from pad_ray.tasks import get_task
from pad_ray.tasks.config import task_and_split


@dataclass(frozen=True)
class RunInputs:
    """Everything that a run reads, checked before anything is written.

    `train` is consumed once, by `store_questions`; `test` holds the test questions by task.
    """

    train: Iterator[Question]
    test: dict[str, list[Question]]
    plan: Plan


def read_run_inputs(recipe: Recipe) -> RunInputs:
    """Read questions and demonstrations, resolve both models and plan the drafts. Writes nothing.

    Raises:
        InputError: a task, a split, a row, a demonstration, a model name or weights are not usable.
    """
    source, seed = recipe.questions, recipe.seed
    train_questions = get_task(source.task).stream(source.split, recipe.data_dir, source.limit, seed)
    tests = read_tests(recipe)
    for name in recipe.corpus.decontaminate or []:
        get_task(name)
    versions.check(recipe.teacher)
    check_student(recipe)
    objectives_of(recipe.synthesis.paths, recipe.corpus)
    paths = teacher_paths(recipe)
    for path in paths:
        assert_not_in_test(path.sets, (question for test in tests.values() for question in test))
    return RunInputs(train_questions, tests, Plan(paths, fingerprint(recipe.teacher), recipe.synthesis, seed))


def read_tests(recipe: Recipe) -> dict[str, list[Question]]:
    """The test questions by test set. Raises InputError if a task, its files or a question is not usable."""
    return {name: _read_test(recipe, name) for name in recipe.questions.tests}


def _read_test(recipe: Recipe, name: str) -> list[Question]:
    task, split = task_and_split(name)
    sample = get_task(task).load(split, recipe.data_dir, recipe.questions.test_limit, recipe.seed)
    if any(map(fault, sample)) or len({question.question_id for question in sample}) < len(sample):
        # Read the whole split: a sample does not give a question's position in the file.
        whole = split in get_task(task).published
        read = get_task(task).load(split, recipe.data_dir, seed=recipe.seed) if whole else sample
        where = f"split {split}" + (f" in {recipe.data_dir}/{task}" if whole and recipe.data_dir else "")
        demand_usable(name, read, where)
    return sample


def store_questions(run: Run, inputs: RunInputs) -> None:
    """Write `questions/`: train questions, unusable questions with the reason, and test questions."""
    started = time.monotonic()
    with run.progress.wait("questions: their files"):
        stored = store(run.folder, inputs.train)
    store_tests(run, inputs.test)
    elapsed = time.monotonic() - started
    tests = sum(map(len, inputs.test.values()))
    entry = StageEntry(
        stage="questions",
        unit="questions",
        rows_in=stored.asked + tests,
        rows_out=stored.kept + tests,
        rejected=stored.unusable,
        seconds=elapsed,
    )
    ledger.record(run.folder, entry)
    if not stored.kept:
        raise StageError(f"questions: none of {stored.asked} is usable: {dict(stored.unusable)}")


def store_tests(run: Run, tests: dict[str, list[Question]], *, keep: bool = False) -> None:
    """Write the test questions to `questions/`. With `keep`, the stored questions of a task are not replaced."""
    for task, questions in tests.items():
        if not (keep and run.folder.exists(f"{TEST}/{task}.parquet")):
            run.folder.write_records(f"{TEST}/{task}.parquet", Question, questions)
