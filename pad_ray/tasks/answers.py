"""The one comparator of the project: answer text -> comparable value, and whether two answers are equal.

Answers come out of untrusted programs and out of model text, so nothing is evaluated: a bounded regular expression
reads a number and anything it does not know is not comparable. A comparison costs a few microseconds whatever the text
holds.

Not covered: words for numbers ("twelve"), units ("5 km"), times ("12:30"), mixed numbers ("1 1/2") and LaTeX.
"""

import re
from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache

from pad_ray.schema import AnswerKind

ABSOLUTE_TOLERANCE = Fraction(1, 1000)
RELATIVE_TOLERANCE = Fraction(1, 10_000)
"""Relative to the gold answer."""

MAX_NUMBER_CHARACTERS = 100
MAX_DIGITS = 40
MAX_TEXT_CHARACTERS = 2_000
MAX_RATIONALE_CHARACTERS = 20_000
"""Free text is searched from its end; what lies further back than this is not looked at."""

_SPACE = " \t\r\n\f\v"
_WHOLE = r"(?:[1-9][0-9]{0,2}(?:,[0-9]{3})+|[0-9]+)"
_NUMBER = re.compile(
    r"(?:(?P<sign>[+-])?\$?|\$(?P<inner_sign>[+-]))"
    rf"(?:(?P<numerator>{_WHOLE})/(?P<denominator>[0-9]+)"
    rf"|(?:(?P<whole>{_WHOLE})(?:\.(?P<decimals>[0-9]*))?|\.(?P<only_decimals>[0-9]+))(?:[eE](?P<exponent>[+-]?[0-9]{{1,2}}))?)"
    r"%?"
)
_YES_NO = {"yes": "yes", "no": "no", "true": "yes", "false": "no"}
_OPTION = re.compile(r"\(([A-Za-z])\)|([A-Za-z])")

_MARK = re.compile(r"####|\banswer[ \t]{0,4}(?:is|:|=)[ \t]{0,4}:?", re.IGNORECASE)
_NUMBER_IN_TEXT = re.compile(
    r"(?<![\w.,/])(?<![0-9]:)[+-]?\$?[+-]?(?:[0-9][0-9,]*(?:\.[0-9]+)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2}|/[0-9]+)?%?"
    r"(?![0-9_]|[:/.,][0-9]|[eE][+-]?[0-9])"
)
_YES_NO_IN_TEXT = re.compile(r"\b(?:yes|no|true|false)\b", re.IGNORECASE)
_OPTION_IN_TEXT = re.compile(r"\([A-Za-z]\)|\b[A-Z]\b")
_BRACKETED_OPTION = re.compile(r"\([A-Za-z]\)")
_QUOTED = re.compile(r"[\"“'`]([^\"”'`\n]{1,2000})[\"”'`]")


def parse_number(text: str) -> Fraction | None:
    """The number that the whole text writes, or None.

    Takes a sign, `$`, well-formed thousands separators, decimals, `a/b`, an exponent of at most two digits and a
    trailing `%` (dropped: 50% is 50). At most `MAX_NUMBER_CHARACTERS` characters and `MAX_DIGITS` digits.
    """
    if len(text) > MAX_NUMBER_CHARACTERS:
        return None
    found = _NUMBER.fullmatch(text.strip(_SPACE))
    if found is None:
        return None
    negative = (found["sign"] or found["inner_sign"]) == "-"
    value = _fraction(found) if found["numerator"] else _decimal(found)
    return -value if negative and value is not None else value


def _fraction(found: re.Match[str]) -> Fraction | None:
    numerator, denominator = found["numerator"].replace(",", ""), found["denominator"]
    if len(numerator) + len(denominator) > MAX_DIGITS or int(denominator) == 0:
        return None
    return Fraction(int(numerator), int(denominator))


def _decimal(found: re.Match[str]) -> Fraction | None:
    whole = (found["whole"] or "").replace(",", "")
    decimals = found["only_decimals"] or found["decimals"] or ""
    if len(whole) + len(decimals) > MAX_DIGITS:
        return None
    mantissa, power = int(whole + decimals), int(found["exponent"] or 0) - len(decimals)
    return Fraction(mantissa * 10**power) if power >= 0 else Fraction(mantissa, 10**-power)


def number_text(value: Fraction) -> str:
    """The canonical text of a number: an integer, a plain decimal where it terminates, else `a/b`."""
    if value.denominator == 1:
        return str(value.numerator)
    places, scaled = 0, value
    while scaled.denominator != 1 and places < MAX_NUMBER_CHARACTERS + MAX_DIGITS:
        places, scaled = places + 1, scaled * 10
    if scaled.denominator != 1:
        return f"{value.numerator}/{value.denominator}"
    digits = str(abs(scaled.numerator)).rjust(places + 1, "0")
    return f"{'-' if value < 0 else ''}{digits[:-places]}.{digits[-places:]}"


