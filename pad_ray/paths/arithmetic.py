"""Reads arithmetic as people and models write it, into exact fractions.

The text comes from a model, so it is never executed: it is split into numbers, signs and words, parsed into a syntax tree of
bounded size and computed with fractions. Signs are + - * / ( ), integer division `//`, powers `^` and `**`, typographic
signs (`×`, `·`, `÷`), `x` between two numbers, and a factor before a bracket (`2(3+4)`). A number may have thousands
separators, decimals, a currency sign, `%` and a unit in words after it.
"""

import ast
import operator
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

from pad_ray.tasks.notation import plain

MAX_EXPRESSION_CHARACTERS = 200
MAX_DIGITS = 40
"""Maximum for one number, and for a value in a message."""
MAX_NESTING = 20
"""Maximum depth of brackets."""
MAX_EXPONENT = 64
MAX_POWER_BITS = 1_000
"""Maximum for the numerator and the denominator of a power."""

CURRENCIES = "$€£¥₹₽₩₪₫฿"

# Combining marks above and below the letters of some scripts.
_MARKS = (
    r"\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670\u0900-\u0903\u093a-\u094f\u0951-\u0957\u0962\u0963"
    r"\u0981-\u0dff\u0e31-\u0e4e"
)
_LETTERS = rf"(?:[^\W\d_]|[{_MARKS}])"
_TOKEN = re.compile(
    rf"(?P<space>[ \t]+)|(?P<money>[{CURRENCIES}])"
    r"|(?P<mixed>[0-9]{1,9} [0-9]{1,9}/[0-9]{1,9})(?![.,:/]?[0-9])"
    r"|(?P<number>(?:[0-9]{1,3}(?:,[0-9]{2,3})*,[0-9]{3}|[0-9]+)(?:\.[0-9]+|\.(?![0-9.(]))?(?:[eE][+-]?[0-9]{1,2}(?![0-9]))?"
    r"|\.[0-9]+)(?![.,:]?[0-9]|\.\(|_)(?P<percent> ?%)?"
    r"|(?P<sign>//|\*\*|[-+*/^()])"
    # `3x-5` has a variable, `3 x -5` has none.
    r"|(?P<times>[xXхХ](?=[ \t]*[$€£¥₹₽₩(.0-9])|(?<= )[xXхХ](?= -[0-9]))"
    # Not numbers: letters followed by digits (a name), and digits with `:` or odd separators, as in a time or decimal comma.
    r"|(?P<other>[A-Za-z]+[0-9_]\w*|[0-9][0-9.,:]*)"
    rf"|(?P<word>[^\W\d_]{_LETTERS}*(?:['’/-][^\W\d_]{_LETTERS}*)*)|(?P<rest>.)",
    re.DOTALL,
)
_SIGNS = str.maketrans(
    dict.fromkeys("×·⋅∙∗＊✕✖", "*")
    | dict.fromkeys("÷", "/")
    | {"（": "(", "）": ")", "［": "[", "］": "]", "＝": "=", "＾": "^"}
)
_LATEX = (
    (re.compile(r"\\(?:times|cdot|ast)(?![a-zA-Z])"), "*"),
    (re.compile(r"\\div(?![a-zA-Z])"), "/"),
    (re.compile(r"(?<![0-9.,])([0-9]{1,9}) ?\\[dct]?frac ?\{([0-9]{1,9})\} ?\{([0-9]{1,9})\}"), r"\1 \2/\3"),
    (re.compile(r"\\[dct]?frac ?\{([^{}\n]{1,40})\} ?\{([^{}\n]{1,40})\}"), r"((\1)/(\2))"),
    (re.compile(r"\\(?:text|mathrm|textbf)\{([^{}\n]{0,40})\}"), r"\1"),
    (re.compile(r"\\f?box(?:ed)? ?\{([^{}\n]{1,40})\}"), r"\1"),
    (re.compile(r"\\(?:left|right)(?=[()])|\\[,;! ]|&(?==)"), ""),
    (re.compile(r"\\(?=[$%€£])"), ""),
)
_VULGAR = re.compile(r"([0-9]*)([¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞])")
_SUPERSCRIPT = re.compile("(?<=[0-9)])([⁻]?[⁰¹²³⁴-⁹]{1,3})|[⁻⁰¹²³⁴-⁹]")
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")
_NAMED_SIGNS = (
    (re.compile(r"\b(?:times|multiplied by) (?=[-$(.0-9])", re.IGNORECASE), "* "),
    (re.compile(r"\bplus (?=[-$(.0-9])", re.IGNORECASE), "+ "),
    (re.compile(r"\bdivided by (?=[-$(.0-9])", re.IGNORECASE), "/ "),
    (re.compile(r"(%|\b[0-9]{1,9}/[0-9]{1,9}\)?) of (?=[-$(.0-9])", re.IGNORECASE), r"\1 * "),
)
_MIXED = re.compile(r"\b([0-9]{1,9}) (?:and|&) \$?\(?([0-9]{1,9}/[0-9]{1,9})\b\)?")
# A comment in brackets, such as "5 (apples)".
_COMMENT = re.compile(r"(?<=[\w%]) \([^()\[\]0-9=+*/<>]{1,40}\)")
_EMPHASIS = re.compile(r"(?P<power>(?<=[0-9)])( ?)\*\*\2(?=[-0-9(]))|\*\*+|__+")

