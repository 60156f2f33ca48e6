"""Infinity as a program states it: the value that a search for the smallest or the largest starts with.

A line that calculates infinity has gone wrong; one that states it, or copies it, has not.
"""

import ast
import math

NAMES = frozenset({"inf", "infinity", "infty", "oo", "Inf", "Infinity", "NINF", "PINF"})
"""Of `math`, `numpy` and `sympy`."""


def states_infinity(expression: ast.expr) -> bool:
    """Whether an expression names infinity somewhere, or does no more than copy a value."""
    if isinstance(expression, (ast.Name, ast.Attribute, ast.Subscript)):
        return True
    return any(_is_infinity(node) for node in ast.walk(expression))


def _is_infinity(node: ast.AST) -> bool:
    if isinstance(node, ast.Constant):
        return _is_infinite(node.value)
    return (isinstance(node, ast.Name) and node.id in NAMES) or (isinstance(node, ast.Attribute) and node.attr in NAMES)


def _is_infinite(value: object) -> bool:
    """True for a literal such as 1e999, and for a text that `float` and `Decimal` read as infinity."""
    if isinstance(value, float):
        return math.isinf(value)
    return isinstance(value, str) and value.strip().lstrip("+-").lower() in ("inf", "infinity")
