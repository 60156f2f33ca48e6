"""Two runs on the same questions: by how much they differ, and whether that can be chance."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from pad_ray.evaluation.claims import detectable_difference, difference_warning
from pad_ray.evaluation.intervals import BATCH_NUMBERS, Interval, Numbers, bootstrap, question_means
from pad_ray.schema import Solution

SIGN_FLIPS = 9_999
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
        detectable: the smallest difference that so many questions of this spread show in 80 % of all repetitions.
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


def compare(a: Sequence[Solution], b: Sequence[Solution], seed: int) -> Paired:
    """Compare two runs, each with one or more solutions a question, in any order.

    The interval is a bootstrap of per-question differences: questions are drawn as wholes, however often each was sampled.
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
    difference = float(differences.mean())
    detectable = detectable_difference(_standard_error(differences) if error is None else error)
    return Paired(
        questions=len(differences),
        difference=difference,
        interval=interval,
        fixed=int((differences > 0).sum()),
        broken=int((differences < 0).sum()),
        p_value=p_value,
        test=test,
        detectable=detectable,
        warning=difference_warning(len(differences), difference, interval, p_value, detectable),
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
    """The bootstrap interval of the mean of per-question differences; a point where all are equal."""
    if np.ptp(differences) == 0:
        return float(differences[0]), float(differences[0])
    low, high = bootstrap(differences, seed)
    return float(low), float(high)


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


def _standard_error(differences: Numbers) -> float:
    """Of the mean. Where no question changed, as if one had: no spread is no proof of a small one."""
    count = len(differences)
    deviation = float(differences.std(ddof=1)) if count > 1 else 1.0
    return (deviation or 1 / math.sqrt(count)) / math.sqrt(count)
