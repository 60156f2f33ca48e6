"""The mix of error classes from measured failures."""

from collections import Counter

import pytest

from pad_ray.refinement import CLASSES, mix_from, side_by_side
from pad_ray.schema import Outcome


def test_a_mix_is_the_smoothed_share_of_each_class_of_mutations():
    student = Counter({Outcome.WRONG_ANSWER: 7, Outcome.NAME_ERROR: 1, Outcome.TIMEOUT: 50, Outcome.ACCEPTED: 90})
    mix = mix_from(student, 2.0)
    assert set(mix) == set(CLASSES)
    assert mix[Outcome.WRONG_ANSWER] == pytest.approx(9 / 20)
    assert mix[Outcome.NAME_ERROR] == pytest.approx(3 / 20)
    assert mix[Outcome.ZERO_DIVISION] == pytest.approx(2 / 20)
    assert sum(mix.values()) == pytest.approx(1)


def test_outcomes_may_be_given_as_a_list():
    outcomes = [Outcome.NAME_ERROR, Outcome.NAME_ERROR, Outcome.WRONG_ANSWER]
    assert mix_from(outcomes, 0) == mix_from(Counter(outcomes), 0)


@pytest.mark.parametrize(("student", "smoothing"), [({Outcome.TIMEOUT: 3}, 0), ({Outcome.NAME_ERROR: 3}, -1)])
def test_a_mix_needs_failures_or_a_smoothing(student, smoothing):
    with pytest.raises(ValueError, match="smoothing"):
        mix_from(student, smoothing)


def test_side_by_side_shows_all_failures_and_their_distance():
    student = {Outcome.WRONG_ANSWER: 3, Outcome.TIMEOUT: 1, Outcome.ACCEPTED: 20, Outcome.SANDBOX_FAULT: 5}
    compared = side_by_side(student, [Outcome.WRONG_ANSWER, Outcome.NAME_ERROR])
    assert [(share.outcome, share.student, share.injected) for share in compared.shares] == [
        (Outcome.WRONG_ANSWER, 0.75, 0.5),
        (Outcome.TIMEOUT, 0.25, 0.0),
        (Outcome.NAME_ERROR, 0.0, 0.5),
    ]
    assert compared.total_variation == pytest.approx(0.5)
    assert (compared.student_failures, compared.injected_variants) == (4, 2)


def test_side_by_side_of_nothing_is_empty():
    assert side_by_side({}, {}).shares == ()
