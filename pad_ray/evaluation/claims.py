"""Warnings for readers of a figure: the claims that a sample of questions does not support."""

import math

from scipy import stats

from pad_ray.evaluation.intervals import CONFIDENCE, CONFIDENCE_Z
from pad_ray.run.records import Interval

SIGNIFICANCE = 1 - CONFIDENCE
POWER = 0.8
MIN_QUESTIONS = 30
"""With fewer questions, bootstrap intervals are too narrow."""
MAX_HALF_WIDTH = 0.05
"""A wider interval of a score causes a warning."""
MIN_SEEDS = 3
"""Number of trainings that a claim about a system needs; fewer cause a warning."""
ONE_TRAINING = "One training: the interval covers the questions, not the chance of training."
ONE_TRAINING_EACH = (
    "One training on each side: the interval covers the questions, not the chance of training, which has moved one recipe "
    "from 79 to 102 correct answers of 240."
)

_POWER_Z = float(stats.norm.ppf(POWER))


def detectable_difference(standard_error: float) -> float:
    """The smallest true difference that a two-sided test at 5 % detects in 80 % of all repetitions (Miller 2024, 2411.00640).

    `standard_error` is the standard error of the measured difference; the result has the same unit.
    """
    return (CONFIDENCE_Z + _POWER_Z) * standard_error


def questions_for(accuracy: float, half_width: float = MAX_HALF_WIDTH) -> int:
    """The number of questions, with one answer each, that gives an interval of ± `half_width` at this accuracy.

    Accuracies below 0.05 or above 0.95 count as 0.05 or 0.95, because a sample estimates such extremes poorly.
    """
    share = min(max(accuracy, 0.05), 0.95)
    return math.ceil(CONFIDENCE_Z**2 * share * (1 - share) / half_width**2)


def score_warning(questions: int, accuracy: float, interval: Interval, faults: int) -> str:
    """The limitations of a score; empty if there are none."""
    half_width = (interval[1] - interval[0]) / 2
    warnings = []
    if faults:
        warnings.append(
            f"{faults} solutions are faults of the infrastructure and count as wrong; solve them again with "
            "--evaluation.retry-faults."
        )
    if half_width > MAX_HALF_WIDTH:
        needed = questions_for(accuracy)
        advice = f"; about {needed} would give {_points(MAX_HALF_WIDTH)}" if needed > questions else ""
        warnings.append(
            f"{_question_count(questions)} determine the accuracy only to {_points(half_width)} points{advice}."
        )
    return " ".join(warnings + _few(questions))


def difference_warning(questions: int, interval: Interval, p_value: float) -> str:
    """Why a measured difference does not support the claim that two runs differ; empty if it does.

    Uses only the interval and the p-value. Power computed from the observed difference adds nothing to the p-value (Hoenig and
    Heisey 2001, The American Statistician 55).
    """
    low, high = interval
    warnings = []
    if low <= 0 <= high or p_value >= SIGNIFICANCE:
        warnings.append(
            f"{_question_count(questions)} do not show that the runs differ: the interval of the difference is "
            f"{100 * low:+.1f} to {100 * high:+.1f} points, p = {p_value:.2g}."
        )
    return " ".join(warnings + _few(questions))


def seeds_warning(a: int, b: int) -> str:
    """The limitation of few trainings per side; empty if both sides have `MIN_SEEDS`."""
    if a == b == 1:
        return ONE_TRAINING_EACH
    if min(a, b) == 1:
        return "One side was trained once: the spread of the other side's trainings is used for both."
    return pool_warning(min(a, b))


def pool_warning(seeds: int) -> str:
    """A warning about too few pooled seeds; empty from `MIN_SEEDS` on."""
    return (
        f"{seeds} seeds are too few to measure the spread between seeds; use at least {MIN_SEEDS}."
        if seeds < MIN_SEEDS
        else ""
    )


def _few(questions: int) -> list[str]:
    if questions >= MIN_QUESTIONS:
        return []
    return [f"Intervals over fewer than {MIN_QUESTIONS} questions are inaccurate."]


def _question_count(questions: int) -> str:
    return "1 question" if questions == 1 else f"{questions} questions"


def _points(share: float) -> str:
    return f"±{100 * share:.1f}"
