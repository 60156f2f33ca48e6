"""The project's only comparator: turns answer text into a comparable value and decides whether two answers are equal.

Answers come from untrusted programs and from model text, so nothing is evaluated: `pad_ray.tasks.numbers` reads a number
with a bounded regular expression, and any other text is not comparable. `pad_ray.tasks.reading` finds the final answer of
a text. A comparison takes a few microseconds, whatever the text.

Not covered: numeral systems other than decimal, and the limits stated in `pad_ray.tasks.reading`. Gold answers have no unit,
so a program's value with a unit ("5 km") is not a number.
"""

import re
from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache

from pad_ray.schema import AnswerKind
from pad_ray.tasks.numbers import MAX_DIGITS, MAX_NUMBER_CHARACTERS, SPACE, number_text, parse_number
from pad_ray.tasks.reading import extract_final_answer
from pad_ray.tasks.stated_words import YES_NO

__all__ = [
    "agreeing",
    "canonical_answer",
    "canonical_gold",
    "equal",
    "exact_equal",
    "extract_final_answer",
    "number_text",
    "pad_rounded_equal",
    "parse_number",
]

ABSOLUTE_TOLERANCE = Fraction(1, 1000)
RELATIVE_TOLERANCE = Fraction(1, 10_000)
"""Relative to the gold answer. Two integers have no tolerance: see `equal`."""

MAX_TEXT_CHARACTERS = 2_000

_OPTION = re.compile(r"(?:option )?(?:\(([A-Za-z])\)|([A-Za-z])\)?)[.:]?", re.IGNORECASE)
_OPTION_AND_TEXT = re.compile(r"(?:[Oo]ption )?(?:\(([A-Za-z])\)[ :.]|([A-Z])(?:\)[ :.]|[.:] ))[^\n]*")
_LETTERED = re.compile(r"\([A-Za-z]\)|(?<!\w)[A-Z][).:](?!\w)")


def canonical_gold(kind: AnswerKind, gold: str) -> str:
    """The gold answer in the form used by every table: a plain number, `yes` or `no`, an option's letter, or stripped text.

    Raises ValueError if the text is not a gold answer of that kind.
    """
    canonical = canonical_answer(kind, gold)
    if canonical is None:
        raise ValueError(f"{gold[:80]!r} is not a {kind.value} answer{_limits(kind, gold)}")
    return canonical


def canonical_answer(kind: AnswerKind, answer: str) -> str | None:
    """As `canonical_gold` for any text; None if it is not an answer of that kind. The function is idempotent."""
    value = _parse(kind, answer)
    if value is None or value == "":
        return None
    return number_text(value) if isinstance(value, Fraction) else value


def equal(kind: AnswerKind, answer: str, gold: str) -> bool | None:
    """Whether an answer equals the gold answer; None if it cannot be read as an answer of that kind.

    Two integers must be identical. If one of two numbers is not an integer, it may be a rounded result, so they are equal
    within `ABSOLUTE_TOLERANCE` or `RELATIVE_TOLERANCE`; 50% is never 0.5. All other kinds are compared exactly.
    Raises ValueError if `gold` itself cannot be read.
    """
    value, target = _parse(kind, answer), _parse_gold(kind, gold)
    if value is None:
        return None
    return value == target or (
        isinstance(value, Fraction) and isinstance(target, Fraction) and _close(value, target, "e" in answer.lower())
    )


def _close(value: Fraction, target: Fraction, is_float: bool = False) -> bool:
    """Whether two different numbers count as equal. Beyond 2**53 the last digits of a float are noise."""
    a, b, c, d = value.numerator, value.denominator, target.numerator, target.denominator
    # The difference times `b * d`, and both sides of each comparison times it: integers are much faster than fractions.
    difference = abs(a * d - c * b)
    if b == d == 1:
        return is_float and abs(c) > 2**53 and difference * 2**50 <= abs(c)
    return difference * ABSOLUTE_TOLERANCE.denominator <= b * d * ABSOLUTE_TOLERANCE.numerator or (
        difference * RELATIVE_TOLERANCE.denominator <= abs(c) * b * RELATIVE_TOLERANCE.numerator
    )


def agreeing(kind: AnswerKind, answers: Sequence[str | None]) -> list[list[int]]:
    """Groups of the indices of equal answers, ordered by first index; an unreadable answer is in no group.

    The grouping does not depend on the order of the answers. Each group forms around a centre: integers come first, then the
    more frequent values, then the lower ones. A centre takes every remaining value that equals it by the rule of `equal`.
    """
    places: dict[Fraction | str, list[int]] = {}
    for place, answer in enumerate(answers):
        value = None if answer is None else _parse(kind, answer)
        if value is not None and value != "":
            places.setdefault(value, []).append(place)
    if kind is not AnswerKind.NUMBER:
        return list(places.values())
    left = {value: group for value, group in places.items() if isinstance(value, Fraction)}
    groups = []
    for centre in sorted(left, key=lambda value: (value.denominator != 1, -len(left[value]), value)):
        if centre in left:
            group = left.pop(centre)
            near = [value for value in left if _close(value, centre)]
            groups.append(sorted([*group, *(place for value in near for place in left.pop(value))]))
    return sorted(groups)


def exact_equal(kind: AnswerKind, answer: str, gold: str) -> bool | None:
    """As `equal`, without tolerance."""
    value, target = _parse(kind, answer), _parse_gold(kind, gold)
    return None if value is None else value == target


def pad_rounded_equal(kind: AnswerKind, answer: str, gold: str) -> bool | None:
    """As `equal`, but numbers are first rounded to integers (halves to even), as in PaD's evaluation (2305.13888)."""
    value, target = _parse(kind, answer), _parse_gold(kind, gold)
    if value is None:
        return None
    if isinstance(value, str) or isinstance(target, str):
        return value == target
    return round(value) == round(target)


def _parse(kind: AnswerKind, text: str) -> Fraction | str | None:
    if kind is AnswerKind.NUMBER:
        return parse_number(text)
    if len(text) > MAX_TEXT_CHARACTERS:
        return None
    stripped = text.strip(SPACE)
    if kind is AnswerKind.YES_NO:
        return YES_NO.get(stripped.lower().removesuffix(".").removesuffix("。"))
    return _option(stripped) if kind is AnswerKind.OPTION else stripped


def _option(text: str) -> str:
    """An option's letter, given alone or with the option's text; any other text is returned unchanged."""
    if letter := _OPTION.fullmatch(text):
        return (letter[1] or letter[2]).upper()
    lettered = _OPTION_AND_TEXT.fullmatch(text)
    return (lettered[1] or lettered[2]).upper() if lettered and len(_LETTERED.findall(text)) == 1 else text


@lru_cache(maxsize=65_536)
def _parse_gold(kind: AnswerKind, gold: str) -> Fraction | str:
    value = _parse(kind, gold)
    if value is None:
        raise ValueError(f"gold answer {gold[:80]!r} is not a {kind.value} answer{_limits(kind, gold)}")
    return value


def _limits(kind: AnswerKind, gold: str) -> str:
    """Which limit of length makes a gold answer unusable, or nothing."""
    if kind is AnswerKind.NUMBER and sum(map(str.isdigit, gold)) > MAX_DIGITS:
        return f": it has more than {MAX_DIGITS} digits"
    longest = MAX_NUMBER_CHARACTERS if kind is AnswerKind.NUMBER else MAX_TEXT_CHARACTERS
    return f": it has more than {longest} characters" if len(gold) > longest else ""
