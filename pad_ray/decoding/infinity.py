"""Recognise infinity as a literal value, such as the start value of a search for a minimum or maximum.

A line that calculates infinity is wrong; a line that states or copies it is not.
"""

import ast
import math

NAMES = frozenset({"inf", "infinity", "infty", "oo", "Inf", "Infinity", "NINF", "PINF"})
"""Names of infinity in `math`, `numpy` and `sympy`."""


def states_infinity(expression: ast.expr) -> bool:
    """Whether an expression contains a literal infinity, or only copies a value."""
    if isinstance(expression, (ast.Name, ast.Attribute, ast.Subscript)):
        return True
    return any(_is_infinity(node) for node in ast.walk(expression))


def _is_infinity(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return _is_infinite(node.value)
    return (isinstance(node, ast.Name) and node.id in NAMES) or (isinstance(node, ast.Attribute) and node.attr in NAMES)


def _is_infinite(value: object) -> bool:
    """True for a literal such as 1e999, and for a text that `float` and `Decimal` parse as infinity."""
    if isinstance(value, float):
        return math.isinf(value)
    return isinstance(value, str) and value.strip().lstrip("+-").lower() in ("inf", "infinity")
