"""Annotated calculations in free text, `<<16-3-4=9>>` (GSM8K, Cobbe et al. 2021, 2110.14168): found, computed, checked.

The text is a model's, so nothing in it is executed: an expression is cut into numbers and signs, parsed to a syntax tree
of bounded size and computed exactly, with fractions. It may hold + - * / ( ), decimals, thousands separators, `$` before
a number and `%` behind one; powers, whole division, names and calls are refused with a reason.

Not covered: calculations outside of `<<…>>`, units, and whether the text goes on with the value that it stated.
"""

import ast
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

from pad_ray.schema import content_id
from pad_ray.tasks.answers import number_text

MAX_TEXT_CHARACTERS = 20_000
MAX_EXPRESSION_CHARACTERS = 200
MAX_DIGITS = 40
"""Of one number, and of a value that is shown."""
MAX_NESTING = 20
"""Brackets inside one another."""

EXACT_DECIMALS = 4
"""A calculator shows a value with no more decimals than these as it is."""
ROUNDED_DECIMALS = 2
"""A value that is rounded keeps at least these."""
ROUNDING_ERROR = Fraction(1, 100)
"""Relative to the exact value."""

SHOWN_CHARACTERS = 50

_TOKEN = re.compile(
    r"[ \t]*(?:\$?(?P<number>(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]*)?|\.[0-9]+)(?P<percent>%)?|(?P<sign>[-+*/()]))"
)
_DECIMALS = re.compile(r"[-$]{0,2}[0-9,]*\.([0-9]+)%?")
_WORD = re.compile(r"\w+")
# Signs that models write where ASCII has none for them.
_ASCII_SIGNS = str.maketrans({"×": "*", "÷": "/", "−": "-", "–": "-"})
_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
}


class _NoValueError(Exception):
    """Why an expression has no value, as words that follow it."""


@dataclass(frozen=True, slots=True)
class Equation:
    """One annotated calculation. `step` is the number of its line, from 1, blank lines not counted.

    `value` is what `expression` is worth, None where it cannot be computed. `right` says whether `stated` is that value;
    where it is not, `reason` says why, in at most 160 printable characters.
    """

    step: int
    expression: str
    stated: str
    value: Fraction | None
    right: bool
    reason: str | None


def check(text: str) -> list[Equation]:
    """The annotated calculations of a text, in order, each computed and compared with the value it states.

    A stated value is right where it equals the exact one, or where it is the exact one rounded to two or more decimals and
    at most 1 % off: a third can only be stated rounded, and 0.00 for 0.004 states nothing. A whole number is never taken
    for a rounding. The published GSM8K data need no tolerance, 27,996 of the 27,998 calculations of both splits are exact
    and the other two use whole division; models round. A text longer than `MAX_TEXT_CHARACTERS` gives one equation, which
    is not right.
    """
    if len(text) > MAX_TEXT_CHARACTERS:
        return [Equation(1, "", "", None, False, f"the text is longer than {MAX_TEXT_CHARACTERS} characters")]
    lines = [line for line in text.split("\n") if line.strip()]
    return [
        _equation(step, *opened.partition(">>")[:2])
        for step, line in enumerate(lines, 1)
        for opened in line.split("<<")[1:]
    ]


def calculate(expression: str) -> str | None:
    """What a calculator inserts after `<<16-3-4=` while a model decodes: `9`. None where the expression has no value.

    In GSM8K's number style: no separators and no needless zeros; exact up to four decimals, otherwise rounded to two, or
    to the fewest that `check` takes as right. None as well where that needs more than `MAX_DIGITS` digits.
    """
    try:
        return _style(_evaluate(expression))
    except _NoValueError:
        return None


def _style(value: Fraction) -> str | None:
    if abs(value) >= 10**MAX_DIGITS:
        return None
    if (value * 10**EXACT_DECIMALS).denominator == 1:
        return number_text(value)
    tried = ((round(value, decimals), decimals) for decimals in range(ROUNDED_DECIMALS, MAX_DIGITS))
    return next((number_text(rounded) for rounded, decimals in tried if _is_value(rounded, decimals, value)), None)


def shape(text: str) -> str:
    """32 hex digits, equal for texts with the same calculations in the same order, whatever the words around them.

    A text without calculations is known by its words, in lower case. Programs have `pad_ray.sandbox.normalised_program_hash`.
    """
    equations = check(text) if len(text) <= MAX_TEXT_CHARACTERS else []
    if equations:
        return content_id("equations", [[_normal(one.expression), _normal(one.stated)] for one in equations])
    return content_id("words", _WORD.findall(text.lower()))


