"""The result of a campaign on the test questions."""

from pad_ray.tuning.closing import undecided, verdict
from tests.evaluation.conftest import run


def solutions(right, count=40):
    """Solutions of which the first `right` are correct."""
    return run([[number < right] for number in range(count)])


def test_a_clear_gain_on_the_test_questions_beats_the_default():
    result = verdict(solutions(5), solutions(25), "007", seed=0)
    assert result.beats_default and result.p_value < 0.001
    assert result.default.correct == 5 and result.best.accuracy == 25 / 40
    assert result.difference_low < result.difference == 0.5 < result.difference_high
    assert "trial 007, beats the default" in result.sentence


def test_a_gain_that_may_be_chance_does_not_beat_the_default():
    result = verdict(solutions(20), solutions(22), "007", seed=0)
    assert not result.beats_default
    assert "does not beat the default" in result.sentence


def test_a_significant_loss_is_reported():
    result = verdict(solutions(25), solutions(5), "007", seed=0)
    assert not result.beats_default
    assert "is worse than the default" in result.sentence


def test_a_default_that_no_trial_beats_is_kept():
    result = undecided(solutions(10))
    assert not result.beats_default and result.best == result.default
    # Nothing was compared, so there is no interval, not even from 0 to 0.
    assert (result.difference_low, result.difference_high, result.p_value) == (None, None, None)
    assert "No trial beats the default" in result.sentence and "25.0%" in result.sentence
