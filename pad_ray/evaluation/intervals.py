"""Intervals at 95 %: of a proportion, and of a mean over questions that were each sampled several times."""

import math
from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pad_ray.schema import Solution

Interval = tuple[float, float]
Numbers = NDArray[np.float64]

CONFIDENCE = 0.95
CONFIDENCE_Z = float(stats.norm.ppf((1 + CONFIDENCE) / 2))
RESAMPLES = 2_000
BATCH_NUMBERS = 4_000_000
"""Numbers that a bootstrap holds at a time, 32 MB."""


def wilson(correct: int, trials: int) -> Interval:
    """Wilson's score interval of a proportion (Wilson 1927). ValueError where there is no trial."""
    interval = stats.binomtest(correct, trials).proportion_ci(CONFIDENCE, method="wilson")
    return float(interval.low), float(interval.high)


def question_means(solutions: Iterable[Solution]) -> dict[str, float]:
    """The share of right solutions of each question, in the order in which questions come first."""
    return means_by_question((solution.question_id, solution.correct) for solution in solutions)


def means_by_question(values: Iterable[tuple[str, float]]) -> dict[str, float]:
    """The mean value of each question id. A question weighs the same however often it was sampled."""
    collected: dict[str, list[float]] = {}
    for question_id, value in values:
        collected.setdefault(question_id, []).append(value)
    return {question_id: sum(found) / len(found) for question_id, found in collected.items()}


def clustered(means: Mapping[str, float], seed: int) -> Interval:
    """The interval of the mean of shares (0 to 1) over questions, which are drawn anew as wholes.

    Samples of one question are alike, so it is questions and not samples that are independent (Miller 2024, 2411.00640,
    section 2.2). Where all questions have the same share a bootstrap sees no spread: Wilson's interval over the questions,
    which takes the samples of a question for one, stands in for it.
    """
    values = np.array(list(means.values()))
    if np.ptp(values) == 0:
        return wilson(round(values[0] * len(values)), len(values))
    low, high = bootstrap(values, seed)
    return float(low), float(high)


def adjusted_error(differences: Numbers) -> tuple[float, float]:
    """Centre and standard error of the mean of paired differences (-1 to 1), with one fixed and one broken question added.

    With one answer a question this gives the interval of Bonett and Price (2012, J. Educ. Behav. Stat. 37), which Fagerland,
    Lydersen and Laake (2014, Stat. Med. 33) recommend. The added questions keep the error above 0 if no question changed.
    """
    values = np.append(differences, (1.0, -1.0))
    return float(values.mean()), float(values.std()) / math.sqrt(len(values))


def bootstrap(values: Numbers, seed: int) -> tuple[Numbers, Numbers]:
    """Percentile bootstrap of means along the first axis, questions (Efron and Tibshirani 1993, chapter 13).

    `values` has the shape (questions,) or (questions, columns); the limits have that of one question. Not covered: fewer
    than about 30 questions, where the interval is too narrow.
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