def canonical_gold(kind: AnswerKind, gold: str) -> str:
    """The gold answer as every table holds it: a plain number, `yes` or `no`, an option's letter, or the stripped text.

    Raises ValueError where the text is not a gold answer of that kind.
    """
    canonical = canonical_answer(kind, gold)
    if canonical is None:
        raise ValueError(f"{gold[:80]!r} is not a {kind.value} answer")
    return canonical


def canonical_answer(kind: AnswerKind, answer: str) -> str | None:
    """As `canonical_gold`, of an answer that may be anything; None where it is no answer of that kind."""
    value = _parse(kind, answer)
    if value is None or value == "":
        return None
    return number_text(value) if isinstance(value, Fraction) else value


def equal(kind: AnswerKind, answer: str, gold: str) -> bool | None:
    """Whether an answer is the gold answer; None where the answer cannot be read as one of that kind.

    Numbers are equal within `ABSOLUTE_TOLERANCE` or `RELATIVE_TOLERANCE`, with no leniency for percents; all other
    kinds are equal exactly. Raises ValueError where `gold` itself cannot be read.
    """
    value, target = _parse(kind, answer), _parse_gold(kind, gold)
    if value is None:
        return None
    if isinstance(value, str) or isinstance(target, str):
        return value == target
    difference = abs(value - target)
    return difference <= ABSOLUTE_TOLERANCE or difference <= RELATIVE_TOLERANCE * abs(target)


def exact_equal(kind: AnswerKind, answer: str, gold: str) -> bool | None:
    """As `equal`, with no tolerance."""
    value, target = _parse(kind, answer), _parse_gold(kind, gold)
    return None if value is None else value == target


def pad_rounded_equal(kind: AnswerKind, answer: str, gold: str) -> bool | None:
    """As `equal`, numbers rounded to integers first (halves to even), as PaD's evaluation does (2305.13888)."""
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
    stripped = text.strip(_SPACE)
    if kind is AnswerKind.YES_NO:
        return _YES_NO.get(stripped.lower())
    if kind is AnswerKind.OPTION and (letter := _OPTION.fullmatch(stripped)):
        return (letter[1] or letter[2]).upper()
    return stripped


@lru_cache(maxsize=65_536)
def _parse_gold(kind: AnswerKind, gold: str) -> Fraction | str:
    value = _parse(kind, gold)
    if value is None:
        raise ValueError(f"gold answer {gold[:80]!r} is not a {kind.value} answer")
    return value


def extract_final_answer(kind: AnswerKind, text: str) -> str | None:
    """The final answer that free text states, as text for `equal`, or None where it states none.

    Looks after the last `####` or "the answer is"; where there is no such mark, or no answer behind it, the last number
    (yes or no, option, quoted word) of the text counts. Times, dates and version numbers are not numbers.
    """
    tail = text[-MAX_RATIONALE_CHARACTERS:]
    marks = list(_MARK.finditer(tail))
    if marks:
        answer = _first_answer(kind, tail[marks[-1].end() :].lstrip(_SPACE).partition("\n")[0])
        if answer is not None:
            return answer
    return _last_answer(kind, tail)


def _first_answer(kind: AnswerKind, line: str) -> str | None:
    if kind is AnswerKind.NUMBER:
        return next(iter(_numbers(line)), None)
    if kind is AnswerKind.YES_NO:
        return next((found[0].lower() for found in _YES_NO_IN_TEXT.finditer(line)), None)
    if kind is AnswerKind.OPTION and (option := _OPTION_IN_TEXT.search(line)):
        return option[0]
    quoted = _QUOTED.match(line)
    return (quoted[1] if quoted else line.strip(_SPACE).rstrip(".")) or None


def _last_answer(kind: AnswerKind, text: str) -> str | None:
    found: Iterable[str]
    if kind is AnswerKind.NUMBER:
        found = _numbers(text)
    elif kind is AnswerKind.YES_NO:
        found = (word[0].lower() for word in _YES_NO_IN_TEXT.finditer(text))
    elif kind is AnswerKind.OPTION:
        found = (option[0] for option in _BRACKETED_OPTION.finditer(text))
    else:
        found = (quoted[1] for quoted in _QUOTED.finditer(text))
    return next(reversed(list(found)), None)


def _numbers(text: str) -> list[str]:
    found = (number[0].rstrip(",") for number in _NUMBER_IN_TEXT.finditer(text))
    return [number for number in found if parse_number(number) is not None]
