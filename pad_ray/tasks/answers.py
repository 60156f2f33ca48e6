"""The one comparator of the project: answer text -> comparable value, and whether two answers are equal.

Answers come out of untrusted programs and out of model text, so nothing is evaluated: a bounded regular expression
reads a number and anything it does not know is not comparable. A comparison costs a few microseconds whatever the text
holds.

Not covered: words for numbers ("twelve"), times ("12:30"), calculations without their result ("6 + 12"), decimal commas
("3,5"), numeral systems other than the decimal one, and LaTeX beyond what `pad_ray.tasks.notation` names. Gold answers have
no unit, so a unit in free text is passed over and a unit in a program's value ("5 km") makes it no number.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from functools import lru_cache

from pad_ray.schema import AnswerKind
from pad_ray.tasks.notation import plain

ABSOLUTE_TOLERANCE = Fraction(1, 1000)
RELATIVE_TOLERANCE = Fraction(1, 10_000)
"""Relative to the gold answer."""

MAX_NUMBER_CHARACTERS = 100
MAX_DIGITS = 40
MAX_TEXT_CHARACTERS = 2_000
MAX_RATIONALE_CHARACTERS = 20_000
"""Free text is searched from its end; what lies further back than this is not looked at."""
MAX_STATED = 20
"""Likewise, the last so many places where a text announces its answer."""

_SPACE = " \t\r\n\f\v"
_WHOLE = r"(?:[1-9][0-9]{0,2}(?:,[0-9]{3})+|[1-9][0-9]{0,2}(?: [0-9]{3})+|[0-9]+)"
_NUMBER = re.compile(
    r"(?:(?P<sign>[+-])? ?(?:\$ ?)?|\$(?P<inner_sign>[+-]))"
    rf"(?:(?:(?P<units>[0-9]+) {{1,3}})?(?P<numerator>{_WHOLE})/(?P<denominator>[0-9]+)"
    rf"|(?:(?P<whole>{_WHOLE})(?:\.(?P<decimals>[0-9]*))?|\.(?P<only_decimals>[0-9]+))(?:[eE](?P<exponent>[+-]?[0-9]{{1,2}}))?)"
    r" ?[%$]?"
)
_YES_NO = {"yes": "yes", "no": "no", "true": "yes", "false": "no"}
_OPPOSITE = {"yes": "no", "no": "yes"}
_OPTION = re.compile(r"(?:option )?(?:\(([A-Za-z])\)|([A-Za-z])\)?)[.:]?", re.IGNORECASE)
_OPTION_AND_TEXT = re.compile(r"\(([A-Za-z])\)[ :.][^\n]*")

_MARK = re.compile(
    r"####(?![ \t]{0,4}step\b)|\banswer[ \t]{0,4}(?:is(?![ \t]{1,4}not\b)|:|=)[ \t]{0,4}:?", re.IGNORECASE
)
_NUMBER_IN_TEXT = re.compile(
    r"(?<![\w.,/^±≤≥])(?<![0-9]:)[+-]?\$?[+-]?(?:[0-9][0-9,]*(?:\.[0-9]+)?|\.[0-9]+)"
    r"(?:[eE][+-]?[0-9]{1,2}| [1-9][0-9]{0,9}/[0-9]{1,10}|/[0-9]+)?(?: ?%)?"
    r"(?![0-9_^⁰¹²³⁴-⁹]|\*\*[0-9]|[:/.,][0-9]|[eE][+-]?[0-9])"
)
_DATE = re.compile(r"(?<![0-9-])[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9-])")
_OPERATOR = re.compile(r" {0,3}(?:[-+*/×÷x] {0,3}[-+$(]{0,2}[0-9.]|[A-Za-z]{1,20} {0,3}[+*×÷] {0,3}[$(]{0,2}[0-9.])")
# "no one", "no longer": here "no" is not an answer, unlike in "no it does not".
_NO_AND_WORD = r"(?<!\bno)|(?![ \t]{1,4}(?!(?:it|he|she|they|we|you|i|the|this|that|there|because|since|as)\b)[a-z])"
_YES_NO_IN_TEXT = re.compile(rf"\b(not[ \t]{{1,4}})?(yes|no|true|false)\b(?:{_NO_AND_WORD})", re.IGNORECASE)
_OPTION_IN_TEXT = re.compile(r"\([A-Za-z]\)|\b[A-Z]\b")
_BRACKETED_OPTION = re.compile(r"\([A-Za-z]\)")
_QUOTED = re.compile(r"[\"“'`]([^\"”'`\n]{1,2000})[\"”'`]")


def parse_number(text: str) -> Fraction | None:
    """The number that the whole text writes, or None.

    Takes a sign, `$`, well-formed thousands separators, decimals, `a/b`, `1 1/2`, an exponent of at most two digits, a
    trailing `%` (dropped: 50% is 50), and what `pad_ray.tasks.notation` turns into one of these. At most
    `MAX_NUMBER_CHARACTERS` characters and `MAX_DIGITS` digits.
    """
    if len(text) > MAX_NUMBER_CHARACTERS:
        return None
    found = _NUMBER.fullmatch(text.strip(_SPACE)) or _NUMBER.fullmatch(plain(text).strip(_SPACE))
    if found is None:
        return None
    negative = (found["sign"] or found["inner_sign"]) == "-"
    value = _fraction(found) if found["numerator"] else _decimal(found)
    return -value if negative and value is not None else value


def _fraction(found: re.Match[str]) -> Fraction | None:
    numerator, denominator, units = _digits(found["numerator"]), found["denominator"], found["units"] or ""
    if len(units) + len(numerator) + len(denominator) > MAX_DIGITS or int(denominator) == 0:
        return None
    part = Fraction(int(numerator), int(denominator))
    if not units:
        return part
    return int(units) + part if 0 < part < 1 else None


def _digits(whole: str) -> str:
    return whole.replace(",", "").replace(" ", "")


def _decimal(found: re.Match[str]) -> Fraction | None:
    whole = _digits(found["whole"] or "")
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


def agreeing(kind: AnswerKind, answers: Sequence[str | None]) -> list[list[int]]:
    """The places of answers that equal the first of them, groups in the order of their first; None agrees with nothing."""
    groups: list[tuple[str, list[int]]] = []
    for place, answer in enumerate(answers):
        if answer is not None:
            same = next((places for first, places in groups if equal(kind, answer, first)), None)
            if same is None:
                groups.append((answer, [place]))
            else:
                same.append(place)
    return [places for _, places in groups]


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
        return _YES_NO.get(stripped.lower().removesuffix("."))
    return _option(stripped) if kind is AnswerKind.OPTION else stripped


def _option(text: str) -> str:
    """An option's letter, from its letter or from its letter in brackets and its text; else the text as it is."""
    if letter := _OPTION.fullmatch(text):
        return (letter[1] or letter[2]).upper()
    lettered = _OPTION_AND_TEXT.fullmatch(text)
    return lettered[1].upper() if lettered and len(_BRACKETED_OPTION.findall(text)) == 1 else text


