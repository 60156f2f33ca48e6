"""Calculations in free text, annotated as `<<16-3-4=9>>` (GSM8K, Cobbe et al. 2021, 2110.14168) or plain as `16 - 3 = 13`.

Each one is computed exactly and compared with the value that it states. A calculation that is not understood (a variable, a
word instead of a number) is not judged. `pad_ray.paths.arithmetic` defines what an expression may contain;
`pad_ray.paths.prose` distinguishes plain calculations from prose.

Not covered: calculations in words, and whether later steps use the stated value.
"""

import re
from dataclasses import dataclass
from fractions import Fraction

from pad_ray.paths import prose
from pad_ray.paths.arithmetic import (
    MAX_DIGITS,
    MAX_EXPRESSION_CHARACTERS,
    NotArithmeticError,
    NoValueError,
    evaluate,
    fingerprint,
)
from pad_ray.paths.rounding import EXACT_DECIMALS, ROUNDED_DECIMALS, is_value, states
from pad_ray.schema import content_id
from pad_ray.tasks.answers import number_text

MAX_TEXT_CHARACTERS = 20_000
SHOWN_CHARACTERS = 50
OPEN, CLOSE = "<<", ">>"

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Equation:
    """One calculation. `step` is the number of its line, from 1, without blank lines.

    `value` is the value of `expression`, None if it cannot be computed. `right` says whether `stated` is that value; it is
    None if the calculation is not understood. If it is False, `reason` says why, in at most 160 printable characters.
    """

    step: int
    expression: str
    stated: str
    value: Fraction | None
    right: bool | None
    reason: str | None


def check(text: str) -> list[Equation]:
    """The calculations of a text by line, annotated ones first, each compared with the value it states.

    A stated value is right if it equals the exact value, or the exact value rounded to one or more decimals with at least
    two significant digits: 3.3 for 10/3, but not 3, and not 0.7 for 2/3. Rounding to an integer is accepted only if plain
    text mentions it. A text longer than `MAX_TEXT_CHARACTERS` gives a single equation, which is wrong.
    """
    if len(text) > MAX_TEXT_CHARACTERS:
        return [Equation(1, "", "", None, False, f"the text is longer than {MAX_TEXT_CHARACTERS} characters")]
    lines = [line for line in text.split("\n") if line.strip()]
    equations = [*_annotated(lines), *_plain(lines)]
    return sorted(equations, key=lambda equation: equation.step)


def _annotated(lines: list[str]) -> list[Equation]:
    return [
        _equation(step, *opened.partition(CLOSE)[:2])
        for step, line in enumerate(lines, 1)
        for opened in line.split(OPEN)[1:]
    ]


def _plain(lines: list[str]) -> list[Equation]:
    equations = []
    for one in prose.calculations([_without_annotations(line) for line in lines]):
        reason = None if one.right else _correction(one.expression, one.stated, one.value)
        equations.append(Equation(one.step, legible(one.expression), legible(one.stated), one.value, one.right, reason))
    return equations


def _without_annotations(line: str) -> str:
    if OPEN not in line:
        return line
    first, *rest = line.split(OPEN)
    return first + "".join(
        closed if end else opened for opened, end, closed in (part.partition(CLOSE) for part in rest)
    )


def calculate(expression: str) -> str | None:
    """The result that a calculator inserts after `<<16-3-4=` during decoding: `9`. None if the expression has no value.

    The result has GSM8K's number style: no separators, no trailing zeros; exact up to four decimals, otherwise rounded to
    two, or to the fewest decimals that `check` accepts. Also None if that needs more than `MAX_DIGITS` digits.
    """
    try:
        return _style(evaluate(expression))
    except (NotArithmeticError, NoValueError):
        return None


def _style(value: Fraction) -> str | None:
    if abs(value) >= 10**MAX_DIGITS:
        return None
    if (value * 10**EXACT_DECIMALS).denominator == 1:
        return number_text(value)
    roundings = ((round(value, decimals), decimals) for decimals in range(ROUNDED_DECIMALS, MAX_DIGITS))
    return next((number_text(rounded) for rounded, decimals in roundings if is_value(rounded, decimals, value)), None)


def shape(text: str) -> str:
    """32 hex digits, equal for texts with the same annotated calculations in the same order, regardless of the words.

    A text without annotations is identified by its words, in lower case. For programs: `sandbox.normalised_program_hash`.
    """
    lines = [line for line in text.split("\n") if line.strip()] if len(text) <= MAX_TEXT_CHARACTERS else []
    equations = _annotated(lines)
    if equations:
        return content_id("equations", [[_known_by(one.expression), _known_by(one.stated)] for one in equations])
    return content_id("words", _WORD.findall(text.lower()))


def _known_by(expression: str) -> list[str]:
    try:
        return fingerprint(expression)
    except (NotArithmeticError, NoValueError):
        return [expression]


def legible(text: str, limit: int = MAX_EXPRESSION_CHARACTERS) -> str:
    """The start of a model's text for display: stripped, printable, on one line, at most `limit` characters."""
    start = text[: limit + 1].strip()
    line = "".join(character if character.isprintable() else " " for character in start)
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def _equation(step: int, inside: str, closed: str) -> Equation:
    """An annotated calculation. One without `>>` or a value is wrong, because a calculator cannot read it."""
    expression, equals, stated = inside.rpartition("=")
    if not closed or not equals:
        lack = f"<<{legible(inside, SHOWN_CHARACTERS)} has no {'=' if closed else '>>'}"
        return Equation(step, legible(inside), "", None, False, lack)
    value, right, reason = _verdict(expression, stated)
    return Equation(step, legible(expression), legible(stated), value, right, reason)


def _verdict(expression: str, stated: str) -> tuple[Fraction | None, bool | None, str | None]:
    """The value of an annotated expression, whether `stated` is right, and why not."""
    value, side = None, expression.rpartition("=")[2]
    try:
        for earlier in expression.split("=")[:-1]:
            if evaluate(earlier) != evaluate(side):
                return evaluate(earlier), False, _correction(earlier, side, evaluate(earlier))
        value, side = evaluate(side), stated
        if not side.strip():
            raise NoValueError("is not arithmetic")
        right = states(stated, value)
    except NotArithmeticError as refusal:
        empty = not side.strip()
        return value, False if empty else None, f"an empty side {refusal}" if empty else None
    except NoValueError as refusal:
        return value, False, f"{legible(side, SHOWN_CHARACTERS) or 'an empty side'} {refusal}"
    return value, right, None if right else _correction(expression, stated, value)


def _correction(expression: str, stated: str, value: Fraction) -> str:
    right = _style(value)
    known = f"is {right}, not" if right else "is not"
    return f"{legible(expression, SHOWN_CHARACTERS)} {known} {legible(stated, SHOWN_CHARACTERS)}"
