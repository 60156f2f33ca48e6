"""Compare two runs on the same questions: the size of the difference, and whether chance can explain it."""

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from pad_ray.evaluation.claims import detectable_difference, difference_warning
from pad_ray.evaluation.intervals import (
    BATCH_NUMBERS,
    CONFIDENCE_Z,
    Numbers,
    adjusted_error,
    bootstrap,
    question_means,
)
from pad_ray.run.records import Interval, Paired
from pad_ray.schema import Solution

SIGN_FLIPS = 9_999
FEW_CHANGES = 25
"""Minimum number of changed questions for a bootstrap; by convention also the limit below which McNemar's test is exact."""
MCNEMAR = "exact McNemar"
SIGN_FLIP = "sign-flip"


def compare(a: Sequence[Solution], b: Sequence[Solution], seed: int) -> Paired:
    """Compare two runs, each with one or more solutions per question, in any order.

    The interval comes from `difference_interval`: questions are the unit, whatever their number of samples. The p-value is
    from McNemar's exact test (McNemar 1947) if both sides have one solution per question, else from `sign_flip`.

    Raises:
        ValueError: the runs answer different questions, or none.
    """
    differences = question_differences(a, b)
    fixed, broken = int((differences > 0).sum()), int((differences < 0).sum())
    single = len(a) == len(b) == len(differences)
    p_value = mcnemar(fixed, broken) if single else sign_flip(differences, seed)
    return paired(differences, difference_interval(differences, seed), p_value, MCNEMAR if single else SIGN_FLIP)


def paired(differences: Numbers, interval: Interval, p_value: float, test: str, error: float | None = None) -> Paired:
    """The comparison for per-question differences and their interval and test; `error` overrides their standard error."""
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
        seeds=(1, 1),
    )


def question_differences(a: Sequence[Solution], b: Sequence[Solution]) -> Numbers:
    """Per question, in the order of a: share of correct solutions in b minus that in a. Raises ValueError like `compare`."""
    left, right = question_means(a), question_means(b)
    if not left or left.keys() != right.keys():
        only = len(left.keys() ^ right.keys())
        raise ValueError(
            f"a paired test needs the same questions on both sides; {only} are on one side only, {len(left)} in a"
        )
    return np.array([right[question_id] - share for question_id, share in left.items()])


def difference_interval(differences: Numbers, seed: int) -> Interval:
    """The interval of the mean of per-question differences: a bootstrap, or `adjusted_error` if few questions changed.

    With few changes a bootstrap is too narrow: it cannot draw changes that did not happen, so equal runs would get (0, 0).
    """
    if few_changes(differences):
        centre, error = adjusted_error(differences)
        return max(-1.0, centre - CONFIDENCE_Z * error), min(1.0, centre + CONFIDENCE_Z * error)
    low, high = bootstrap(differences, seed)
    return float(low), float(high)


def few_changes(differences: Numbers) -> bool:
    """Whether fewer than `FEW_CHANGES` questions have a difference other than the most frequent one."""
    _, counts = np.unique(differences.round(9), return_counts=True)
    return len(differences) - int(counts.max()) < FEW_CHANGES


def question_error(differences: Numbers) -> float:
    """Standard error of the mean of per-question differences, by the rule of `difference_interval`."""
    if few_changes(differences):
        return adjusted_error(differences)[1]
    return float(differences.std(ddof=1)) / math.sqrt(len(differences))


def mcnemar(fixed: int, broken: int) -> float:
    """McNemar's exact p-value of the hypothesis that half of the changed questions are fixed; 1 if none changed."""
    return float(stats.binomtest(fixed, fixed + broken).pvalue) if fixed + broken else 1.0


def sign_flip(differences: Numbers, seed: int) -> float:
    """The p-value of a randomisation test that flips the sign of each question's difference at random (Fisher 1935).

    With one answer per question, it equals McNemar's exact test; with several, a question's answers stay together. The test is
    exact if there are at most `SIGN_FLIPS` sign patterns; otherwise it draws `SIGN_FLIPS` random patterns.
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
