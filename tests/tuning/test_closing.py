"""The result of a campaign on the test questions."""

from pad_ray.tuning.closing import undecided, verdict
from tests.evaluation.conftest import run


def solutions(right, count=40):
    """Solutions of which the first `right` are correct."""
    return run([[number < right] for number in range(count)])


def test_a_clear_gain_on_the_test_questions_beats_the_default():
    found = verdict(solutions(5), solutions(25), "007", seed=0)
    assert found["beats_default"] and found["p_value"] < 0.001
    assert found["default"]["correct"] == 5 and found["best"]["accuracy"] == 25 / 40
    assert found["difference_low"] < found["difference"] == 0.5 < found["difference_high"]
    assert "trial 007, beats the default" in found["sentence"]


def test_a_gain_that_may_be_chance_does_not_beat_the_default():
    found = verdict(solutions(20), solutions(22), "007", seed=0)
    assert not found["beats_default"]
    assert "does not beat the default" in found["sentence"]


def test_a_significant_loss_is_reported():
    found = verdict(solutions(25), solutions(5), "007", seed=0)
    assert not found["beats_default"]
    assert "is worse than the default" in found["sentence"]


def test_a_default_that_no_trial_beats_is_kept():
    found = undecided(solutions(10))
    assert not found["beats_default"] and found["best"] == found["default"]
    # Nothing was compared, so there is no interval, not even from 0 to 0.
    assert (found["difference_low"], found["difference_high"], found["p_value"]) == (None, None, None)
    assert "No trial beats the default" in found["sentence"] and "25.0%" in found["sentence"]
