"""Rationale paths (chain of thought): steps in words with annotated calculations, then a last line `#### answer`."""

import re
from collections.abc import Iterator

from pad_ray.paths.base import ParsedPath, ReasoningPath, clean_completion
from pad_ray.paths.equations import Equation, check, legible
from pad_ray.schema import FEEDBACK_CHARACTERS, AnswerKind, Outcome, PathKind, Verdict
from pad_ray.tasks.answers import canonical_gold, equal, extract_final_answer

ANSWER_MARK = "####"

_FENCE = re.compile(r"```\w{0,20}|~~~\w{0,20}")
# The characters before the mark in "**#### 13**" and "> #### 13".
_MARKED = re.compile(r"[*_`>\- ]{0,8}(?=####)")
_NUMBER = re.compile(r"[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?|\.[0-9]+")


class Rationale(ReasoningPath):
    """A path in words: its calculations are recomputed and its last line is compared (`judge_rationale`)."""

    kind = PathKind.RATIONALE
    cue = "Answer:"

    def parse(self, completion: str) -> ParsedPath:
        """The non-blank lines up to `#### answer`. Parsing fails if that line is missing or has no answer."""
        return up_to_answer(completion)


def up_to_answer(completion: str) -> ParsedPath:
    """The lines of a completion up to the first that begins with `####`; all lines if there is none.

    Thoughts, turn tokens, code fences and emphasis around the answer's line are removed.
    """
    lines = [_line(line) for line in clean_completion(completion).lstrip().split("\n")]
    end = next((number for number, line in enumerate(lines) if line.startswith(ANSWER_MARK)), None)
    path_lines = [
        line
        for line in lines[: None if end is None else end + 1]
        if line and not (line[0] in "`~" and _FENCE.fullmatch(line))
    ]
    stated = end is not None and lines[end] != ANSWER_MARK
    # A cut completion may have lost digits of the answer, so the line must be followed by a line end.
    complete = end is not None and end + 1 < len(lines)
    return ParsedPath(
        "\n".join(path_lines), complete, None if stated else f"the text has no line '{ANSWER_MARK} answer'"
    )


def _line(line: str) -> str:
    """A stripped line; an answer's line also without emphasis, quotes and the fence after it."""
    line = line.strip()
    marked = _MARKED.match(line) if ANSWER_MARK in line else None
    return line[marked.end() :].rstrip("*_`").rstrip() if marked else line


def judge_rationale(draft_id: str, text: str, gold: str, answer_kind: AnswerKind) -> Verdict:
    """Accept a rationale whose final answer is gold and whose calculations, annotated or plain, are all right.

    The answer follows `####` or "the answer is"; otherwise the last answer in the text counts, so that a student that has
    not yet learned the format is still scored. Feedback names the first wrong calculation, or the given answer; it never
    states gold. Not covered: calculations that are not understood, and the meaning of the words.

    Raises:
        ValueError: `gold` is not an answer of its kind.
    """
    answer = extract_final_answer(answer_kind, text)
    if answer is None:
        return Verdict(draft_id, Outcome.NO_ANSWER, None, "the text states no final answer", 0.0)
    same = equal(answer_kind, answer, gold)
    if same is None:
        feedback = f"the answer is {legible(answer, 100)}, which is no {answer_kind.value.replace('_', ' or ')}"
        return Verdict(draft_id, Outcome.NOT_COMPARABLE, None, feedback, 0.0)
    value = canonical_gold(answer_kind, answer)
    wrong = next((equation for equation in check(text) if equation.right is False), None)
    if wrong is not None:
        return Verdict(draft_id, Outcome.WRONG_ANSWER, value, _correction(wrong, gold, answer_kind), 0.0)
    if not same:
        return Verdict(draft_id, Outcome.WRONG_ANSWER, value, f"the answer is {legible(value, 100)}", 0.0)
    return Verdict(draft_id, Outcome.ACCEPTED, value, "", 0.0)


def _correction(wrong: Equation, gold: str, kind: AnswerKind) -> str:
    """The most detailed description of the mistake that does not reveal the answer."""
    return next(words for words in _corrections(wrong) if not _states(words, gold, kind))[:FEEDBACK_CHARACTERS]


def _corrections(wrong: Equation) -> Iterator[str]:
    yield f"step {wrong.step}: {wrong.reason}"
    yield f"step {wrong.step}: {legible(wrong.expression, 100)} is not {legible(wrong.stated, 50)}"
    yield f"step {wrong.step} calculates wrongly"
    yield "a step calculates wrongly"


def _states(words: str, gold: str, kind: AnswerKind) -> bool:
    if kind is not AnswerKind.NUMBER:
        return False
    return any(equal(kind, number, gold.lstrip("-")) for number in _NUMBER.findall(words))
