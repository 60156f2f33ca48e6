import numpy as np
import pytest
from scipy import stats

from pad_ray.evaluation.paired import MCNEMAR, SIGN_FLIP, compare, mcnemar, sign_flip
from tests.evaluation.conftest import run

BEFORE = [1] * 10 + [0] * 30
AFTER = [1] * 8 + [0] * 2 + [1] * 18 + [0] * 12


def test_a_paired_test_counts_the_questions_that_changed():
    paired = compare(run(BEFORE), run(AFTER), seed=0)
    assert (paired.questions, paired.fixed, paired.broken, paired.difference) == (40, 18, 2, 0.4)
    assert (paired.test, paired.warning) == (MCNEMAR, "")
    assert paired.interval[0] < 0.4 < paired.interval[1]


# statsmodels 0.15 `mcnemar(exact=True)`; the first is also 2 · (1 + 20 + 190) / 2^20.
@pytest.mark.parametrize(("fixed", "broken", "p_value"), [(18, 2, 0.00040245056), (61, 40, 0.046044067), (0, 0, 1.0)])
def test_mcnemar_is_exact(fixed, broken, p_value):
    assert mcnemar(fixed, broken) == pytest.approx(p_value, rel=1e-6)


def test_with_one_answer_per_question_sign_flip_equals_mcnemar():
    few = np.array([1.0] * 9 + [-1.0] * 2 + [0.0] * 20)
    assert sign_flip(few, seed=0) == pytest.approx(mcnemar(9, 2))
    many = np.array([1.0] * 61 + [-1.0] * 40)
    assert sign_flip(many, seed=0) == pytest.approx(mcnemar(61, 40), abs=0.01)


def test_samples_of_a_question_stay_together():
    a, b = [[0] * 8] * 6 + [[1] * 8] * 4, [[1] * 8] * 6 + [[0] * 8] * 4
    paired = compare(run(a), run(b), seed=0)
    assert (paired.test, paired.questions, paired.p_value) == (SIGN_FLIP, 10, pytest.approx(mcnemar(6, 4)))
    # Treated as 80 independent answers, the same counts would look significant.
    assert mcnemar(48, 32) < 0.1 < paired.p_value


def test_sampled_runs_are_compared_by_question_means():
    random = np.random.default_rng(3)
    a, b = random.binomial(1, 0.4, (80, 4)), random.binomial(1, 0.6, (80, 4))
    paired = compare(run(a.tolist()), run(b.tolist()), seed=0)
    expected = stats.ttest_rel(b.mean(axis=1), a.mean(axis=1))
    assert paired.interval == pytest.approx(tuple(expected.confidence_interval()), abs=0.01)
    assert paired.p_value < 0.001 and expected.pvalue < 0.001


def test_a_sampled_run_compares_with_a_greedy_one():
    paired = compare(run([1, 0, 0]), run([[1, 1], [1, 0], [0, 0]]), seed=0)
    assert (paired.difference, paired.test) == (pytest.approx(1 / 6), SIGN_FLIP)


# (fixed, broken, alike) -> interval. The first is near the rule of three, 3 / 100; by hand, after Bonett and Price (2012):
# p12 = (fixed + 1) / (n + 2), p21 = (broken + 1) / (n + 2), +- 1.96 * sqrt((p12 + p21 - (p12 - p21)^2) / (n + 2)).
FEW = [
    (0, 0, 100, (-0.0272, 0.0272)),
    (0, 0, 1000, (-0.0028, 0.0028)),
    (0, 0, 1, (-0.9239, 0.9239)),
    (1, 0, 99, (-0.0234, 0.0430)),
    (0, 1, 99, (-0.0430, 0.0234)),
    (4, 0, 96, (-0.0072, 0.0857)),
    (1, 0, 0, (-0.7336, 1.0)),
    (40, 0, 0, (0.8601, 1.0)),
    (0, 40, 0, (-1.0, -0.8601)),
]


@pytest.mark.parametrize(("fixed", "broken", "alike", "interval"), FEW)
def test_few_changes_have_a_valid_interval(fixed, broken, alike, interval):
    right = [1] * alike
    paired = compare(run([0] * fixed + [1] * broken + right), run([1] * fixed + [0] * broken + right), seed=0)
    assert paired.interval == pytest.approx(interval, abs=1e-4)
    assert (paired.fixed, paired.broken) == (fixed, broken)
    # The interval contains 0 if the test is not significant.
    assert (paired.p_value >= 0.05) == (interval[0] <= 0 <= interval[1])


def test_the_interval_of_few_changes_does_not_depend_on_unchanged_questions():
    right, wrong = run([1] * 100), run([0] * 100)
    assert compare(right, right, seed=0).interval == compare(wrong, wrong, seed=0).interval


@pytest.mark.parametrize("table", [[[1, 0]] * 50, [[1, 1]] * 50])
def test_identical_sampled_runs_have_an_interval(table):
    paired = compare(run(table), run(table), seed=0)
    assert (paired.interval[0], paired.difference) == (pytest.approx(-0.0533, abs=1e-4), 0)


def test_many_changes_are_bootstrapped():
    before, after = [1] * 20 + [0] * 80, [1] * 10 + [0] * 10 + [1] * 20 + [0] * 60
    low, high = compare(run(before), run(after), seed=0).interval
    # The normal interval of 20 fixed and 10 broken of 100 is -0.7 to 20.7 points; the adjusted one would be around 9.8.
    assert (low + high) / 2 == pytest.approx(0.10, abs=0.006) and high - low == pytest.approx(0.213, abs=0.015)


def test_the_warning_uses_the_interval_and_not_power():
    paired = compare(run([1, 0] * 50), run([1, 1] + [1, 0] * 49), seed=0)
    assert paired.warning == (
        "100 questions do not show that the runs differ: the interval of the difference is -2.3 to +4.3 points, p = 1."
    )
    assert paired.detectable > paired.difference


def test_a_significant_difference_below_the_detectable_one_has_no_warning():
    # 6 of 6 changes are fixed: p = 0.03; fewer than 80 % of repetitions would find such a difference.
    paired = compare(run([0] * 6 + [1] * 194), run([1] * 200), seed=0)
    assert paired.p_value < 0.05 and paired.difference < paired.detectable
    assert "repetitions" not in paired.warning


def test_order_does_not_matter():
    assert compare(run(BEFORE), run(AFTER)[::-1], seed=0) == compare(run(BEFORE), run(AFTER), seed=0)


def test_different_questions_are_not_compared():
    with pytest.raises(ValueError, match="same questions on both sides; 1 are on one side only"):
        compare(run([1]), run([1, 0]), seed=0)
    with pytest.raises(ValueError, match="same questions"):
        compare([], [], seed=0)
