"""Values that an operation does not accept (TypeError, ZeroDivisionError)."""

import ast
from collections.abc import Iterator
from random import Random

from pad_ray.refinement.mutations.mutation import shuffled
from pad_ray.refinement.source import Source, Span, assigned_name, is_number

DIVISIONS = (ast.Div, ast.FloorDiv, ast.Mod)


def number_to_text(source: Source, random: Random) -> Iterator[str]:
    """Put a number in quotes: first numbers that are added, subtracted or divided, because text may be multiplied."""
    risky = _risky_names(source)
    likely: list[ast.expr] = []
    others: list[ast.expr] = []
    for node in source.nodes:
        if isinstance(node, ast.BinOp | ast.AugAssign) and not isinstance(node.op, ast.Mult):
            likely += [side for side in _operands(node) if is_number(side)]
        elif isinstance(node, ast.Assign) and is_number(node.value):
            (likely if assigned_name(node) in risky else others).append(node.value)
        elif isinstance(node, ast.BinOp):
            others += [side for side in _operands(node) if is_number(side)]
    for number in shuffled(random, likely) + shuffled(random, others):
        span = source.span(number)
        yield source.replaced((span, f'"{source.at(span)}"'))


def zero_divisor(source: Source, random: Random) -> Iterator[str]:
    """Make a divisor 0: as a literal, in its assignment, or as a name minus itself."""
    edits = []
    numbers = _assigned_numbers(source)
    for node in source.nodes:
        if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, DIVISIONS):
            divisor = node.right if isinstance(node, ast.BinOp) else node.value
            edits.append((source.operand(divisor), "0"))
            if isinstance(divisor, ast.Name):
                edits.append((source.span(divisor), f"({divisor.id} - {divisor.id})"))
                edits += [(place, "0") for place in numbers.get(divisor.id, ())]
    for edit in shuffled(random, edits):
        yield source.replaced(edit)


def _operands(node: ast.BinOp | ast.AugAssign) -> list[ast.expr]:
    return [node.left, node.right] if isinstance(node, ast.BinOp) else [node.value]


def _risky_names(source: Source) -> set[str]:
    """Names that are operands of an operator that rejects text, directly or through products."""
    risky: set[str] = set()
    products: list[tuple[str, set[str]]] = []
    for node in source.nodes:
        if isinstance(node, ast.BinOp | ast.AugAssign) and not isinstance(node.op, ast.Mult):
            risky |= {name for side in _operands(node) for name in _factors(side)}
        elif isinstance(node, ast.Assign) and (name := assigned_name(node)) is not None:
            products.append((name, _factors(node.value)))
    for name, factors in reversed(products):
        risky |= factors if name in risky else set()
    return risky


def _factors(node: ast.expr) -> set[str]:
    """The names in a product; a single name is its own factor."""
    names, frontier = set(), [node]
    while frontier:
        part = frontier.pop()
        if isinstance(part, ast.Name):
            names.add(part.id)
        elif isinstance(part, ast.BinOp) and isinstance(part.op, ast.Mult):
            frontier += [part.left, part.right]
    return names


def _assigned_numbers(source: Source) -> dict[str, list[Span]]:
    """The positions of assigned numbers, for names that are bound once."""
    return {
        name: [source.span(node.value)]
        for node in source.nodes
        if isinstance(node, ast.Assign) and is_number(node.value)
        if (name := assigned_name(node)) is not None and source.bindings[name] == 1
    }
