"""Every class of error in 500 real programs: the injected variants, their outcomes, and that none is right."""

from collections import Counter

import pytest

from pad_ray.refinement import CLASSES, MUTATIONS, inject
from pad_ray.sandbox import Candidate, judge
from pad_ray.schema import Outcome

FEEDBACK = {
    Outcome.NAME_ERROR: ("NameError: ",),
    Outcome.UNBOUND_LOCAL: ("UnboundLocalError: ",),
    Outcome.SYNTAX_ERROR: ("SyntaxError: ", "IndentationError: ", "TabError: "),
    Outcome.TYPE_ERROR: ("TypeError: ",),
    Outcome.ZERO_DIVISION: ("ZeroDivisionError: ",),
    Outcome.WRONG_ANSWER: ("the program returned ",),
}
# Six in ten programs have no division.
FEWEST = {Outcome.ZERO_DIVISION: 150}


@pytest.fixture(scope="module")
def injected(sandbox, gsm_hard_500):
    """One variant of every program for each class."""
    if not gsm_hard_500:
        pytest.skip("PAD_RAY_DATA names no folder of published data sets")
    return {aim: inject(gsm_hard_500, 1, {aim: 1.0}, 0, sandbox) for aim in CLASSES}


def test_every_class_occurs_in_real_programs_with_matching_feedback(injected):
    for aim, variants in injected.items():
        hit = [one for one in variants if one.outcome is aim]
        seen = aim, Counter(one.outcome for one in variants)
        assert len(variants) >= FEWEST.get(aim, 450), seen
        # Multiplying text by a number gives longer text instead of an error.
        assert len(hit) > (0.9 if aim is Outcome.TYPE_ERROR else 0.97) * len(variants), seen
        assert all(one.feedback.startswith(FEEDBACK[aim]) for one in hit)


def test_every_mutation_is_used(injected):
    used = Counter(one.mutation for variants in injected.values() for one in variants)
    assert min(used[mutation.name] for mutation in MUTATIONS) > 50, used


def test_no_variant_returns_gold_in_a_second_run(injected, sandbox):
    variants = [one for of_class in injected.values() for one in of_class]
    candidates = [Candidate("", one.program, one.correct.gold, one.correct.answer_kind, None) for one in variants]
    outcomes = [verdict.outcome for verdict in judge(sandbox, candidates)]
    assert outcomes.count(Outcome.ACCEPTED) == 0
    assert outcomes == [one.outcome for one in variants]
