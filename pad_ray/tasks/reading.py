"""The final answer that free text states.

A mark announces it: `####`, "the answer is", "Answer:" or `\\boxed{…}`. The last mark followed by an answer wins; in a text
without a mark, the last answer counts. Nothing is evaluated, and work is bounded: only the last `MAX_RATIONALE_CHARACTERS`
characters and the last `MAX_MARKS` marks are read.

Not covered: words for numbers ("twelve"), times ("12:30"), calculations without their result ("6 + 12"), decimal commas
("3,5") and compound units ("5 feet 6 inches"); these are unreadable. A unit is ignored, because gold answers have none.
"""

import re
from dataclasses import dataclass

from pad_ray.schema import AnswerKind
from pad_ray.tasks import answer_words, stated_words
from pad_ray.tasks.notation import plain
from pad_ray.tasks.numbers import SPACE
from pad_ray.tasks.stated_numbers import AnswerStatement, last_number, prepared, stated_number

MAX_RATIONALE_CHARACTERS = 20_000
MAX_MARKS = 20
MAX_BOX_CHARACTERS = 2_000

_USUAL = re.compile(r"####[ \t]{0,4}(-?[0-9]{1,15})\s*\Z")
_MARK = re.compile(
    r"####(?![ \t]{0,4}step\b)|(?P<box>\\f?box(?:ed)?[ \t]{0,4}\{)"
    r"|\banswer(?:[ \t]{1,4}(?:to|of)[ \t][^\n.:#]{1,60}?)?[ \t]{0,4}"
    r"(?:(?:is|was|would be|should be|must be|will be|equals)\b(?![ \t]{1,4}not\b|n['’]t\b)|(?P<colon>:|=))[ \t]{0,4}:?",
    re.IGNORECASE,
)
_ANY_MARK = re.compile(rf"{_MARK.pattern}|{answer_words.marks()}", re.IGNORECASE)
_LONE_OPTION = re.compile(r"(?:option )?(?:\([A-Za-z]\)|[A-Za-z]\)?)[.:]?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class MarkedText:
    """The text after a mark. If the mark is a label, it may introduce a whole solution."""

    text: str
    is_label: bool


def extract_final_answer(kind: AnswerKind, text: str) -> str | None:
    """The final answer that free text states, as text for `equal`, or None if it states no readable answer.

    After a mark, the rest of its line is read first, then the lines below. Without a mark, or if nothing follows it, the
    last number (yes or no, option, quoted passage) of the text counts. A calculation counts by its result; "3 or 4", "±3"
    and "both (A) and (B)" are unreadable, and a negated value ("not 5") is no answer.
    """
    tail = text[-MAX_RATIONALE_CHARACTERS:]
    if kind is AnswerKind.NUMBER:
        if usual := _USUAL.search(tail[-40:]):
            return usual[1]
        tail = prepared(plain(tail))
    elif kind is AnswerKind.OPTION and _LONE_OPTION.fullmatch(tail.strip(SPACE)):
        return tail.strip(SPACE)
    else:
        tail = stated_words.unwrapped(tail)
    return _read(kind, tail)


def _read(kind: AnswerKind, text: str) -> str | None:
    marked = _marked(text)
    for mark in reversed(marked):
        if statement := _stated(kind, mark):
            return statement.answer
    if marked and any(map(str.isalnum, marked[-1].text)):
        return None
    statement = _last(kind, text)
    return statement.answer if statement else None


def _marked(text: str) -> list[MarkedText]:
    """The text after each of the last marks, up to the next mark or the end of its box."""
    pattern = _MARK if text.isascii() else _ANY_MARK
    marks = list(pattern.finditer(text))[-MAX_MARKS:]
    ends = [*(mark.start() for mark in marks), len(text)][1:]
    return [
        MarkedText(_boxed(text, mark.end()), False)
        if mark["box"]
        else MarkedText(text[mark.end() : end], bool(mark["colon"] or mark.groupdict().get("sign")))
        for mark, end in zip(marks, ends, strict=True)
    ]


def _boxed(text: str, start: int) -> str:
    """The content of the braces that opened before `start`; to the end of the line if they are never closed."""
    depth = 1
    part = text[start : start + MAX_BOX_CHARACTERS].partition("\n")[0]
    for place, character in enumerate(part):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return part[:place]
    return part


def _stated(kind: AnswerKind, mark: MarkedText) -> AnswerStatement | None:
    """The answer after a mark, or None."""
    if kind is AnswerKind.NUMBER:
        return stated_number(mark.text, mark.is_label)
    line, _, below = mark.text.lstrip(SPACE).partition("\n")
    line = line.strip(SPACE).strip("*`")
    if kind is AnswerKind.YES_NO:
        answers = stated_words.yes_no(line)
    else:
        answers = stated_words.options(line) if kind is AnswerKind.OPTION else []
        if not answers and (stated := stated_words.stated_text(line)):
            answers = [stated]
    return AnswerStatement(answers[0]) if answers else _last(kind, below)


def _last(kind: AnswerKind, text: str) -> AnswerStatement | None:
    """The last answer of a text without marks."""
    if kind is AnswerKind.NUMBER:
        return last_number(text)
    if kind is AnswerKind.YES_NO:
        answers = stated_words.yes_no(text)
    elif kind is AnswerKind.OPTION:
        answers = stated_words.options(text)
    else:
        answers = [*stated_words.quoted(text)]
    return AnswerStatement(answers[-1]) if answers else None
