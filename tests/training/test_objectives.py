import numpy as np
import pytest

from pad_ray.training.objectives import CODES, OBJECTIVES, losses, token_weights, tokens_by_objective

PROGRAM, RATIONALE, REPAIR = CODES["program"], CODES["rationale"], CODES["repair"]


def counts(**tokens):
    found = np.zeros(len(OBJECTIVES), np.int64)
    for name, count in tokens.items():
        found[CODES[name]] = count
    return found


def test_the_loss_is_the_mean_over_all_target_tokens():
    weights = token_weights(counts(program=3, repair=5), None)
    assert weights[PROGRAM] == weights[REPAIR] == 1 / 8


def test_mixed_each_kind_has_its_share_however_many_tokens_it_has():
    weights = token_weights(counts(program=10, rationale=40), 0.25)
    assert weights[RATIONALE] * 40 == pytest.approx(0.25)
    assert weights[PROGRAM] * 10 == pytest.approx(0.75)


@pytest.mark.parametrize(("share", "alone", "other"), [(0.0, PROGRAM, RATIONALE), (1.0, RATIONALE, PROGRAM)])
def test_the_ends_of_the_scale_are_the_single_losses(share, alone, other):
    weights = token_weights(counts(program=10, rationale=40), share)
    single = token_weights(counts(**{OBJECTIVES[alone]: (10, 40)[alone == RATIONALE]}), None)
    assert weights[alone] == single[alone]
    assert weights[other] == 0.0


def test_losses_of_objectives_stand_beside_the_loss():
    tokens = counts(program=10, rationale=40)
    sums = np.zeros(len(OBJECTIVES))
    sums[[PROGRAM, RATIONALE]] = 20.0, 40.0
    found = losses(sums, tokens, 0.5)
    assert found == pytest.approx({"loss": 1.5, "loss_program": 2.0, "loss_rationale": 1.0})
    assert losses(sums[:], tokens, None)["loss"] == pytest.approx(60 / 50)


def test_tokens_are_counted_by_objective():
    found = tokens_by_objective(np.array([PROGRAM, RATIONALE, PROGRAM], np.int8), np.array([3, 4, 5]))
    assert (found[PROGRAM], found[RATIONALE], found.sum()) == (8, 4, 12)
