import numpy as np
import pytest
from scipy import stats

from pad_ray.evaluation.seeds import mean_squares, pool
from tests.evaluation.conftest import run

TABLE = [[1, 0, 1, 1, 0, 1, 0, 0], [1, 0, 1, 0, 0, 1, 0, 1], [1, 0, 1, 1, 1, 1, 0, 1]]


def runs(table):
    return [run(list(row)) for row in table]


def test_mean_squares_match_an_analysis_of_variance():
    spread = mean_squares(np.array(TABLE, dtype=float))
    # statsmodels 0.15 `anova_lm` of y ~ C(seed) + C(question).
    result = (spread.between_seeds, spread.between_questions, spread.rest)
    assert result == pytest.approx((0.166667, 0.547619, 0.119048), abs=1e-6)


def test_pooled_seeds_separate_their_sources_of_spread():
    pooled = pool(runs(TABLE))
    assert pooled.by_seed == (0.5, 0.5, 0.75)
    assert pooled.accuracy == pytest.approx(14 / 24)
    assert pooled.seed_deviation**2 == pytest.approx((0.166667 - 0.119048) / 8, abs=1e-6)
    assert pooled.question_deviation**2 == pytest.approx((0.547619 - 0.119048) / 3, abs=1e-6)
    assert pooled.standard_error**2 == pytest.approx((0.166667 + 0.547619 - 0.119048) / 24, abs=1e-6)


def test_without_a_seed_effect_only_the_spread_of_questions_remains():
    random = np.random.default_rng(0)
    table = np.tile(random.binomial(1, 0.5, 100), (3, 1))
    pooled, means = pool(runs(table.tolist())), table[0]
    assert pooled.seed_deviation == 0
    assert pooled.interval == pytest.approx(tuple(stats.ttest_1samp(means, 0).confidence_interval()))


def test_seeds_that_differ_widen_the_interval():
    alike = [[1] * 50 + [0] * 50] * 3
    differ = [[1] * 20 + [0] * 80, [1] * 50 + [0] * 50, [1] * 80 + [0] * 20]
    narrow, wide = pool(runs(alike)), pool(runs(differ))
    assert wide.seed_deviation == pytest.approx(0.3, abs=0.01)
    assert np.diff(wide.interval)[0] > 3 * np.diff(narrow.interval)[0]
    assert 2 <= wide.degrees_of_freedom < 3 < narrow.degrees_of_freedom


def test_identical_answers_have_an_interval():
    low, high = pool(runs([[1] * 20] * 3)).interval
    assert low == pytest.approx(0.8389, abs=1e-4) and high == 1.0


def test_two_seeds_cause_a_warning():
    assert "2 seeds are too few" in pool(runs(TABLE[:2])).warning


@pytest.mark.parametrize("given", [[], TABLE[:1], [TABLE[0], TABLE[1][:4]], [[1], [0]]])
def test_runs_that_cannot_be_pooled_are_rejected(given):
    with pytest.raises(ValueError, match=r"give at least two|the same questions, at least two"):
        pool(runs(given))
