"""Two runs on the same questions: by how much they differ, and whether that can be chance."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from pad_ray.evaluation.claims import detectable_difference, difference_warning
from pad_ray.evaluation.intervals import (
    BATCH_NUMBERS,
    CONFIDENCE_Z,
    Interval,
    Numbers,
    adjusted_error,
    bootstrap,
    question_means,
)
from pad_ray.schema import Solution

SIGN_FLIPS = 9_999
FEW_CHANGES = 25
"""Questions that must have changed for a bootstrap; McNemar's test is exact below the same number by custom."""
MCNEMAR = "exact McNemar"
SIGN_FLIP = "sign-flip"


@dataclass(frozen=True)
class Paired:
    """Run b against run a on the same questions; accuracies are fractions.

    Attributes:
        questions: different questions, the unit that is paired and drawn anew.
        difference: accuracy of b minus accuracy of a.
        interval: of the difference, at 95 %.
        fixed: questions that b answers right more often than a; with one answer each, those that b alone answers.
        broken: questions that a answers right more often than b.
        p_value: two-sided, of the hypothesis that the runs do not differ.
        test: the test that gives the p-value.
        detectable: for planning: the smallest true difference that so many questions of this spread show in 80 % of all
            repetitions.
        seeds: trainings that are pooled in a and in b.
        warning: why the difference does not carry a claim; empty where it does.
    """

    questions: int
    difference: float
    interval: Interval
    fixed: int
    broken: int
    p_value: float
    test: str
    detectable: float
    warning: str
    seeds: tuple[int, int] = (1, 1)


def compare(a: Sequence[Solution], b: Sequence[Solution], seed: int) -> Paired:
    """Compare two runs, each with one or more solutions a question, in any order.

    The interval is that of `difference_interval`: questions are drawn as wholes, however often each was sampled.
    The p-value is McNemar's exact one (McNemar 1947) with one solution a question on both sides, else that of `sign_flip`.

    Raises:
        ValueError: the runs answer different questions, or none.
    """
    differences = question_differences(a, b)
    fixed, broken = int((differences > 0).sum()), int((differences < 0).sum())
    single = len(a) == len(b) == len(differences)
    p_value = mcnemar(fixed, broken) if single else sign_flip(differences, seed)
    return paired(differences, difference_interval(differences, seed), p_value, MCNEMAR if single else SIGN_FLIP)


def paired(differences: Numbers, interval: Interval, p_value: float, test: str, error: float | None = None) -> Paired:
    """What is to be said of per-question differences, given their interval, their test and what else adds to their error."""
    detectable = detectable_difference(question_error(differences) if error is None else error)
    return Paired(
        questions=len(differences),
        difference=float(differences.mean()),
        interval=interval,
        fixed=int((differences > 0).sum()),
        broken=int((differences < 0).sum()),
        p_value=p_value,
        test=test,
        detectable=detectable,
        warning=difference_warning(len(differences), interval, p_value),
    )


def question_differences(a: Sequence[Solution], b: Sequence[Solution]) -> Numbers:
    """The share of right solutions in b minus that in a, of each question in the order of a. ValueError as `compare`."""
    left, right = question_means(a), question_means(b)
    if not left or left.keys() != right.keys():
        only = len(left.keys() ^ right.keys())
        raise ValueError(
            f"a paired test needs the same questions on both sides; {only} are on one only, {len(left)} in a"
        )
    return np.array([right[question_id] - share for question_id, share in left.items()])


def difference_interval(differences: Numbers, seed: int) -> Interval:
    """The interval of the mean of per-question differences: a bootstrap, or if few questions changed that of `adjusted_error`.

    A bootstrap of few changes is too narrow: it never draws a change that did not happen, so that equal runs would get (0, 0).
    """
    if few_changes(differences):
        centre, error = adjusted_error(differences)
        return max(-1.0, centre - CONFIDENCE_Z * error), min(1.0, centre + CONFIDENCE_Z * error)
    low, high = bootstrap(differences, seed)
    return float(low), float(high)


def few_changes(differences: Numbers) -> bool:
    """Whether fewer than `FEW_CHANGES` questions differ from what happened to most of them."""
    _, counts = np.unique(differences.round(9), return_counts=True)
    return len(differences) - int(counts.max()) < FEW_CHANGES


def question_error(differences: Numbers) -> float:
    """Standard error of the mean of per-question differences, by the rule of `difference_interval`."""
    if few_changes(differences):
        return adjusted_error(differences)[1]
    return float(differences.std(ddof=1)) / math.sqrt(len(differences))


def mcnemar(fixed: int, broken: int) -> float:
    """McNemar's exact p-value: of the questions that changed, is the share that got better one half? 1 where none did."""
    return float(stats.binomtest(fixed, fixed + broken).pvalue) if fixed + broken else 1.0


def sign_flip(differences: Numbers, seed: int) -> float:
    """The p-value of a randomisation test that gives each question's difference a sign at random (Fisher 1935).

    With one answer a question it is McNemar's exact test; with several, a question's answers stay together. Exact where
    there are no more sign patterns than `SIGN_FLIPS`, else from so many random ones.
    """
    changed = differences[differences != 0]
    if len(changed) < 2:
        return 1.0
    return float(
        stats.permutation_test(
            (changed, np.zeros_like(changed)),
            _mean_difference,
            permutation_type="samples",
            n_resamples=SIGN_FLIPS,
            batch=max(1, BATCH_NUMBERS // len(changed)),
            rng=np.random.default_rng(seed),
        ).pvalue
    )


def _mean_difference(a: Numbers, b: Numbers, axis: int) -> Numbers:
    mean: Numbers = np.mean(a - b, axis=axis)
    return mean
