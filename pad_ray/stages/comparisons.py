"""Compare the students and the strategies of a run on the same questions."""

from collections.abc import Sequence

from pad_ray.decoding.greedy import Greedy
from pad_ray.decoding.stored import solutions_folder
from pad_ray.evaluation.general import change
from pad_ray.evaluation.paired import compare
from pad_ray.evaluation.seeds import pool
from pad_ray.run import metrics
from pad_ray.run.records import StudentRole
from pad_ray.schema import Question, Solution
from pad_ray.stages.base import Run
from pad_ray.stages.solutions import (
    COMPARISONS,
    DIRECT,
    Tests,
    general_tests,
    has_subtasks,
    own_tests,
    solutions_by_question,
    stored_solutions,
    strategies_of,
)

COMPARED = ((StudentRole.BEFORE, StudentRole.AFTER), (StudentRole.AFTER, StudentRole.REFINED))
"""Pairs of students to compare: the baseline, then the student that is measured against it."""


def compare_strategies(run: Run, student: str, tests: Tests) -> None:
    """Paired tests of one student's strategies on every task: each against the first and against its equal-compute baseline.

    Results of other students and tasks are kept.
    """
    first, *others = strategies_of(run)
    sides = [(first.label, other.label) for other in others]
    sides += [(other.label, other.reference) for other in others if other.reference not in (None, first.label)]
    earlier = metrics.read(run.folder).paired_strategies
    pairs = [pair for pair in earlier if pair.student != student or pair.task not in tests]
    for task, questions in own_tests(tests).items():
        for a, b in sides:
            one, other = (stored_solutions(run, task, solutions_folder(student, label), questions) for label in (a, b))
            paired = compare(one, other, run.recipe.seed)
            names = {"task": task, "student": str(student), "a": a, "b": b}
            pairs.append(paired.model_copy(update=names))
    metrics.update(run.folder, paired_strategies=pairs)


def pool_seeds(run: Run, student: str, tests: Tests) -> None:
    """Pool the scores of strategies that differ only in their seed."""
    alike: dict[str, list[str]] = {}
    for one in run.recipe.evaluation.strategies:
        alike.setdefault(one.model_dump_json(exclude={"name", "seed"}), []).append(one.label)
    for labels in (labels for labels in alike.values() if len(labels) > 1):
        for task, questions in own_tests(tests).items():
            runs = [stored_solutions(run, task, solutions_folder(student, label), questions) for label in labels]
            names = {"task": task, "student": str(student), "strategies": labels}
            metrics.put(run.folder, "pooled", pool(runs).model_copy(update=names))


def compare_students(
    run: Run, tests: Tests, a: StudentRole = StudentRole.BEFORE, b: StudentRole = StudentRole.AFTER
) -> None:
    """Paired tests of student `b` against `a`, both greedy, on every task that both have answered in full.

    Results of other pairs of students and of other tasks are kept.
    """
    metrics.drop(run.folder, COMPARISONS, lambda entry: (entry.a, entry.b) == (a, b) and entry.task in tests)
    for task, questions in tests.items():
        left, right = (_greedy_solutions(run, task, student, questions) for student in (a, b))
        if left is None or right is None:
            continue
        names = {"task": task, "a": a.value, "b": b.value}
        paired = compare(left, right, run.recipe.seed)
        metrics.put(run.folder, "paired", paired.model_copy(update=names))
        if has_subtasks(questions):
            changed = change(left, right, questions, run.recipe.seed)
            metrics.put(run.folder, "general_change", changed.model_copy(update=names))


def _greedy_solutions(run: Run, task: str, student: str, questions: Sequence[Question]) -> list[Solution] | None:
    """The greedy solutions of the current student; None unless it has answered every question."""
    label = (DIRECT if general_tests({task: list(questions)}) else Greedy()).label
    if not any(score.key == (task, student, label) for score in metrics.read(run.folder).evaluation):
        return None
    by_id = solutions_by_question(run, task, solutions_folder(student, label))
    if any(question.question_id not in by_id for question in questions):
        return None
    return [by_id[question.question_id] for question in questions]
