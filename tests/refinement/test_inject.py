"""Injection: variants that are really wrong, with the feedback that they really gave."""

from collections import Counter
from dataclasses import replace

import pytest

from pad_ray.refinement import CLASSES, Correct, inject, mix_from, reveals, side_by_side
from pad_ray.sandbox import Candidate, judge, normalised_program_hash
from pad_ray.schema import AnswerKind, Outcome
from pad_ray.tasks import get_task

EVEN = dict.fromkeys(CLASSES, 1 / len(CLASSES))
STUDENT = Counter(
    {Outcome.WRONG_ANSWER: 754, Outcome.NAME_ERROR: 63, Outcome.UNBOUND_LOCAL: 14, Outcome.SYNTAX_ERROR: 10}
)
RIGHT = Correct(
    "q", "d", "Ann has 16 eggs and eats 8.", "def solution():\n    a = 16\n    return a - 8\n", "8", AnswerKind.NUMBER
)


@pytest.fixture(scope="module")
def dropped():
    return Counter()


@pytest.fixture(scope="module")
def made(sandbox, real_programs, dropped):
    return inject(real_programs[::4], 3, EVEN, 0, sandbox, dropped)


def test_three_variants_of_nearly_every_program(made, dropped, real_programs):
    programs = len(real_programs[::4])
    assert len(made) + dropped["no_mutation"] + dropped["given_up"] == 3 * programs
    assert len(made) > 0.98 * 3 * programs
    assert dropped["still_right"] > 0


def test_no_variant_returns_gold(sandbox, made):
    verdicts = judge(
        sandbox, [Candidate("", one.program, one.correct.gold, one.correct.answer_kind, None) for one in made]
    )
    assert Outcome.ACCEPTED not in {verdict.outcome for verdict in verdicts}
    assert [verdict.outcome for verdict in verdicts] == [one.outcome for one in made]


def test_no_feedback_holds_gold_and_of_a_wrong_value_it_is_the_value_alone(made):
    for one in made:
        assert not reveals(one.feedback, one.correct.gold, one.correct.answer_kind)
        if one.outcome is Outcome.WRONG_ANSWER:
            assert one.feedback.startswith("the program returned ")
    assert "the program returned " in {one.feedback[:21] for one in made}


def test_every_class_is_made_and_nearly_all_variants_are_of_the_class_they_aim_at(made):
    assert set(CLASSES) <= {one.outcome for one in made}
    assert sum(one.aim is one.outcome for one in made) > 0.95 * len(made)


def test_no_two_variants_of_a_program_are_the_same_up_to_names(made):
    hashes = Counter((one.correct.draft_id, normalised_program_hash(one.program)) for one in made)
    own = {(one.correct.draft_id, normalised_program_hash(one.correct.program)) for one in made}
    assert max(hashes.values()) == 1
    assert own.isdisjoint(hashes)


def test_a_program_has_the_same_variants_whatever_stands_beside_it(sandbox, made, real_programs):
    programs = real_programs[::4][10:14]
    wanted = [one for one in made if one.correct in programs]
    assert inject(programs, 3, EVEN, 0, sandbox) == wanted
    assert inject(programs, 3, EVEN, 1, sandbox) != wanted


def test_the_classes_follow_the_mix(sandbox, arithmetic_programs):
    made = inject(arithmetic_programs, 1, mix_from(STUDENT, 1.0), 0, sandbox)
    assert side_by_side(STUDENT, [one.outcome for one in made]).total_variation < 0.06


def test_a_variant_that_states_gold_is_right_and_left_out(sandbox):
    # `a - 8` without its step is `a` or `8`; the latter is the answer, hard-coded.
    made = inject([RIGHT], 30, {Outcome.WRONG_ANSWER: 1.0}, 0, sandbox)
    programs = [one.program for one in made]
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
def test_gold_is_found_in_feedback(feedback, gold, kind, found):
    assert reveals(feedback, gold, kind) is found


def test_a_yes_or_no_program(sandbox):
    program = "def solution():\n    flips = 3\n    heads = flips % 2 == 0\n    return heads\n"
    right = replace(RIGHT, program=program, gold="no", answer_kind=AnswerKind.YES_NO)
    made = inject([right], 6, EVEN, 0, sandbox)
    assert len(made) == 6
    assert all(one.outcome is not Outcome.ACCEPTED for one in made)


def test_a_question_without_gold_needs_the_answer_of_its_program():
    question = replace(get_task("arithmetic").load("test", None, 1)[0], gold="")
    assert Correct.of(question, "d", "", "12").gold == "12"
    with pytest.raises(ValueError, match="has no gold answer"):
        Correct.of(question, "d", "")
