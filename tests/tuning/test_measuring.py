"""The strategy of a trial's student, and the reports of a decode trial."""

import pytest

from pad_ray.errors import InputError
from pad_ray.tuning.config import TuningConfig
from pad_ray.tuning.measuring import strategy_of


def evaluated(*strategies):
    return {"evaluation": {"strategies": list(strategies)}}


def test_a_refined_student_repairs_for_the_rounds_of_refinement(recipe_with):
    vote = {"kind": "vote", "samples": 3}
    strategy = strategy_of(recipe_with({**evaluated(vote), "refinement": {"rounds": 2}}, kind="refine"))
    assert (strategy.kind, strategy.rounds, strategy.first.samples) == ("refine", 2, 3)
    again = strategy_of(recipe_with(evaluated({"kind": "refine", "rounds": 5}), kind="refine"))
    assert (again.kind, again.rounds, again.first.kind) == ("refine", 1, "greedy")


def test_without_repairs_and_in_other_campaigns_the_first_strategy_is_used(recipe_with):
    no_repairs = {**evaluated("mixed", "greedy"), "refinement": {"rounds": 0}}
    assert strategy_of(recipe_with(no_repairs, kind="refine")).kind == "mixed"
    assert strategy_of(recipe_with(evaluated("mixed"), kind="train")).kind == "mixed"


def test_a_strategy_whose_answers_cannot_be_repaired_is_rejected(recipe_with):
    with pytest.raises(InputError, match=r"answers of mixed cannot be repaired.*refinement\.rounds to 0"):
        strategy_of(recipe_with(evaluated("mixed"), kind="refine"))


@pytest.mark.parametrize(
    ("settings", "questions", "rungs"),
    [
        ({}, 100, [50, 100]),
        ({}, 99, [99]),
        ({"first_rung": 2, "reduction": 2}, 9, [2, 4, 9]),
        ({"first_rung": 8, "reduction": 3}, 100, [11, 33, 100]),
        ({"stopping": False}, 100, [100]),
        ({"objectives": ["accuracy", "tokens_per_question"]}, 100, [100]),
    ],
)
def test_rungs_are_multiples_of_the_first_and_end_with_all_questions(settings, questions, rungs):
    assert TuningConfig(**settings).rungs(questions) == rungs
