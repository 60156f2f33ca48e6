"""Intervals against published figures, scipy and simulation."""

from functools import lru_cache

import numpy as np
import pytest
from scipy import stats

from pad_ray.evaluation.claims import detectable_difference
from pad_ray.evaluation.general import macro_average
from pad_ray.evaluation.intervals import bootstrap, clustered, wilson
from pad_ray.evaluation.seeds import mean_interval, mean_squares, standard_error

SIMULATIONS = 1_000
WILSON = lru_cache(wilson)


# statsmodels 0.15 `proportion_confint(method="wilson")`; the first three also in Brown, Cai and DasGupta (2001).
@pytest.mark.parametrize(
    ("correct", "questions", "low", "high"),
    [
        (0, 10, 0.0, 0.27753280),
        (5, 10, 0.23659309, 0.76340691),
        (90, 100, 0.82563435, 0.94477086),
        (463, 1304, 0.32954886, 0.38142528),
    ],
)
def test_wilson_intervals_match_published_values(correct, questions, low, high):
    assert wilson(correct, questions) == pytest.approx((low, high), abs=1e-7)


def test_the_clustered_interval_matches_a_cluster_robust_regression():
    random = np.random.default_rng(7)
    chances = random.beta(2, 3, size=60)
    shares = (random.random((60, 5)) < chances[:, None]).mean(axis=1)
    low, high = clustered({str(n): share for n, share in enumerate(shares)}, seed=0)
    # statsmodels 0.15: OLS of the 300 answers on a constant, standard errors clustered by question.
    assert (low, high) == pytest.approx((0.31405119, 0.45261547), abs=0.005)


def test_the_clustered_interval_is_wider_than_that_of_independent_samples():
    shares = {str(n): float(n % 2) for n in range(50)}
    low, high = clustered(shares, seed=0)
    assert high - low > 2 * np.diff(wilson(250, 500))[0]


def test_identical_questions_have_an_interval():
    assert clustered({str(n): 1.0 for n in range(10)}, seed=0) == wilson(10, 10)


def test_the_detectable_difference_matches_a_power_analysis():
    # statsmodels 0.15 TTestPower at 100,000 pairs: an effect of 2.8018 standard errors; the normal limit is 2.8016.
    assert detectable_difference(1.0) == pytest.approx(2.8016, abs=1e-4)


@pytest.mark.parametrize(("questions", "accuracy"), [(200, 0.4), (200, 0.85), (1_319, 0.355)])
def test_wilson_intervals_cover(questions, accuracy):
    correct = np.random.default_rng(0).binomial(questions, accuracy, 4 * SIMULATIONS)
    assert_covers([WILSON(int(count), questions) for count in correct], accuracy)


def test_clustered_intervals_cover():
    random = np.random.default_rng(0)
    chances = random.beta(1, 1.5, size=(200, SIMULATIONS))
    assert_covers(np.array(bootstrap(random.binomial(4, chances) / 4, seed=1)).T, 0.4)


def test_intervals_of_a_paired_difference_cover():
    random = np.random.default_rng(0)
    hardness = random.normal(size=(200, SIMULATIONS))
    a, b = (hardness + random.normal(size=hardness.shape) < reach for reach in (0.0, 0.3))
    truth = stats.norm.cdf(0.3 / 2**0.5) - 0.5
    assert_covers(np.array(bootstrap(b.astype(float) - a, seed=1)).T, truth)


@pytest.mark.parametrize(("seeds", "deviation"), [(3, 0.0), (3, 0.1), (5, 0.1), (5, 0.2)])
def test_intervals_over_seeds_and_questions_cover(seeds, deviation):
    random = np.random.default_rng(0)
    intervals = [pooled_interval(simulated_seeds(random, seeds, deviation)) for _ in range(SIMULATIONS)]
    assert_covers(intervals, stats.norm.cdf(-0.2 / (2 + deviation**2) ** 0.5))


def test_intervals_of_a_macro_average_cover():
    random = np.random.default_rng(0)
    accuracies, sizes = random.uniform(0, 0.9, 27), random.integers(20, 30, 27)
    correct = random.binomial(sizes, accuracies, size=(SIMULATIONS, 27))
    intervals = [
        macro_average([(count / size, WILSON(int(count), int(size))) for count, size in zip(row, sizes, strict=True)])[
            1
        ]
        for row in correct
    ]
    assert_covers(intervals, accuracies.mean())


def simulated_seeds(random, seeds, deviation, questions=200):
    """Correct and wrong answers, shape (seeds, questions), from normal effects of question difficulty and seed."""
    hardness, skill = random.normal(size=questions), deviation * random.normal(size=(seeds, 1))
    return (skill - hardness + random.normal(size=(seeds, questions)) > 0.2).astype(float)


def pooled_interval(table):
    return mean_interval(table.mean(), *standard_error(mean_squares(table)), table.shape[1])


def assert_covers(intervals, truth):
    low, high = np.asarray(intervals).T
    assert 0.93 <= ((low <= truth) & (truth <= high)).mean() <= 0.97
