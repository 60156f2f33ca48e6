"""General ability on BIG-bench-Hard by sub-task, and its change by training.

The sub-tasks are fixed and their questions are a sample, so the interval of the macro average comes from the sub-tasks'
intervals.
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from pad_ray.evaluation.claims import detectable_difference, difference_warning, score_warning
from pad_ray.evaluation.intervals import CONFIDENCE_Z, Numbers
from pad_ray.evaluation.paired import compare, few_changes, question_differences
from pad_ray.evaluation.scores import score
from pad_ray.run.records import General, GeneralChange, Interval, Subtask
from pad_ray.schema import Question, Solution


def general_ability(solutions: Sequence[Solution], questions: Sequence[Question], seed: int = 0) -> General:
    """Scores by sub-task, which is the question's `task`. Raises ValueError like `score`."""
    if not questions:
        raise ValueError("no questions of general ability to score")
    by_subtask, solved = _by_subtask(questions, solutions)
    scores = {name: score(solved[name], by_subtask[name], seed) for name in by_subtask}
    macro, interval = macro_average([(one.accuracy, one.interval) for one in scores.values()])
    count = sum(one.questions for one in scores.values())
    faults = sum(solution.outcome.is_fault for solution in solutions)
    return General(
        subtasks={
            name: Subtask(questions=one.questions, accuracy=one.accuracy, interval=one.interval)
            for name, one in scores.items()
        },
        macro=macro,
        interval=interval,
        questions=count,
        warning=score_warning(count, macro, interval, faults),
    )


def change(
    before: Sequence[Solution], after: Sequence[Solution], questions: Sequence[Question], seed: int = 0
) -> GeneralChange:
    """The change of each sub-task and of the macro average. Raises ValueError like `general_ability` and `compare`."""
    if not questions:
        raise ValueError("no questions of general ability to compare")
    _, left = _by_subtask(questions, before)
    _, right = _by_subtask(questions, after)
    subtasks = {name: compare(left[name], right[name], seed) for name in left}
    differences = [question_differences(left[name], right[name]) for name in left]
    difference, error = macro_difference(differences)
    interval = max(-1.0, difference - CONFIDENCE_Z * error), min(1.0, difference + CONFIDENCE_Z * error)
    p_value = 2 * float(stats.norm.sf(abs(difference) / error))
    warning = difference_warning(sum(map(len, differences)), interval, p_value)
    adjusted = stats.false_discovery_control([one.p_value for one in subtasks.values()])
    return GeneralChange(
        subtasks=subtasks,
        adjusted=dict(zip(subtasks, adjusted.tolist(), strict=True)),
        difference=difference,
        interval=interval,
        p_value=p_value,
        detectable=detectable_difference(error),
        warning=warning,
    )


def macro_difference(differences: Sequence[Numbers]) -> tuple[float, float]:
    """The mean over sub-tasks of their mean differences by question, and its standard error.

    Questions are the random sample within each sub-task. If few questions changed, one fixed and one broken question are added,
    as in `adjusted_error`, so that equal runs have a non-zero error too.
    """
    subtasks = len(differences)
    difference = sum(float(one.mean()) for one in differences) / subtasks
    variance = sum(float(one.var(ddof=1)) / len(one) for one in differences if len(one) > 1) / subtasks**2
    if few_changes(np.concatenate(differences)):
        variance += 2 / (subtasks * min(map(len, differences))) ** 2
    return difference, math.sqrt(variance)


def macro_average(parts: Sequence[tuple[float, Interval]]) -> tuple[float, Interval]:
    """The mean of independent estimates, and its interval from the distances of their limits (Zou and Donner 2008, MOVER).

    Unlike a normal interval, it is valid if some estimates are 0 or 1.
    """
    values = np.array([value for value, _ in parts])
    limits = np.array([interval for _, interval in parts])
    below, above = (float(np.sqrt(((values - limits[:, side]) ** 2).sum())) / len(parts) for side in (0, 1))
    macro = float(values.mean())
    return macro, (macro - below, macro + above)


def _by_subtask(
    questions: Sequence[Question], solutions: Sequence[Solution]
) -> tuple[dict[str, list[Question]], dict[str, list[Solution]]]:
    """Questions and solutions by task. Raises ValueError if a solution belongs to none of the questions."""
    subtask_of = {question.question_id: question.task for question in questions}
    by_subtask: dict[str, list[Question]] = {}
    for question in questions:
        by_subtask.setdefault(question.task, []).append(question)
    solved: dict[str, list[Solution]] = {name: [] for name in by_subtask}
    for solution in solutions:
        if solution.question_id not in subtask_of:
            raise ValueError(f"a solution is of question {solution.question_id}, which is not among those asked")
        solved[subtask_of[solution.question_id]].append(solution)
    return by_subtask, solved
