"""Plain calculations in prose: `He has 3 apples + 4 apples = 7 apples` is one, `x = 3` and `5 of 6 = most` are not.

A line is split at its equals signs. The expression that ends at an equals sign is compared with the value after it. A wrong
calculation is reported only if nothing makes its reading doubtful: a variable, a counting word (`dozen`), convertible
units, a percentage added to a number, a date, a list number.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from pad_ray.paths.arithmetic import (
    CURRENCIES,
    MAX_EXPRESSION_CHARACTERS,
    ArithmeticToken,
    NotArithmeticError,
    NoValueError,
    compute,
    normal,
    tokens,
)
from pad_ray.paths.rounding import claims
from pad_ray.paths.runs import PieceRun, runs
from pad_ray.paths.units import leads, mixes_units, reinterprets

MAX_READINGS = 8
"""Maximum number of readings of the text right of an equals sign: later signs in it may belong to the next calculation."""

_EQUALS = re.compile(r"(?<![=<>!~≈≠≤≥:])=(?![=<>~])")
_BULLET = re.compile(r"^\s*(?:[-*+•–—]|\(?[0-9]{1,2}[.)])\s+(?=\S)")
_KILO = re.compile(r"[0-9][kKmMbB]\b")
_DATE = re.compile(
    r"(?<![0-9-])(?:19|20)[0-9]{2}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])(?![0-9-])"
    r"|(?<![0-9/])[0-9]{1,2}/[0-9]{1,2}/(?:19|20)[0-9]{2}(?![0-9/])"
)
_CLOCK = re.compile(r"0[0-9]{2,}$")
# Words and signs in a line after which a number may count hundredths, thousands or more, with the factor.
_SCALES = (
    (
        re.compile(
            rf"%|[{CURRENCIES}]|\b(?:percent|cents?|pence|kopecks?|paise)\b|копе|процент|प्रतिशत|पैस|分|セント|퍼센트",
            re.IGNORECASE,
        ),
        100,
    ),
    (re.compile(r"[0-9]e3\b|thousand|[0-9][kK]\b", re.IGNORECASE), 10**3),
    (re.compile(r"[0-9]e6\b|million", re.IGNORECASE), 10**6),
    (re.compile(r"[0-9]e9\b|billion", re.IGNORECASE), 10**9),
)
_ROUNDED = re.compile(
    r"round|nearest|approx|about|almost|remain|left over|leftover|whole|floor|ceil|\.\.\.|…|\b[rR] ?[0-9]|≈|≒|~"
    r"|余|約|约|あまり|остат|округл|나머지|शेष|باق|تقريب",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Calculation:
    """One plain calculation that was understood, as written; `value` is the exact value of `expression`."""

    step: int
    expression: str
    stated: str
    value: Fraction
    right: bool


def calculations(lines: Sequence[str]) -> list[Calculation]:
    """The plain calculations in the lines that were understood, in order; `step` is the line number, from 1."""
    return [calculation for step, line in _joined(lines) for calculation in _in_line(step, line)]


def _joined(lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    """Lines with an equals sign; a line that begins with one continues the line before."""
    step, text = 1, ""
    for number, line in enumerate(lines, 1):
        if line.lstrip(" \t&").startswith("=") or text.rstrip().endswith("="):
            text += f" {line}"
        else:
            if "=" in text or "＝" in text:
                yield step, text
            step, text = number, line
    if "=" in text or "＝" in text:
        yield step, text


@dataclass(frozen=True, slots=True)
class _Side:
    """The right side of a calculation, with the hints in its line on rounding and scales."""

    run: PieceRun
    rounded: bool
    scales: tuple[int, ...]
    kilo: bool
    """The line has `4k` or `4B`: a number of thousands or billions, or a variable."""


def _in_line(step: int, line: str) -> Iterator[Calculation]:
    text = _DATE.sub("date", normal(_BULLET.sub("", line, count=1)))
    sides = [_runs(side) for side in _EQUALS.split(text)]
    scales = tuple(scale for pattern, scale in _SCALES if pattern.search(text) or pattern.search(line))
    rounded, kilo = _ROUNDED.search(line) is not None, _KILO.search(line) is not None
    for left, right in pairwise(sides):
        if left and right and left[-1].at_end and right[0].at_start:
            calculation = _compared(step, left[-1].closed_end(), _Side(right[0].closed_start(), rounded, scales, kilo))
            if calculation is not None:
                yield calculation


def _runs(side: str) -> list[PieceRun]:
    """The expressions of one side; of a long side only the start and the end are read, because only they are compared."""
    limit = MAX_EXPRESSION_CHARACTERS
    try:
        if len(side) <= 2 * limit:
            return runs(tokens(side))
        # The cut may split a number, so the pieces next to it are dropped.
        return runs([*tokens(side[:limit])[:-1], ArithmeticToken("other", "…"), *tokens(side[-limit:])[1:]])
    except NoValueError:
        return []


def _compared(step: int, left: PieceRun, right: _Side) -> Calculation | None:
    """The calculation of an expression on the left and a stated value on the right; None if it is not understood."""
    if not left.calculates or left.doubtful or right.run.doubtful:
        return None
    values = _values(left)
    readings = [right.run.pieces[:end] for end in right.run.ends()[:MAX_READINGS]]
    if not values or not readings:
        return None
    stating = next((one for one in readings if any(_same(value, one, right) for value in values)), None)
    if stating is None and _in_doubt(left, right, values[0], readings):
        return None
    return Calculation(step, left.text, PieceRun(stating or readings[0]).text, values[0], stating is not None)


def _values(left: PieceRun) -> list[Fraction]:
    """The expression's value as written, then with `14 / 1/4` as 14 / (1/4), then with 20% as 20."""
    plain = [replace(one, value=one.value * 100, percent=False) if one.percent else one for one in left.pieces]
    readings = [left.pieces, list(_tight(left.pieces)), plain]
    try:
        return [compute(pieces) for pieces in readings]
    except (NotArithmeticError, NoValueError):
        return []


