"""Socratic paths (Socratic CoT, arXiv 2212.00193): a question is split into sub-questions, each answered by one step.

The text is that of GSM8K-Socratic: a line `sub-question ** step` for each, then `#### answer`.
"""

from dataclasses import replace

from pad_ray.paths.base import Parsed, ReasoningPath
from pad_ray.paths.rationale import ANSWER_MARK, judge_rationale, up_to_answer
from pad_ray.schema import AnswerKind, Outcome, PathKind, Verdict

SEPARATOR = " ** "


class Socratic(ReasoningPath):
    """A path whose steps each answer a sub-question; judged as a rationale (`judge_socratic`)."""

    kind = PathKind.SOCRATIC
    cue = "Steps:"

    def parse(self, completion: str) -> Parsed:
        """The lines up to `#### answer`. It fails where that line is missing or the others are no pairs."""
        parsed = up_to_answer(completion)
        try:
            pairs(parsed.text)
        except ValueError as error:
            return replace(parsed, failure=str(error))
        return parsed


def pairs(text: str) -> list[tuple[str, str]]:
    """The sub-questions and steps of a Socratic text, in order, without its last line `#### answer`.

    Raises:
        ValueError: a line is no pair, or there is none; the message says which and why.
    """
    lines = [line.strip() for line in text.split("\n")]
    found = [_pair(number, line) for number, line in enumerate(filter(None, lines), 1) if not _is_answer(line)]
    if not found:
        raise ValueError("the text has no sub-question")
    return found


def judge_socratic(draft_id: str, text: str, gold: str, answer_kind: AnswerKind) -> Verdict:
    """As `judge_rationale`; a text that is no list of pairs is `NO_ANSWER`, with the reason as feedback.

    Raises:
        ValueError: `gold` is no answer of its kind.
    """
    try:
        pairs(text)
    except ValueError as error:
        return Verdict(draft_id, Outcome.NO_ANSWER, None, str(error), 0.0)
    return judge_rationale(draft_id, text, gold, answer_kind)


def _is_answer(line: str) -> bool:
    return line.startswith(ANSWER_MARK)


def _pair(number: int, line: str) -> tuple[str, str]:
    # Lines are stripped, and two published ones end behind the separator.
    question, separator, step = (part.strip() for part in f"{line} ".partition(SEPARATOR))
    if not separator:
        raise ValueError(f"line {number} has no '{SEPARATOR}' between a sub-question and its step")
    if not question or not step:
        raise ValueError(f"line {number} has no {'step' if question else 'sub-question'}")
    return question, step
