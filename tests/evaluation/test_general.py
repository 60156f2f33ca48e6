import pytest

from pad_ray.evaluation.general import change, general_ability, macro_average
from pad_ray.evaluation.intervals import wilson
from tests.evaluation.conftest import RIGHT, WRONG, question, solution

SUBTASKS = {"bbh/navigate": 40, "bbh/snarks": 160, "bbh/hyperbaton": 100}
QUESTIONS = [question(f"{name} {n}", task=name) for name, size in SUBTASKS.items() for n in range(size)]


def solved(rights):
    """Solutions that are correct for the first `rights[sub-task]` questions of each sub-task."""
    return [
        solution(one.question_id, RIGHT if int(one.question_id.split()[1]) < rights[one.task] else WRONG)
        for one in QUESTIONS
    ]


BEFORE = solved({"bbh/navigate": 30, "bbh/snarks": 80, "bbh/hyperbaton": 25})
AFTER = solved({"bbh/navigate": 10, "bbh/snarks": 80, "bbh/hyperbaton": 24})


def test_subtasks_weigh_the_same_in_the_average():
    general = general_ability(BEFORE, QUESTIONS)
    assert {name: one.accuracy for name, one in general.subtasks.items()} == {
        "bbh/navigate": 0.75,
        "bbh/snarks": 0.5,
        "bbh/hyperbaton": 0.25,
    }
    assert (general.macro, general.questions) == (0.5, 300)
    assert general.interval[0] < 0.5 < general.interval[1]


def test_the_average_of_one_subtask_is_its_score():
    assert macro_average([(0.5, wilson(20, 40))]) == (0.5, pytest.approx(wilson(20, 40)))


def test_the_average_has_a_narrower_interval_than_its_subtasks():
    part = (0.5, wilson(20, 40))
    _, (low, high) = macro_average([part] * 4)
    assert high - low == pytest.approx((part[1][1] - part[1][0]) / 2)


def test_subtasks_all_wrong_leave_the_average_uncertain():
    macro, (low, high) = macro_average([(0.0, wilson(0, 40))] * 4)
    assert macro == low == 0 and high > 0.02


def test_training_is_compared_by_subtask_and_on_average():
    changed = change(BEFORE, AFTER, QUESTIONS)
    assert changed.difference == pytest.approx((-0.5 + 0 - 0.01) / 3)
    assert changed.interval[1] < 0 and changed.p_value < 0.001 and changed.warning == ""
    assert (changed.subtasks["bbh/navigate"].broken, changed.subtasks["bbh/snarks"].p_value) == (20, 1.0)


def test_an_unchanged_student_has_no_difference_and_a_nonzero_interval():
    changed = change(BEFORE, BEFORE, QUESTIONS)
    # Two changed questions of the smallest sub-task, each 1 / 3 / 40 of the average.
    assert (changed.difference, changed.p_value) == (0, 1.0)
    assert changed.interval == pytest.approx((-0.0231, 0.0231), abs=1e-4)
    assert "do not show that the runs differ" in changed.warning


def test_p_values_of_subtasks_are_adjusted_as_a_family():
    changed = change(BEFORE, AFTER, QUESTIONS)
    # Three tests; Benjamini and Hochberg multiply the smallest of them by three.
    smallest = changed.subtasks["bbh/navigate"].p_value
    assert changed.adjusted["bbh/navigate"] == pytest.approx(3 * smallest)


def test_solutions_of_other_questions_are_rejected():
    with pytest.raises(ValueError, match="not among those asked"):
        general_ability([*BEFORE, solution("elsewhere", RIGHT)], QUESTIONS)
    with pytest.raises(ValueError, match="no questions"):
        general_ability([], [])
