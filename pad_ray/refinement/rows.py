"""Repair rows: a student reads a question, a wrong program and its feedback, and learns to write the correct program."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from pad_ray.errors import attempt
from pad_ray.paths import Program
from pad_ray.refinement.feedback import reveals, told
from pad_ray.refinement.inject import GOLD_IN_FEEDBACK, CorrectProgram, Variant
from pad_ray.schema import CorpusRow, Objective, Outcome, content_id

TOO_LONG = "too_long"
DUPLICATE = "duplicate"
NO_CORRECT_PROGRAM = "no_correct_program"
NOT_A_FAILURE = "not_a_failure"
# A program or feedback that crashes the making of its row.
UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class Failure:
    """A student's own wrong program for a train question, with its real outcome and feedback."""

    question_id: str
    program: str
    outcome: Outcome
    feedback: str


@dataclass
class RepairRows:
    """Rows in the order of their inputs, and the number left out by reason."""

    rows: list[CorpusRow] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def repair_source(question: str, program: str, feedback: str) -> str:
    """The prompt for a repair, in training and at inference.

    It differs from a first-pass source by the parts `Program:` and `Feedback:`, and ends with the same cue.
    """
    question_line, feedback_line = " ".join(question.split()), " ".join(told(feedback).split())
    return f"Question: {question_line}\nProgram:\n{program.strip()}\nFeedback: {feedback_line}\n{Program.cue}\n"


def injected_rows(variants: Iterable[Variant], max_source_characters: int) -> RepairRows:
    """A row for each variant whose source has at most `max_source_characters`."""
    repair = RepairRows()
    seen: set[str] = set()
    for variant in variants:
        _try_to_add(repair, seen, [variant.correct], variant.program, variant.feedback, max_source_characters)
    return repair


def on_policy_rows(
    failures: Iterable[Failure], corrects: Sequence[CorrectProgram], max_source_characters: int
) -> RepairRows:
    """A row for each of a student's real failures whose question has a correct program.

    Of several correct programs the most similar one is the target, so that the student repairs its program instead of writing
    a new one.
    """
    by_question = defaultdict(list)
    for correct in corrects:
        by_question[correct.question_id].append(correct)
    repair = RepairRows()
    seen: set[str] = set()
    for failure in failures:
        if failure.outcome is Outcome.ACCEPTED or failure.outcome.is_fault:
            repair.left_out[NOT_A_FAILURE] += 1
        elif failure.question_id not in by_question:
            repair.left_out[NO_CORRECT_PROGRAM] += 1
        else:
            corrects_of_it = by_question[failure.question_id]
            _try_to_add(repair, seen, corrects_of_it, failure.program, failure.feedback, max_source_characters)
    return repair


def _try_to_add(
    repair: RepairRows, seen: set[str], corrects: Sequence[CorrectProgram], program: str, feedback: str, longest: int
) -> None:
    """Add the row that repairs a program to the nearest correct one; a program that crashes this is counted."""
    error = attempt(lambda: _add(repair, seen, _nearest(program, corrects), program, feedback, longest), str)
    if error is not None:
        repair.left_out[UNUSABLE] += 1


def _add(
    repair: RepairRows, seen: set[str], correct: CorrectProgram, program: str, feedback: str, longest: int
) -> None:
    source = repair_source(correct.question, program, feedback)
    row_id = content_id("row", correct.question_id, Objective.REPAIR, source, correct.program)
    if reveals(feedback, correct.gold, correct.answer_kind):
        repair.left_out[GOLD_IN_FEEDBACK] += 1
    elif len(source) > longest:
        repair.left_out[TOO_LONG] += 1
    elif row_id in seen:
        repair.left_out[DUPLICATE] += 1
    else:
        seen.add(row_id)
        repair.rows.append(
            CorpusRow(row_id, correct.question_id, correct.draft_id, Objective.REPAIR, source, correct.program)
        )


def _nearest(program: str, corrects: Sequence[CorrectProgram]) -> CorrectProgram:
    """The first of the most similar programs, compared by lines."""
    if len(corrects) == 1:
        return corrects[0]
    lines = program.strip().splitlines()
    ratios = [SequenceMatcher(None, lines, one.program.strip().splitlines()).ratio() for one in corrects]
    return corrects[ratios.index(max(ratios))]
