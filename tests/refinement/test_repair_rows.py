"""Repair rows: their sources and targets, and the failures that are left out."""

from dataclasses import replace

import pytest

from pad_ray.paths import Program
from pad_ray.refinement import (
    CorrectProgram,
    Failure,
    RefinementConfig,
    Variant,
    injected_rows,
    on_policy_rows,
    repair_source,
)
from pad_ray.schema import AnswerKind, Objective, Outcome, Question

RIGHT = "def solution():\n    a = 16\n    b = a / 2\n    return b"
WRONG = "def solution():\n    a = 16\n    b = a / 4\n    return b"
QUESTION = Question("q", "t", "train", "How many eggs\nare half?", "8", AnswerKind.NUMBER, ["Ann has 16 eggs."])
CORRECT = CorrectProgram.of(QUESTION, "draft", RIGHT)
VARIANT = Variant(
    CORRECT, WRONG, "replace_constant", Outcome.WRONG_ANSWER, Outcome.WRONG_ANSWER, "the program returned 4.0"
)
FAILURE = Failure("q", WRONG, Outcome.WRONG_ANSWER, "returned 4.0")


def test_a_row_maps_question_wrong_program_and_feedback_to_the_correct_program():
    (row,) = injected_rows([VARIANT], 2000).rows
    assert row.source == (
        f"Question: Ann has 16 eggs. How many eggs are half?\nProgram:\n{WRONG}\n"
        "Feedback: the program returned 4.0\nSolution:\n"
    )
    assert (row.target, row.draft_id, row.question_id, row.objective) == (RIGHT, "draft", "q", Objective.REPAIR)


def test_the_source_differs_from_a_first_pass_but_begins_with_the_same_question():
    first_pass = Program().source(QUESTION)
    repair = repair_source(CORRECT.question, f"\n{WRONG}\n\n", "NameError: name 'x'\nis not defined")
    assert repair.startswith(first_pass.removesuffix("Solution:\n") + "Program:\n")
    assert repair.endswith("\nFeedback: NameError: name 'x' is not defined\nSolution:\n")


def test_the_id_of_a_row_depends_on_its_content():
    other = replace(VARIANT, feedback="the program returned 5")
    first, second, again = (injected_rows([one], 2000).rows[0].row_id for one in (VARIANT, other, VARIANT))
    assert first == again != second


def test_long_and_repeated_rows_are_counted():
    repair = injected_rows([VARIANT, VARIANT, replace(VARIANT, program="#" * 2000)], 2000)
    assert (len(repair.rows), repair.left_out) == (1, {"duplicate": 1, "too_long": 1})


def test_a_students_failure_is_paired_with_the_most_similar_correct_program():
    far = replace(CORRECT, draft_id="far", program="def solution():\n    return 16 / 2")
    other = replace(CORRECT, draft_id="other", question_id="another question", program=WRONG)
    (row,) = on_policy_rows([FAILURE], [far, CORRECT, other], 2000).rows
    assert (row.draft_id, row.target) == ("draft", RIGHT)
    assert "Feedback: the program returned 4.0\n" in row.source


@pytest.mark.parametrize(
    ("failure", "reason"),
    [
        (replace(FAILURE, question_id="unsolved"), "no_correct_program"),
        (replace(FAILURE, outcome=Outcome.ACCEPTED), "not_a_failure"),
        (replace(FAILURE, outcome=Outcome.SANDBOX_FAULT), "not_a_failure"),
        (
            replace(FAILURE, feedback="returned 8, stated and not computed", outcome=Outcome.HARD_CODED),
            "gold_in_feedback",
        ),
    ],
)
def test_failures_that_teach_nothing_are_counted(failure, reason):
    repair = on_policy_rows([failure], [CORRECT], 2000)
    assert (repair.rows, repair.left_out) == ([], {reason: 1})


def test_the_config_names_an_unknown_field():
    with pytest.raises(ValueError, match="varients"):
        RefinementConfig(varients=3)
