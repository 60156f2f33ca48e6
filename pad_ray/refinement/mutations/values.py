"""Programs that run but return a wrong value: the most frequent error of small students."""

import ast
from collections.abc import Iterator
from random import Random

from pad_ray.refinement.mutations.mutation import shuffled
from pad_ray.refinement.source import Source, Span, assigned_name, blocks, is_number

ARITHMETIC: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
}
COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", ">"),
    ast.Gt: (">", "<"),
    ast.LtE: ("<=", ">="),
    ast.GtE: (">=", "<="),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
}
WITH_OPERATOR = (ast.BinOp, ast.AugAssign, ast.Compare)
ONE_WAY = (ast.Sub, ast.Div, ast.FloorDiv, ast.Mod)


def swap_operator(source: Source, random: Random) -> Iterator[str]:
    """Replace an arithmetic operator, or reverse a comparison."""
    for node in shuffled(random, [node for node in source.nodes if isinstance(node, WITH_OPERATOR)]):
        for left, right, symbol, others in _operators(node):
            place = source.operator(left, right, symbol)
            if place is not None:
                for other in shuffled(random, others):
                    yield source.replaced((place, other))


def swap_operands(source: Source, random: Random) -> Iterator[str]:
    """Swap the operands of a subtraction or division."""
    operations = [node for node in source.nodes if isinstance(node, ast.BinOp) and isinstance(node.op, ONE_WAY)]
    for node in shuffled(random, operations):
        left, right = source.operand(node.left), source.operand(node.right)
        # A left operand without brackets may need them on the right.
        bare = isinstance(node.left, ast.BinOp) and left == source.span(node.left)
        yield source.replaced((left, source.at(right)), (right, f"({source.at(left)})" if bare else source.at(left)))


def replace_constant(source: Source, random: Random) -> Iterator[str]:
    """Replace a number with another one of the question or the program."""
    indices: set[int] = set()
    for node in source.nodes:
        # An outer index covers its inner indices, so nested indices cost no more than their text.
        if isinstance(node, ast.Subscript) and id(node) not in indices:
            indices.update(map(id, ast.walk(node.slice)))
    places = [node for node in source.nodes if isinstance(node, ast.Constant) and is_number(node)]
    places = [node for node in places if id(node) not in indices]
    others = {text: ast.literal_eval(text) for text in [*source.numbers, *map(source.at, map(source.span, places))]}
    for node in shuffled(random, places):
        for text, value in shuffled(random, list(others.items())):
            if value != node.value:
                yield source.replaced((source.span(node), text))


def drop_step(source: Source, random: Random) -> Iterator[str]:
    """Drop a calculation: a line that changes a name, or an operation, of which one operand is kept."""
    calculations = [node for node in source.nodes if isinstance(node, ast.BinOp)]
    edits = [(lines, Span(0, 0)) for lines in _changes(source)]
    edits += [(source.span(node), source.operand(side)) for node in calculations for side in (node.left, node.right)]
    for dropped_span, kept_span in shuffled(random, edits):
        yield source.replaced((dropped_span, source.at(kept_span)))


def another_variable(source: Source, random: Random) -> Iterator[str]:
    """Read a different variable in a calculation, one that already has a value."""
    returned = {id(node.value) for node in source.own_nodes if isinstance(node, ast.Return)}
    reads = [
        node
        for node in source.own_nodes
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load) and id(node) not in returned
    ]
    variables = _variables(source)
    for node in shuffled(random, [node for node in reads if node.id in variables]):
        span = source.span(node)
        for name in _bound_before(variables, span.start, random):
            if name != node.id:
                yield source.replaced((span, name))


def return_another_variable(source: Source, random: Random) -> Iterator[str]:
    """Return a different variable of the function."""
    variables = _variables(source)
    for span in shuffled(random, source.returned):
        for name in _bound_before(variables, span.start, random):
            if name != source.at(span).strip("( )"):
                yield source.replaced((span, name))


def _operators(node: ast.AST) -> Iterator[tuple[ast.expr, ast.expr, str, list[str]]]:
    """The operands of each operator of a node, its symbol, and the possible replacements."""
    if isinstance(node, ast.Compare):
        sides = [node.left, *node.comparators]
        for left, right, comparison in zip(sides, sides[1:], node.ops, strict=False):
            if type(comparison) in COMPARISONS:
                symbol, opposite = COMPARISONS[type(comparison)]
                yield left, right, symbol, [opposite]
        return
    if not isinstance(node, (ast.BinOp, ast.AugAssign)) or type(node.op) not in ARITHMETIC:
        return
    own = ARITHMETIC[type(node.op)]
    others = [symbol for symbol in ("+", "-", "*", "/") if symbol != own]
    if isinstance(node, ast.BinOp):
        yield node.left, node.right, own, others
    else:
        yield node.target, node.value, f"{own}=", [f"{symbol}=" for symbol in others]


def _changes(source: Source) -> Iterator[Span]:
    """The lines that change a name that already has a value."""
    for block in blocks(source.solution.body if source.solution else []):
        bound: set[str] = set()
        for statement in block:
            name, lines = assigned_name(statement), source.own_lines(statement)
            changes = isinstance(statement, ast.AugAssign) or name in bound
            if changes and lines and len(block) > 1:
                yield lines
            if name is not None:
                bound.add(name)


def _variables(source: Source) -> dict[str, int]:
    """The variables of `solution`, each with the position at which it first has a value."""
    variables: dict[str, int] = {}
    for node in source.own_nodes:
        name = assigned_name(node) if isinstance(node, ast.stmt) else None
        end = source.span(node).end if isinstance(node, ast.stmt) else 0
        if isinstance(node, ast.For) and isinstance(node.target, ast.Name):
            name, end = node.target.id, source.span(node.iter).end
        if name is not None:
            variables[name] = min(end, variables.get(name, end))
    return variables


def _bound_before(variables: dict[str, int], position: int, random: Random) -> list[str]:
    return shuffled(random, [name for name, start in variables.items() if start <= position])
