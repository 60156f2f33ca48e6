import numpy as np
import pytest
from pydantic import ValidationError

from pad_ray.schema import Objective
from pad_ray.training.config import TrainingConfig
from pad_ray.training.objectives import CODES, OBJECTIVES, ObjectiveWeights, losses, token_weights, tokens_by_objective

PROGRAM, RATIONALE, REPAIR = CODES["program"], CODES["rationale"], CODES["repair"]


def counts(**tokens):
    result = np.zeros(len(OBJECTIVES), np.int64)
    for name, count in tokens.items():
        result[CODES[name]] = count
    return result


def test_the_loss_is_the_mean_over_all_target_tokens():
    weights = token_weights(counts(program=3, repair=5), ObjectiveWeights())
    assert weights[PROGRAM] == weights[REPAIR] == 1 / 8


def test_in_a_mixed_corpus_each_kind_has_its_share_whatever_its_number_of_tokens():
    weights = token_weights(counts(program=10, rationale=40), ObjectiveWeights(0.25))
    assert weights[RATIONALE] * 40 == pytest.approx(0.25)
    assert weights[PROGRAM] * 10 == pytest.approx(0.75)


@pytest.mark.parametrize(("share", "alone", "other"), [(0.0, PROGRAM, RATIONALE), (1.0, RATIONALE, PROGRAM)])
def test_lambda_0_and_1_give_the_single_losses(share, alone, other):
    weights = token_weights(counts(program=10, rationale=40), ObjectiveWeights(share))
    single = token_weights(counts(**{OBJECTIVES[alone]: (10, 40)[alone == RATIONALE]}), ObjectiveWeights())
    assert weights[alone] == single[alone]
    assert weights[other] == 0.0


EVERY = {"program": 10, "rationale": 40, "answer": 2, "decompose": 16, "solve_step": 24, "unified_socratic": 8}


def shares(weights, tokens):
    """The share of each objective in the loss."""
    return {OBJECTIVES[code].value: weights[code] * count for code, count in enumerate(tokens) if count}


@pytest.mark.parametrize("rationale", [0.0, 0.3, 0.5, 1.0])
def test_lambda_does_not_change_the_share_of_other_objectives(rationale):
    tokens = counts(**EVERY)
    plain = shares(token_weights(tokens, ObjectiveWeights()), tokens)
    mixed = shares(token_weights(tokens, ObjectiveWeights(rationale)), tokens)
    together = plain["program"] + plain["rationale"]
    assert mixed["rationale"] == pytest.approx(rationale * together)
    assert mixed["program"] == pytest.approx((1 - rationale) * together)
    assert {name: mixed[name] for name in list(EVERY)[2:]} == pytest.approx(
        {name: plain[name] for name in list(EVERY)[2:]}
    )
    assert sum(mixed.values()) == pytest.approx(1.0)


@pytest.mark.parametrize("rationale", [None, 0.5])
def test_tokens_of_other_objectives_count_by_their_weight(rationale):
    tokens = counts(program=10, rationale=10, repair=20, decompose=20)
    weighed = ObjectiveWeights(rationale, {Objective.REPAIR: 3.0, Objective.DECOMPOSE: 0.5})
    result = shares(token_weights(tokens, weighed), tokens)
    assert result == pytest.approx({"program": 10 / 90, "rationale": 10 / 90, "repair": 60 / 90, "decompose": 10 / 90})


def test_without_other_objectives_their_weights_do_not_matter():
    for program, rationale in [(10, 40), (7, 0), (0, 13), (1, 999_999), (0, 0)]:
        tokens = counts(program=program, rationale=rationale)
        mixed = token_weights(tokens, ObjectiveWeights(0.3, {Objective.REPAIR: 7.0}))
        assert mixed[RATIONALE] * rationale == 0.3 / max(1, rationale) * rationale
        assert mixed[PROGRAM] * program == (1.0 - 0.3) / max(1, program) * program
        plain = token_weights(tokens, ObjectiveWeights())
        assert (plain[RATIONALE], plain[PROGRAM]) == (1.0 / max(1, program + rationale),) * 2


@pytest.mark.parametrize("weights", [{"program": 2.0}, {"rationale": 1.0}, {"repair": 0.0}, {"essay": 1.0}])
def test_weights_of_programs_or_rationales_are_rejected(weights):
    with pytest.raises(ValidationError):
        TrainingConfig(objective_weights=weights)


def test_each_objective_has_its_own_loss():
    tokens = counts(program=10, rationale=40)
    sums = np.zeros(len(OBJECTIVES))
    sums[[PROGRAM, RATIONALE]] = 20.0, 40.0
    result = losses(sums, tokens, ObjectiveWeights(0.5))
    assert result == pytest.approx({"loss": 1.5, "loss_program": 2.0, "loss_rationale": 1.0})
    assert losses(sums[:], tokens, ObjectiveWeights())["loss"] == pytest.approx(60 / 50)


def test_tokens_are_counted_by_objective():
    result = tokens_by_objective(np.array([PROGRAM, RATIONALE, PROGRAM], np.int8), np.array([3, 4, 5]))
    assert (result[PROGRAM], result[RATIONALE], result.sum()) == (8, 4, 12)
