"""Repair rows: a student reads a question, a wrong program and its feedback, and learns to write the correct one."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher

from pad_ray.errors import attempt
from pad_ray.paths import Program
from pad_ray.refinement.feedback import reveals, told
from pad_ray.refinement.inject import GOLD_IN_FEEDBACK, Correct, Variant
from pad_ray.schema import CorpusRow, Objective, Outcome, content_id

TOO_LONG = "too_long"
DUPLICATE = "duplicate"
NO_CORRECT_PROGRAM = "no_correct_program"
NOT_A_FAILURE = "not_a_failure"
# A program or feedback that breaks what makes a row of it.
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
    """Rows in the order of what they are made from, and how many were left out for which reason."""

    rows: list[CorpusRow] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)


def repair_source(question: str, program: str, feedback: str) -> str:
    """What a student reads before it writes a program anew, in training and at inference.

    It differs from the source of a first pass by the lines `Program:` and `Feedback:`, and ends with the same cue.
    """
    asked, said = " ".join(question.split()), " ".join(told(feedback).split())
    return f"Question: {asked}\nProgram:\n{program.strip()}\nFeedback: {said}\n{Program.cue}\n"


def injected_rows(variants: Iterable[Variant], max_source_characters: int) -> RepairRows:
    """A row for each variant whose source has at most `max_source_characters`."""
    made = RepairRows()
    seen: set[str] = set()
    for variant in variants:
        _try_to_add(made, seen, [variant.correct], variant.program, variant.feedback, max_source_characters)
    return made


def on_policy_rows(failures: Iterable[Failure], corrects: Sequence[Correct], max_source_characters: int) -> RepairRows:
    """A row for each of a student's real failures whose question has a correct program.

    Of several correct programs the most similar one is the target: the repair is then a repair, not a new solution.
    """
    by_question = defaultdict(list)
    for correct in corrects:
        by_question[correct.question_id].append(correct)
    made = RepairRows()
    seen: set[str] = set()
    for failure in failures:
        if failure.outcome is Outcome.ACCEPTED or failure.outcome.is_fault:
            made.left_out[NOT_A_FAILURE] += 1
        elif failure.question_id not in by_question:
            made.left_out[NO_CORRECT_PROGRAM] += 1
        else:
            corrects_of_it = by_question[failure.question_id]
            _try_to_add(made, seen, corrects_of_it, failure.program, failure.feedback, max_source_characters)
    return made


def _try_to_add(
    made: RepairRows, seen: set[str], corrects: Sequence[Correct], program: str, feedback: str, longest: int
) -> None:
    """Add the row that repairs a program to the nearest correct one; a program that breaks this is counted."""
    failed = attempt(lambda: _add(made, seen, _nearest(program, corrects), program, feedback, longest), str)
    if failed is not None:
        made.left_out[UNUSABLE] += 1


def _add(made: RepairRows, seen: set[str], correct: Correct, program: str, feedback: str, longest: int) -> None:
    source = repair_source(correct.question, program, feedback)
    row_id = content_id("row", correct.question_id, Objective.REPAIR, source, correct.program)
    if reveals(feedback, correct.gold, correct.answer_kind):
        made.left_out[GOLD_IN_FEEDBACK] += 1
    elif len(source) > longest:
        made.left_out[TOO_LONG] += 1
    elif row_id in seen:
        made.left_out[DUPLICATE] += 1
    else:
        seen.add(row_id)
        made.rows.append(
            CorpusRow(row_id, correct.question_id, correct.draft_id, Objective.REPAIR, source, correct.program)
        )


def _nearest(program: str, corrects: Sequence[Correct]) -> Correct:
    """The first of the most similar programs, compared by lines."""
    if len(corrects) == 1:
        return corrects[0]
    lines = program.strip().splitlines()
    ratios = [SequenceMatcher(None, lines, one.program.strip().splitlines()).ratio() for one in corrects]
    return corrects[ratios.index(max(ratios))]