def legible(text: str, limit: int = MAX_EXPRESSION_CHARACTERS) -> str:
    """The start of a model's text, fit to be shown: stripped, printable, on one line, at most `limit` characters."""
    start = text[: limit + 1].strip()
    line = "".join(character if character.isprintable() else " " for character in start)
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def _equation(step: int, inside: str, closed: str) -> Equation:
    expression, equals, stated = inside.rpartition("=")
    if not closed or not equals:
        lack = f"<<{legible(inside, SHOWN_CHARACTERS)} has no {'=' if closed else '>>'}"
        return Equation(step, legible(inside), "", None, False, lack)
    value, side = None, expression
    reason: str | None
    try:
        value, side = _evaluate(expression), stated
        reason = None if _states(stated, value) else _correction(expression, stated, value)
    except _NoValueError as refusal:
        reason = f"{legible(side, SHOWN_CHARACTERS) or 'an empty side'} {refusal}"
    return Equation(step, legible(expression), legible(stated), value, reason is None, reason)


def _correction(expression: str, stated: str, value: Fraction) -> str:
    right = _style(value)
    known = f"is {right}, not" if right else "is not"
    return f"{legible(expression, SHOWN_CHARACTERS)} {known} {legible(stated, SHOWN_CHARACTERS)}"


def _states(stated: str, value: Fraction) -> bool:
    """Whether a text states that value. 60 % may state 0.6 and, as the result of 100-40, 60."""
    claim = _evaluate(stated)
    found = _DECIMALS.fullmatch(stated.strip())
    decimals = len(found[1]) if found else 0
    if "%" not in stated:
        return _is_value(claim, decimals, value)
    return _is_value(claim, decimals + 2, value) or _is_value(100 * claim, decimals, value)


def _is_value(claim: Fraction, decimals: int, value: Fraction) -> bool:
    """Whether a number stated with so many decimals is the value, exactly or as its rounding."""
    error = abs(claim - value)
    rounded = decimals >= ROUNDED_DECIMALS and 2 * error * 10**decimals <= 1
    return error == 0 or (rounded and error <= ROUNDING_ERROR * abs(value))


def _evaluate(expression: str) -> Fraction:
    names, numbers = _tokens(expression)
    try:
        tree = ast.parse(names, mode="eval")
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise _NoValueError("is not arithmetic") from error
    return _compute(tree.body, numbers)


def _tokens(expression: str) -> tuple[str, dict[str, Fraction]]:
    """The expression with names in place of its numbers, and the numbers.

    Python's parser then reads nothing but names and signs: decimals stay exact, and none of its own ways to write a number
    (`0x10`, `1_000`, `1e9`, `2j`) is taken.
    """
    if len(expression) > MAX_EXPRESSION_CHARACTERS:
        raise _NoValueError(f"is longer than {MAX_EXPRESSION_CHARACTERS} characters")
    text = expression.translate(_ASCII_SIGNS).rstrip()
    parts: list[str] = []
    numbers: dict[str, Fraction] = {}
    place = depth = 0
    while place < len(text):
        found = _TOKEN.match(text, place)
        if found is None:
            raise _NoValueError("is not arithmetic")
        place = found.end()
        depth += {"(": 1, ")": -1}.get(found["sign"], 0)
        if depth > MAX_NESTING:
            raise _NoValueError(f"has more than {MAX_NESTING} brackets inside one another")
        parts.append(found["sign"] or f"n{len(numbers)}")
        if found["number"]:
            numbers[parts[-1]] = _number(found)
    return " ".join(parts), numbers


def _number(found: re.Match[str]) -> Fraction:
    digits = found["number"].replace(",", "")
    if len(digits) > MAX_DIGITS:
        raise _NoValueError(f"has a number of more than {MAX_DIGITS} digits")
    value = Fraction(digits.rstrip("."))
    return value / 100 if found["percent"] else value


def _compute(node: ast.expr, numbers: dict[str, Fraction]) -> Fraction:
    if isinstance(node, ast.Name):
        return numbers[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _compute(node.operand, numbers)
        return -value if isinstance(node.op, ast.USub) else value
    if not isinstance(node, ast.BinOp) or type(node.op) not in _OPERATORS:
        raise _NoValueError("is not arithmetic")
    left, right = _compute(node.left, numbers), _compute(node.right, numbers)
    if isinstance(node.op, ast.Div) and right == 0:
        raise _NoValueError("divides by zero")
    return _OPERATORS[type(node.op)](left, right)


def _normal(expression: str) -> list[str]:
    """What an expression is known by: the same for `1,200 * 5%` and `1200*.05`."""
    try:
        names, numbers = _tokens(expression)
    except _NoValueError:
        return [expression]
    return [names, *map(number_text, numbers.values())]
