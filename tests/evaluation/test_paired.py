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


def test_with_one_answer_a_question_flipping_signs_is_mcnemar():
    few = np.array([1.0] * 9 + [-1.0] * 2 + [0.0] * 20)
    assert sign_flip(few, seed=0) == pytest.approx(mcnemar(9, 2))
    many = np.array([1.0] * 61 + [-1.0] * 40)
    assert sign_flip(many, seed=0) == pytest.approx(mcnemar(61, 40), abs=0.01)


def test_samples_of_a_question_stay_together():
    a, b = [[0] * 8] * 6 + [[1] * 8] * 4, [[1] * 8] * 6 + [[0] * 8] * 4
    paired = compare(run(a), run(b), seed=0)
    assert (paired.test, paired.questions, paired.p_value) == (SIGN_FLIP, 10, pytest.approx(mcnemar(6, 4)))
    # Taken for 80 independent answers, the same counts would look like proof.
    assert mcnemar(48, 32) < 0.1 < paired.p_value


def test_sampled_runs_compare_as_their_question_means_do():
    random = np.random.default_rng(3)
    a, b = random.binomial(1, 0.4, (80, 4)), random.binomial(1, 0.6, (80, 4))
    paired = compare(run(a.tolist()), run(b.tolist()), seed=0)
    expected = stats.ttest_rel(b.mean(axis=1), a.mean(axis=1))
    assert paired.interval == pytest.approx(tuple(expected.confidence_interval()), abs=0.01)
    assert paired.p_value < 0.001 and expected.pvalue < 0.001


def test_a_sampled_run_compares_with_a_greedy_one():
    paired = compare(run([1, 0, 0]), run([[1, 1], [1, 0], [0, 0]]), seed=0)
    assert (paired.difference, paired.test) == (pytest.approx(1 / 6), SIGN_FLIP)


def test_the_same_run_differs_in_nothing_and_proves_nothing():
    same = run([1, 0] * 50)
    paired = compare(same, same, seed=0)
    assert (paired.difference, paired.interval, paired.p_value) == (0.0, (0.0, 0.0), 1.0)
    assert "100 questions do not show that the runs differ" in paired.warning


def test_a_small_difference_on_few_questions_is_warned_about():
    paired = compare(run([1, 0] * 50), run([1, 1] + [1, 0] * 49), seed=0)
    assert "interval of the difference is +0.0 to +3.0 points, p = 1" in paired.warning
    assert "Differences below 2.8 points" in paired.warning


def test_order_does_not_matter():
    assert compare(run(BEFORE), run(AFTER)[::-1], seed=0) == compare(run(BEFORE), run(AFTER), seed=0)


def test_different_questions_are_not_compared():
    with pytest.raises(ValueError, match="same questions on both sides; 1 are on one only"):
        compare(run([1]), run([1, 0]), seed=0)
    with pytest.raises(ValueError, match="same questions"):
        compare([], [], seed=0)
