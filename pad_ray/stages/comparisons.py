"""Compare the students and the strategies of a run on the same questions."""

from collections.abc import Sequence
from dataclasses import asdict

from pad_ray.decoding.greedy import Greedy
from pad_ray.decoding.stored import solutions_folder
from pad_ray.evaluation.general import change
from pad_ray.evaluation.paired import compare
from pad_ray.evaluation.seeds import pool
from pad_ray.run import metrics
from pad_ray.schema import Question, Solution
from pad_ray.stages.base import Run
from pad_ray.stages.solutions import (
    COMPARISONS,
    DIRECT,
    ENTRY,
    Tests,
    general_tests,
    has_subtasks,
    own_tests,
    solutions_by_question,
    stored_solutions,
    strategies_of,
)

COMPARED = (("before", "after"), ("after", "refined"))
"""Pairs of students to compare: the baseline, then the student that is measured against it."""


def compare_strategies(run: Run, student: str, tests: Tests) -> None:
    """Paired tests of one student's strategies on every task: each against the first and against its equal-compute baseline.

    Results of other students and tasks are kept.
    """
    first, *others = strategies_of(run)
    sides = [(first.label, other.label) for other in others]
    sides += [(other.label, other.reference) for other in others if other.reference not in (None, first.label)]
    earlier = metrics.read(run.folder).get("paired_strategies", [])
    pairs = [pair for pair in earlier if pair["student"] != student or pair["task"] not in tests]
    for task, questions in own_tests(tests).items():
        for a, b in sides:
            one, other = (stored_solutions(run, task, solutions_folder(student, label), questions) for label in (a, b))
            paired = compare(one, other, run.recipe.seed)
            pairs.append({"task": task, "student": student, "a": a, "b": b, **asdict(paired)})
    metrics.update(run.folder, "paired_strategies", pairs)


def pool_seeds(run: Run, student: str, tests: Tests) -> None:
    """Pool the scores of strategies that differ only in their seed."""
    alike: dict[str, list[str]] = {}
    for one in run.recipe.evaluation.strategies:
        alike.setdefault(one.model_dump_json(exclude={"name", "seed"}), []).append(one.label)
    for labels in (labels for labels in alike.values() if len(labels) > 1):
        for task, questions in own_tests(tests).items():
            runs = [stored_solutions(run, task, solutions_folder(student, label), questions) for label in labels]
            entry = {"task": task, "student": student, "strategies": labels, **asdict(pool(runs))}
            metrics.replace_entry(run.folder, "pooled", entry, ("task", "student", "strategies"))


def compare_students(run: Run, tests: Tests, a: str = "before", b: str = "after") -> None:
    """Paired tests of student `b` against `a`, both greedy, on every task that both have answered in full.

    Results of other pairs of students and of other tasks are kept.
    """
    metrics.drop_entries(
        run.folder, COMPARISONS, lambda entry: (entry["a"], entry["b"]) == (a, b) and entry["task"] in tests
    )
    for task, questions in tests.items():
        left, right = (_greedy_solutions(run, task, student, questions) for student in (a, b))
        if left is None or right is None:
            continue
        key, same = {"task": task, "a": a, "b": b}, ("task", "a", "b")
        paired = compare(left, right, run.recipe.seed)
        metrics.replace_entry(run.folder, "paired", {**key, **asdict(paired)}, same)
        if has_subtasks(questions):
            changed = change(left, right, questions, run.recipe.seed)
            metrics.replace_entry(run.folder, "general_change", {**key, **asdict(changed)}, same)


def _greedy_solutions(run: Run, task: str, student: str, questions: Sequence[Question]) -> list[Solution] | None:
    """The greedy solutions of the current student; None unless it has answered every question."""
    label = (DIRECT if general_tests({task: list(questions)}) else Greedy()).label
    scores = metrics.read(run.folder).get("evaluation", [])
    if not any([entry[name] for name in ENTRY] == [task, student, label] for entry in scores):
        return None
    by_id = solutions_by_question(run, task, solutions_folder(student, label))
    if any(question.question_id not in by_id for question in questions):
        return None
    return [by_id[question.question_id] for question in questions]
