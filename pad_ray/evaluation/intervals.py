"""95 % intervals: of a proportion, and of a mean over questions with several samples each."""

import math
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pad_ray.run.records import Interval
from pad_ray.schema import Solution

Numbers = NDArray[np.float64]

CONFIDENCE = 0.95
CONFIDENCE_Z = float(stats.norm.ppf((1 + CONFIDENCE) / 2))
RESAMPLES = 2_000
BATCH_NUMBERS = 4_000_000
"""Numbers that a bootstrap holds in memory at once: 32 MB."""


def wilson(correct: int, trials: int) -> Interval:
    """Wilson's score interval of a proportion (Wilson 1927). Raises ValueError without trials."""
    interval = stats.binomtest(correct, trials).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def question_means(solutions: Iterable[Solution]) -> dict[str, float]:
    """The share of correct solutions of each question, in the order of first occurrence."""
    return means_by_question((solution.question_id, solution.correct) for solution in solutions)


def means_by_question(values: Iterable[tuple[str, float]]) -> dict[str, float]:
    """The mean value per question id, so that all questions weigh the same, whatever their number of samples."""
    collected: dict[str, list[float]] = {}
    for question_id, value in values:
        collected.setdefault(question_id, []).append(value)
    return {question_id: sum(own) / len(own) for question_id, own in collected.items()}


def clustered(means: Mapping[str, float], seed: int) -> Interval:
    """The interval of the mean of per-question shares (0 to 1), by a bootstrap over questions.

    Samples of one question are correlated, so the independent unit is the question (Miller 2024, 2411.00640, section 2.2). If
    all questions have the same share, a bootstrap has no spread; the result is then Wilson's interval over the questions,
    which counts the samples of a question as one.
    """
    values = np.array(list(means.values()))
    if np.ptp(values) == 0:
        return wilson(round(values[0] * len(values)), len(values))
    low, high = bootstrap(values, seed)
    return float(low), float(high)


def adjusted_error(differences: Numbers) -> tuple[float, float]:
    """Centre and standard error of the mean of paired differences (-1 to 1), with one fixed and one broken question added.

    With one answer per question, this gives the interval of Bonett and Price (2012, J. Educ. Behav. Stat. 37), recommended by
    Fagerland, Lydersen and Laake (2014, Stat. Med. 33). The added questions keep the error above 0 if no question changed.
    """
    values = np.append(differences, (1.0, -1.0))
    return float(values.mean()), float(values.std()) / math.sqrt(len(values))


def bootstrap(values: Numbers, seed: int) -> tuple[Numbers, Numbers]:
    """Percentile bootstrap of means along the first axis, the questions (Efron and Tibshirani 1993, chapter 13).

    `values` has the shape (questions,) or (questions, columns); the limits have the shape of one question. Not covered: with
    fewer than about 30 questions, the interval is too narrow.
    """
    interval = stats.bootstrap(
        (values,),
        np.mean,
        axis=0,
        n_resamples=RESAMPLES,
        batch=max(1, BATCH_NUMBERS // values.size),
        confidence_level=CONFIDENCE,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return interval.low, interval.high