_OPERATORS: dict[type[ast.operator], Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: lambda left, right: Fraction(left // right),
}
_MULTIPLY = "*"


class NotArithmeticError(Exception):
    """The text is not arithmetic that this module reads; the message completes a sentence that begins with the text."""


class NoValueError(Exception):
    """The arithmetic has no value, or exceeds the limits; the message completes a sentence that begins with the text."""


@dataclass(frozen=True, slots=True)
class ArithmeticToken:
    """A piece of an expression. `glued`: no space separates it from the piece before."""

    kind: Literal["number", "sign", "word", "money", "other"]
    text: str
    value: Fraction = Fraction(0)
    percent: bool = False
    glued: bool = False


def normal(text: str) -> str:
    """A text with every number and sign in plain form, as `tokens` reads them, in linear time."""
    for pattern, replacement in _LATEX if "\\" in text or "&" in text else ():
        text = pattern.sub(replacement, text)
    if not text.isascii():
        text = _VULGAR.sub(_bracketed, text.translate(_SIGNS))
        text = _SUPERSCRIPT.sub(lambda match: f"^{match[1].translate(_SUPERSCRIPTS)}" if match[1] else "", text)
    text = _EMPHASIS.sub(lambda match: "^" if match["power"] else "", plain(text))
    for pattern, replacement in _NAMED_SIGNS:
        text = pattern.sub(replacement, text)
    text = _MIXED.sub(r"\1 \2", text)
    return _COMMENT.sub(" ", text).replace("[", "(").replace("]", ")")


def _bracketed(match: re.Match[str]) -> str:
    part = plain(match[2])
    return f"({match[1]}+{part})" if match[1] else f"({part})"


def tokens(text: str) -> list[ArithmeticToken]:
    """The pieces of a text that has passed through `normal`, in order.

    Raises:
        NoValueError: a number has more than `MAX_DIGITS` digits.
    """
    pieces: list[ArithmeticToken] = []
    glued = False
    for match in _TOKEN.finditer(text):
        if match["space"] is None:
            pieces.append(_token(match, glued=glued))
        glued = match["space"] is None
    return pieces


def _token(match: re.Match[str], *, glued: bool) -> ArithmeticToken:
    text = match[0]
    if match["number"] or match["mixed"]:
        return ArithmeticToken("number", text, _number(match), percent=bool(match["percent"]), glued=glued)
    if match["sign"] or match["times"]:
        return ArithmeticToken("sign", _MULTIPLY if match["times"] else text.replace("^", "**"), glued=glued)
    if match["money"]:
        return ArithmeticToken("money", text, glued=glued)
    return ArithmeticToken("word" if match["word"] else "other", text, glued=glued)


def _number(match: re.Match[str]) -> Fraction:
    digits = (match["number"] or match["mixed"]).replace(",", "").rstrip(".")
    if len(digits) > MAX_DIGITS:
        raise NoValueError(f"has a number of more than {MAX_DIGITS} digits")
    if match["mixed"]:
        whole, part = digits.split(" ")
        if part.rstrip("0").endswith("/"):
            raise NoValueError("divides by zero")
        return int(whole) + Fraction(part)
    value = Fraction(digits)
    return value / 100 if match["percent"] else value


def evaluate(expression: str) -> Fraction:
    """The exact value of an expression.

    Raises:
        NotArithmeticError: it is not arithmetic.
        NoValueError: it has no value, or is longer, deeper or larger than the limits.
    """
    return compute(_pieces(expression))


def fingerprint(expression: str) -> list[str]:
    """An identifier of an expression that ignores spelling: `1,200 * 5%` and `1200*.05` have the same.

    Raises as `evaluate` does.
    """
    names, numbers = _named(_pieces(expression))
    return [names, *(str(number) for number in numbers.values())]


def _pieces(expression: str) -> list[ArithmeticToken]:
    if len(expression) > MAX_EXPRESSION_CHARACTERS:
        raise NoValueError(f"is longer than {MAX_EXPRESSION_CHARACTERS} characters")
    return tokens(normal(expression).strip())


def compute(pieces: Sequence[ArithmeticToken]) -> Fraction:
    """The exact value of the pieces of an expression; raises as `evaluate` does."""
    names, numbers = _named(pieces)
    try:
        tree = ast.parse(names, mode="eval")
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise NotArithmeticError("is not arithmetic") from error
    return _compute(tree.body, numbers)


def _named(pieces: Sequence[ArithmeticToken]) -> tuple[str, dict[str, Fraction]]:
    """The expression with its numbers replaced by names, and the numbers by name.

    Python's parser then reads only names and signs: decimals stay exact, and Python's own number syntax (`1_000`, `2j`) is
    not accepted.
    """
    parts: list[str] = []
    numbers: dict[str, Fraction] = {}
    depth, operand = 0, False
    for piece in pieces:
        if piece.kind == "other" or (piece.kind == "word" and not operand):
            raise NotArithmeticError("is not arithmetic")
        if piece.kind in ("word", "money"):
            continue
        if operand and piece.text == "(":
            parts.append(_MULTIPLY)
        depth += {"(": 1, ")": -1}.get(piece.text, 0)
        if depth > MAX_NESTING:
            raise NoValueError(f"has more than {MAX_NESTING} brackets inside one another")
        operand = piece.kind == "number" or piece.text == ")"
        parts.append(f"n{len(numbers)}" if piece.kind == "number" else piece.text)
        if piece.kind == "number":
            numbers[parts[-1]] = piece.value
    return " ".join(parts), numbers


def _compute(node: ast.expr, numbers: dict[str, Fraction]) -> Fraction:
    if isinstance(node, ast.Name):
        return numbers[node.id]
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub | ast.UAdd):
        value = _compute(node.operand, numbers)
        return -value if isinstance(node.op, ast.USub) else value
    if not isinstance(node, ast.BinOp):
        raise NotArithmeticError("is not arithmetic")
    left, right = _compute(node.left, numbers), _compute(node.right, numbers)
    if isinstance(node.op, ast.Pow):
        return _power(left, right)
    if type(node.op) not in _OPERATORS:
        raise NotArithmeticError("is not arithmetic")
    if right == 0 and isinstance(node.op, ast.Div | ast.FloorDiv):
        raise NoValueError("divides by zero")
    return _OPERATORS[type(node.op)](left, right)


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    if exponent.denominator != 1:
        raise NotArithmeticError("has a root")
    if base == 0 and exponent < 0:
        raise NoValueError("divides by zero")
    bits = max(base.numerator.bit_length(), base.denominator.bit_length())
    if abs(exponent) > MAX_EXPONENT or bits * abs(exponent) > MAX_POWER_BITS:
        raise NoValueError("has a power that is too large")
    return Fraction(base ** int(exponent))
