"""Which operations in a program's text return an operand unchanged, ignore one, or compute a new value."""

import ast
import operator
from collections.abc import Callable

_CONVERSIONS = "int float round str abs bool complex list tuple set frozenset dict repr format print Decimal Fraction"
CONVERSIONS = frozenset(_CONVERSIONS.split())
"""Calls that only convert or display a value."""
_SHOWN = "format join lower upper strip lstrip rstrip title capitalize casefold encode decode items keys values copy"
SHOWN_METHODS = frozenset(_SHOWN.split())
LISTINGS = frozenset({"list", "tuple", "keys", "values", "items"})
CHOOSERS = frozenset({"max", "min", "any", "all"})
NEUTRAL: dict[type[ast.operator], tuple[tuple[float, ...], tuple[float, ...]]] = {
    ast.Add: ((0,), (0,)),
    ast.Sub: ((), (0,)),
    ast.Mult: ((1,), (1,)),
    ast.Div: ((), (1,)),
    ast.FloorDiv: ((), (1,)),
    ast.Pow: ((), (1,)),
    ast.BitOr: ((0,), (0,)),
    ast.BitXor: ((0,), (0,)),
    ast.LShift: ((), (0,)),
    ast.RShift: ((), (0,)),
}
"""For each operator, the left and right operands that leave the other operand unchanged."""
ABSORBING: dict[type[ast.operator], tuple[tuple[float, ...], tuple[float, ...]]] = {
    ast.Mult: ((0,), (0,)),
    ast.Div: ((0,), ()),
    ast.FloorDiv: ((0,), ()),
    ast.Mod: ((0,), (1,)),
    ast.Pow: ((1,), (0,)),
    ast.BitAnd: ((0,), (0,)),
}
"""For each operator, the left and right operands that fix the result, whatever the other operand is."""
CANCELLING = (ast.Sub, ast.Div, ast.FloorDiv, ast.Mod, ast.BitXor)
"""Operators whose result is constant if both operands are equal."""
UNDONE_BY: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Div,
    ast.Div: ast.Mult,
}
COMPARISONS: dict[type[ast.cmpop], Callable[[float, float], bool]] = {
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
FILLERS = (0, -1, None, "")
"""Placeholders for a missing result: a choice between one of them and one number does not count as a choice."""


def same(left: ast.AST, right: ast.AST) -> bool:
    return isinstance(left, ast.Name) and isinstance(right, ast.Name) and left.id == right.id


def kept(kind: type[ast.operator], left: ast.AST, right: ast.AST) -> ast.AST | None:
    """The operand `a` that remains of `a + x - x`, `x + a - x` and `a - x + x`; likewise for products."""
    if not isinstance(left, ast.BinOp) or UNDONE_BY.get(type(left.op)) is not kind:
        return None
    if same(left.right, right):
        return left.left
    return left.right if isinstance(left.op, (ast.Add, ast.Mult)) and same(left.left, right) else None


def is_empty(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, (str, bytes)) and not node.value


def is_not(node: ast.AST) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not)


def is_filler(value: object) -> bool:
    return value is not False and value in FILLERS


def is_fixed(key: ast.AST) -> bool:
    """Whether a key is a constant or a slice of constants."""
    parts = [key.lower, key.upper, key.step] if isinstance(key, ast.Slice) else [key]
    operands = [part.operand if isinstance(part, ast.UnaryOp) else part for part in parts]
    return all(part is None or isinstance(part, ast.Constant) for part in operands)


def called(node: ast.Call) -> str | None:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else None


def last_counted(node: ast.Call) -> list[object]:
    """The last number of a constant range: 100 for `range(1, 101)`, since the program contains only the number after it."""
    stop = node.args[-1] if called(node) == "range" and len(node.args) in (1, 2) else None
    if not isinstance(stop, ast.Constant) or type(stop.value) is not int:
        return []
    return [stop.value - 1]


def element(display: ast.AST | None, key: ast.AST) -> ast.AST | None:
    """The element at a constant index of a list or tuple display."""
    sign, number = (-1, key.operand) if isinstance(key, ast.UnaryOp) and isinstance(key.op, ast.USub) else (1, key)
    if not isinstance(number, ast.Constant) or type(number.value) is not int:
        return None
    if not isinstance(display, (ast.List, ast.Tuple)):
        return None
    place = sign * number.value
    return display.elts[place] if -len(display.elts) <= place < len(display.elts) else None
