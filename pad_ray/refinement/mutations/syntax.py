"""Texts that do not parse (SyntaxError)."""

import ast
from collections.abc import Iterable, Iterator
from itertools import pairwise
from random import Random

from pad_ray.refinement.mutations.mutation import shuffled
from pad_ray.refinement.source import LONGEST_BYTES, Source, Span, blocks
from pad_ray.sandbox.static import Rejection, parse

COMPOUND = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.If,
    ast.For,
    ast.While,
    ast.With,
    ast.Try,
    ast.Match,
)
PARSED_CHARACTERS = 100_000
"""Limit of characters parsed without finding a variant: two hundred tries for a usual program, four for the longest."""
INDENTATIONS = ("", " ", "  ", "   ", "     ", "      ", "        ")


def drop_bracket_or_colon(source: Source, random: Random) -> Iterator[str]:
    """Drop a bracket, or the colon before a block."""
    places = [
        token.span for token in source.tokens if token.text in "()[]{}" or (token.text == ":" and token.depth == 0)
    ]
    yield from _no_programs(source.replaced((place, "")) for place in shuffled(random, places))


def break_indentation(source: Source, random: Random) -> Iterator[str]:
    """Shift a line to the left or right."""
    places = []
    for block in blocks(source.tree.body):
        for statement in block:
            lines = source.own_lines(statement)
            if lines and statement.col_offset:
                places.append(Span(lines.start, source.span(statement).start))
    yield from _no_programs(
        source.replaced((place, indentation))
        for place in shuffled(random, places)
        for indentation in shuffled(random, INDENTATIONS)
        if indentation != source.at(place)
    )


def join_lines(source: Source, random: Random) -> Iterator[str]:
    """Join two statements in one line."""
    places = []
    for block in blocks(source.tree.body):
        for first, second in pairwise(block):
            adjacent = second.lineno == (first.end_lineno or first.lineno) + 1
            if adjacent and source.own_lines(first) and not isinstance(first, COMPOUND):
                places.append(Span(source.span(first).end, source.span(second).start))
    yield from _no_programs(source.replaced((place, " ")) for place in shuffled(random, places))


def drop_operand(source: Source, random: Random) -> Iterator[str]:
    """Drop the operand after an operator or after `=`."""
    operands = [node.right for node in source.nodes if isinstance(node, ast.BinOp)]
    operands += [node.value for node in source.nodes if isinstance(node, (ast.Assign, ast.AugAssign))]
    places = [source.operand(node) for node in shuffled(random, operands)]
    # Skip operands followed by a sign: `a - b - c` without `b` is still a program, and parsing a long sum for each is slow.
    places = [place for place in places if not source.text[place.end :].lstrip(" ").startswith(("+", "-"))]
    yield from _no_programs(source.replaced((place, "")) for place in places)


def _no_programs(texts: Iterable[str]) -> Iterator[str]:
    """The texts that do not parse: `x[1:2]` without its colon, or `(a)` without brackets, may still be a program.

    Stops after `PARSED_CHARACTERS` characters without a result; otherwise a long program whose variants all parse would take
    minutes.
    """
    parsed_characters = 0
    for text in texts:
        if isinstance(parse(text, LONGEST_BYTES), Rejection):
            parsed_characters = 0
            yield text
        else:
            parsed_characters += len(text)
        if parsed_characters > PARSED_CHARACTERS:
            return