@lru_cache(maxsize=65_536)
def _parse_gold(kind: AnswerKind, gold: str) -> Fraction | str:
    value = _parse(kind, gold)
    if value is None:
        raise ValueError(f"gold answer {gold[:80]!r} is not a {kind.value} answer")
    return value


def extract_final_answer(kind: AnswerKind, text: str) -> str | None:
    """The final answer that free text states, as text for `equal`, or None where it states none.

    Looks behind the last `####` or "the answer is" that an answer follows: on its line, then below. Where there is no such
    mark, or nothing behind it, the last number (yes or no, option, quoted word) of the text counts. Behind a mark, a
    calculation counts by its result. Times, dates and version numbers are not numbers, and "not 5" answers nothing.
    """
    tail = text[-MAX_RATIONALE_CHARACTERS:]
    if kind is AnswerKind.NUMBER:
        tail = _DATE.sub(" ", plain(tail))
    if kind is AnswerKind.OPTION and _OPTION.fullmatch(tail.strip(_SPACE)):
        return tail.strip(_SPACE)
    stated = _MARK.split(tail)[1:][-MAX_STATED:]
    answers = (_first_answer(kind, part) for part in reversed(stated))
    answer = next((answer for answer in answers if answer is not None), None)
    if answer is not None or (stated and any(map(str.isalnum, stated[-1]))):
        return answer
    return _last_answer(kind, tail)


def _first_answer(kind: AnswerKind, part: str) -> str | None:
    """The answer on the first line of what stands behind a mark, else the last one below that line."""
    line, _, below = part.lstrip(_SPACE).partition("\n")
    line = line.strip(_SPACE).strip("*`")
    found: str | None
    if kind is AnswerKind.NUMBER:
        found = _stated_number(line.rstrip("."))
    elif kind is AnswerKind.YES_NO:
        found = next(_yes_no(line), None)
    elif kind is AnswerKind.OPTION and (option := _OPTION_IN_TEXT.search(line)):
        found = option[0]
    else:
        quoted = _QUOTED.match(line)
        found = (quoted[1] if quoted else line.removesuffix(".").strip("*`")) or None
    return found or _last_answer(kind, below)


def _last_answer(kind: AnswerKind, text: str) -> str | None:
    found: Iterable[str]
    if kind is AnswerKind.NUMBER:
        return _last_number(text)
    if kind is AnswerKind.YES_NO:
        found = _yes_no(text)
    elif kind is AnswerKind.OPTION:
        found = (option[0] for option in _BRACKETED_OPTION.finditer(text))
    else:
        found = (quoted[1] for quoted in _QUOTED.finditer(text))
    return next(reversed(list(found)), None)


def _yes_no(text: str) -> Iterator[str]:
    """Every yes or no of a text; "not true" is no."""
    for found in _YES_NO_IN_TEXT.finditer(text):
        answer = _YES_NO[found[2].lower()]
        yield _OPPOSITE[answer] if found[1] else answer


def _stated_number(line: str) -> str | None:
    """The number that a line is or begins to speak of; of a calculation, what stands behind its `=`."""
    if parse_number(line) is not None:
        return line
    calculation: int | None = None
    for number, end in _numbers(line):
        if _OPERATOR.match(line, end):
            calculation = end
        elif calculation is None or line.find("=", calculation, end - len(number)) != -1:
            return number
    return None


def _last_number(text: str) -> str | None:
    """The last number of a text; None where it belongs to a calculation or range that is left open."""
    before: tuple[str, int] | None = None
    last: tuple[str, int] | None = None
    for found in _numbers(text):
        before, last = last, found
    if last is None:
        return None
    operator = before and _OPERATOR.match(text, before[1])
    return None if operator and operator.end() > last[1] - len(last[0]) else last[0]


def _numbers(text: str) -> Iterator[tuple[str, int]]:
    """Every number of a text and where it ends."""
    for found in _NUMBER_IN_TEXT.finditer(text):
        number = found[0].rstrip(",")
        if parse_number(number) is not None:
            yield number, found.start() + len(number)