def _tight(pieces: Sequence[ArithmeticToken]) -> Iterator[ArithmeticToken]:
    place = 0
    while place < len(pieces):
        three = pieces[place : place + 3]
        if (
            [one.kind for one in three] == ["number", "sign", "number"]
            and three[1].text == "/"
            and place
            and pieces[place - 1].text == "/"
        ):
            yield from (ArithmeticToken("sign", "("), *three, ArithmeticToken("sign", ")"))
            place += 3
        else:
            yield pieces[place]
            place += 1


def _same(value: Fraction, reading: Sequence[ArithmeticToken], right: _Side) -> bool:
    """Whether a reading of the right side is the value, rounded or scaled (thousands, hundredths)."""
    try:
        claim = compute(reading)
    except (NotArithmeticError, NoValueError):
        return False
    numbers = [piece.text for piece in reading if piece.kind == "number"]
    text = numbers[0] if len(numbers) == 1 else ""
    if claims(claim, text, value) or (right.rounded and abs(claim - value) < 1):
        return True
    return any(claims(claim, text, value * scale) or claims(claim * scale, "", value) for scale in right.scales)


def _in_doubt(left: PieceRun, right: _Side, value: Fraction, readings: Sequence[list[ArithmeticToken]]) -> bool:
    """Whether a seemingly wrong calculation may have another meaning."""
    stated = [*readings[0], *right.run.unit_after_first()]
    if right.kilo or leads(left.before, follows_number=left.follows_number):
        return True
    words = [*_words(left.pieces), *_words(stated)]
    if reinterprets(words) or mixes_units(left.pieces, stated):
        return True
    numbers = [piece for piece in left.pieces if piece.kind == "number"]
    if any(piece.percent for piece in numbers) and any(piece.text in ("+", "-") for piece in left.pieces):
        return True
    # 0900 is a time; "1/3 of Ann" and "5 minutes/100 metres" stand for other numbers.
    return (
        any(_CLOCK.match(piece.text) for piece in numbers)
        or any(piece.text.lower() == "of" for piece in left.pieces)
        or any(_is_rate(pair) for pair in pairwise(left.pieces))
        or _is_label_or_range(left, value, readings, right)
    )


def _words(pieces: Sequence[ArithmeticToken]) -> list[str]:
    """The words after numbers, without the article in `5 miles a day`."""
    behind = [piece for before, piece in pairwise(pieces) if piece.kind == "word" and not _is_article(before, piece)]
    return [piece.text for piece in behind]


def _is_article(before: ArithmeticToken, piece: ArithmeticToken) -> bool:
    return before.kind == "word" and piece.text == "a"


def _is_rate(pair: tuple[ArithmeticToken, ArithmeticToken]) -> bool:
    return pair[0].kind == "word" and pair[1].text == "/" and pair[1].glued


def _is_label_or_range(
    left: PieceRun, value: Fraction, readings: Sequence[list[ArithmeticToken]], right: _Side
) -> bool:
    """`Day 1 - 3 + 4 = 7` begins with a label; `pages 5-10 = 6 pages` is a range."""
    pieces = [piece for piece in left.pieces if piece.kind in ("number", "sign")]
    if pieces[0].kind != "number" or pieces[1].text != "-":
        return False
    if len(pieces) == 3:
        return pieces[2].glued and value < 0
    try:
        behind = compute(pieces[2:])
    except (NotArithmeticError, NoValueError):
        return False
    return any(_same(behind, reading, right) for reading in readings)
