"""Injection: variants that are really wrong, with their real feedback."""

from collections import Counter
from dataclasses import replace

import pytest

from pad_ray.refinement import CLASSES, CorrectProgram, inject, mix_from, reveals, side_by_side
from pad_ray.sandbox import Candidate, judge, normalised_program_hash
from pad_ray.schema import AnswerKind, Outcome
from pad_ray.tasks import get_task

EVEN = dict.fromkeys(CLASSES, 1 / len(CLASSES))
STUDENT = Counter(
    {Outcome.WRONG_ANSWER: 754, Outcome.NAME_ERROR: 63, Outcome.UNBOUND_LOCAL: 14, Outcome.SYNTAX_ERROR: 10}
)
RIGHT = CorrectProgram(
    "q", "d", "Ann has 16 eggs and eats 8.", "def solution():\n    a = 16\n    return a - 8\n", "8", AnswerKind.NUMBER
)


@pytest.fixture(scope="module")
def dropped():
    return Counter()


@pytest.fixture(scope="module")
def injected(sandbox, real_programs, dropped):
    return inject(real_programs[::4], 3, EVEN, 0, sandbox, dropped)


def test_nearly_every_program_has_three_variants(injected, dropped, real_programs):
    programs = len(real_programs[::4])
    assert len(injected) + dropped["no_mutation"] + dropped["given_up"] == 3 * programs
    assert len(injected) > 0.98 * 3 * programs
    assert dropped["still_right"] > 0


def test_no_variant_returns_gold(sandbox, injected):
    verdicts = judge(
        sandbox, [Candidate("", one.program, one.correct.gold, one.correct.answer_kind, None) for one in injected]
    )
    assert Outcome.ACCEPTED not in {verdict.outcome for verdict in verdicts}
    assert [verdict.outcome for verdict in verdicts] == [one.outcome for one in injected]


def test_feedback_never_contains_gold_and_on_a_wrong_value_gives_only_the_value(injected):
    for one in injected:
        assert not reveals(one.feedback, one.correct.gold, one.correct.answer_kind)
        if one.outcome is Outcome.WRONG_ANSWER:
            assert one.feedback.startswith("the program returned ")
    assert "the program returned " in {one.feedback[:21] for one in injected}


def test_every_class_occurs_and_nearly_all_variants_have_the_intended_class(injected):
    assert set(CLASSES) <= {one.outcome for one in injected}
    assert sum(one.aim is one.outcome for one in injected) > 0.95 * len(injected)


def test_variants_of_a_program_differ_in_more_than_names(injected):
    hashes = Counter((one.correct.draft_id, normalised_program_hash(one.program)) for one in injected)
    own = {(one.correct.draft_id, normalised_program_hash(one.correct.program)) for one in injected}
    assert max(hashes.values()) == 1
    assert own.isdisjoint(hashes)


def test_the_variants_of_a_program_do_not_depend_on_its_neighbours(sandbox, injected, real_programs):
    programs = real_programs[::4][10:14]
    wanted = [one for one in injected if one.correct in programs]
    assert inject(programs, 3, EVEN, 0, sandbox) == wanted
    assert inject(programs, 3, EVEN, 1, sandbox) != wanted


def test_the_classes_follow_the_mix(sandbox, arithmetic_programs):
    injected = inject(arithmetic_programs, 1, mix_from(STUDENT, 1.0), 0, sandbox)
    assert side_by_side(STUDENT, [one.outcome for one in injected]).total_variation < 0.06


def test_a_variant_that_states_gold_counts_as_right_and_is_dropped(sandbox):
    # Dropping the step of `a - 8` gives `a` or `8`; the latter is the hard-coded answer.
    injected = inject([RIGHT], 30, {Outcome.WRONG_ANSWER: 1.0}, 0, sandbox)
    programs = [one.program for one in injected]
    assert "def solution():\n    a = 16\n    return a\n" in programs
    assert "def solution():\n    a = 16\n    return 8\n" not in programs


@pytest.mark.parametrize(
    ("feedback", "gold", "kind", "found"),
    [
        ("the program returned 17", "17", AnswerKind.NUMBER, True),
        ("the program returned 17 apples", "17", AnswerKind.NUMBER, True),
        ("the program returned 17.0 apples", "17", AnswerKind.NUMBER, True),
        ("the program returned 1,234", "1234", AnswerKind.NUMBER, True),
        ("SyntaxError: invalid syntax (<solution>, line 7)", "7", AnswerKind.NUMBER, True),
        ("the program returned -17", "17", AnswerKind.NUMBER, False),
        ("the program returned 117", "17", AnswerKind.NUMBER, False),
        ("NameError: name 'x_17' is not defined", "17", AnswerKind.NUMBER, False),
        ("the program returned Yes", "yes", AnswerKind.YES_NO, True),
        ("NameError: name 'x' is not defined", "no", AnswerKind.YES_NO, False),
    ],
)
def test_reveals_finds_gold_in_feedback(feedback, gold, kind, found):
    assert reveals(feedback, gold, kind) is found


def test_a_yes_or_no_program_has_variants(sandbox):
    program = "def solution():\n    flips = 3\n    heads = flips % 2 == 0\n    return heads\n"
    right = replace(RIGHT, program=program, gold="no", answer_kind=AnswerKind.YES_NO)
    injected = inject([right], 6, EVEN, 0, sandbox)
    assert len(injected) == 6
    assert all(one.outcome is not Outcome.ACCEPTED for one in injected)


def test_a_question_without_gold_needs_its_programs_answer():
    question = replace(get_task("arithmetic").load("test", None, 1)[0], gold="")
    assert CorrectProgram.of(question, "d", "", "12").gold == "12"
    with pytest.raises(ValueError, match="has no gold answer"):
        CorrectProgram.of(question, "d", "")
