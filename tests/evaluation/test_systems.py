"""Comparisons of systems with one or several trainings."""

import numpy as np
import pytest
from scipy import stats

from pad_ray.evaluation.claims import ONE_TRAINING_EACH
from pad_ray.evaluation.families import holm
from pad_ray.evaluation.paired import MCNEMAR, compare
from pad_ray.evaluation.systems import TWO_LEVEL, compare_systems, two_level
from tests.benchmarks.intervals import Trainings, coverage
from tests.evaluation.conftest import run


def runs(table):
    return [run(list(row)) for row in table]


def trainings(*right, questions=100):
    """One training for each number of correct answers."""
    return runs([1] * count + [0] * (questions - count) for count in right)


def test_trainings_without_spread_are_compared_over_questions():
    random = np.random.default_rng(1)
    a, b = random.binomial(1, 0.4, 200), random.binomial(1, 0.6, 200)
    paired = compare_systems(runs([a.tolist()] * 3), runs([b.tolist()] * 3))
    expected = stats.ttest_rel(b, a)
    assert (paired.test, paired.seeds, paired.p_value) == (TWO_LEVEL, (3, 3), pytest.approx(expected.pvalue))
    assert paired.interval == pytest.approx(tuple(expected.confidence_interval()))


def test_a_spread_between_trainings_can_make_a_difference_insignificant():
    paired = compare_systems(trainings(30, 45, 60), trainings(45, 55, 65))
    assert paired.difference == pytest.approx(0.10) and paired.p_value > 0.2
    assert "do not show that the runs differ" in paired.warning
    # One training of each, the middle one, would look significant.
    assert compare_systems(trainings(45), trainings(55)).p_value < 0.01


def test_the_variance_is_the_sum_of_mean_squares():
    random = np.random.default_rng(4)
    shift = np.array([[0.2], [0.5], [0.8]])
    left, right = (random.random((3, 60)) < shift, random.random((3, 60)) < shift)
    differences, error, freedom = two_level(left.astype(float), right.astype(float))
    # Variance of the questions' differences plus variance of the trainings' means, minus the part that both include.
    rests = [np.var(t - t.mean(0) - t.mean(1, keepdims=True) + t.mean()) * t.size / (2 * 59) for t in (left, right)]
    of_means = sum(t.mean(1).var(ddof=1) for t in (left, right)) / 3
    assert error**2 == pytest.approx(differences.var(ddof=1) / 60 + of_means - sum(rests) / 180)
    assert 4 <= freedom < 5


def test_equal_trainings_of_equal_systems_have_an_interval():
    paired = compare_systems(trainings(100, 100, 100), trainings(100, 100))
    assert (paired.difference, paired.p_value) == (0, 1)
    assert paired.interval == pytest.approx((-0.0275, 0.0275), abs=2e-4)


# Trainings on each side -> warning.
SAID = [
    (1, 1, ONE_TRAINING_EACH),
    (1, 3, "One side was trained once: the spread of the other side's trainings is used for both."),
    (3, 1, "One side was trained once: the spread of the other side's trainings is used for both."),
    (2, 3, "2 seeds are too few to measure the spread between seeds; use at least 3."),
    (3, 3, ""),
]


@pytest.mark.parametrize(("a", "b", "said"), SAID)
def test_few_trainings_cause_a_warning(a, b, said):
    counts = (30, 32, 31)
    paired = compare_systems(trainings(*counts[:a]), trainings(*(count + 40 for count in counts[:b])))
    assert (paired.seeds, paired.warning) == ((a, b), said)


def test_single_trainings_are_compared_over_questions():
    a, b = trainings(30)[0], trainings(50)[0]
    one, both = compare_systems([a], [b], seed=5), compare(a, b, seed=5)
    assert (one.test, one.p_value, one.interval) == (MCNEMAR, both.p_value, both.interval)


def test_the_spread_of_one_side_is_used_for_both():
    few, many = compare_systems(trainings(40), trainings(30, 50, 70)), compare_systems(trainings(40), trainings(50))
    assert few.difference == pytest.approx(many.difference)
    assert np.diff(few.interval)[0] > 4 * np.diff(many.interval)[0]


WRONG = [([[1, 0, 1]] * 2, [[1, 0]] * 2), ([[1]] * 2, [[0]] * 2), ([], []), ([[1, 0]], []), ([[1, 0], [1]], [[1, 0]])]


@pytest.mark.parametrize(("a", "b"), WRONG)
def test_systems_on_different_questions_are_not_compared(a, b):
    with pytest.raises(ValueError, match="the same questions"):
        compare_systems(runs(a), runs(b))


def test_intervals_over_three_trainings_per_side_cover_the_truth():
    # 400 simulated pairs per row: within 2.5 standard errors, 2.7 points, of 95 %, and never too narrow if trainings differ.
    for spread in (0.0, 0.04):
        coverages = coverage(Trainings(3, 3, 500, spread, spread), 400, methods=("questions", "two-level t"))
        assert 0.923 <= coverages["two-level t"][0] <= 0.99
    # Without the spread of trainings it is too narrow: `found` is for trainings 4 points apart.
    assert coverages["questions"][0] < 0.75


# R 4.3, p.adjust(method = "holm").
FAMILIES = [
    ([], []),
    ([0.04], [0.04]),
    ([0.01, 0.04, 0.03], [0.03, 0.06, 0.06]),
    ([0.04, 0.01, 0.03], [0.06, 0.03, 0.06]),
    ([0.5, 0.6, 0.9], [1.0, 1.0, 1.0]),
    ([0.001, 0.001, 1.0], [0.003, 0.003, 1.0]),
    ([0.02, 0.02], [0.04, 0.04]),
]


@pytest.mark.parametrize(("p_values", "adjusted"), FAMILIES)
def test_p_values_of_a_family_are_adjusted_by_holm(p_values, adjusted):
    assert holm(p_values) == pytest.approx(adjusted)
