"""Texts that are no program (SyntaxError)."""

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
"""In a row without a variant: two hundred tries for a usual program, four for the longest."""
INDENTATIONS = ("", " ", "  ", "   ", "     ", "      ", "        ")


def drop_bracket_or_colon(source: Source, random: Random) -> Iterator[str]:
    """A bracket is missing, or the colon that opens a block."""
    places = [
        token.span for token in source.tokens if token.text in "()[]{}" or (token.text == ":" and token.depth == 0)
    ]
    yield from _no_programs(source.replaced((place, "")) for place in shuffled(random, places))


def break_indentation(source: Source, random: Random) -> Iterator[str]:
    """A line stands some spaces too far to the left or to the right."""
    found = []
    for block in blocks(source.tree.body):
        for statement in block:
            lines = source.own_lines(statement)
            if lines and statement.col_offset:
                found.append(Span(lines.start, source.span(statement).start))
    yield from _no_programs(
        source.replaced((place, indentation))
        for place in shuffled(random, found)
        for indentation in shuffled(random, INDENTATIONS)
        if indentation != source.at(place)
    )


def join_lines(source: Source, random: Random) -> Iterator[str]:
    """Two statements stand in one line."""
    found = []
    for block in blocks(source.tree.body):
        for first, second in pairwise(block):
            adjacent = second.lineno == (first.end_lineno or first.lineno) + 1
            if adjacent and source.own_lines(first) and not isinstance(first, COMPOUND):
                found.append(Span(source.span(first).end, source.span(second).start))
    yield from _no_programs(source.replaced((place, " ")) for place in shuffled(random, found))


def drop_operand(source: Source, random: Random) -> Iterator[str]:
    """Behind an operator, or behind `=`, nothing follows."""
    found = [node.right for node in source.nodes if isinstance(node, ast.BinOp)]
    found += [node.value for node in source.nodes if isinstance(node, (ast.Assign, ast.AugAssign))]
    places = [source.operand(node) for node in shuffled(random, found)]
    # What follows would take its place: `a - b - c` without `b` is a program, and parsing a long sum for each is slow.
    places = [place for place in places if not source.text[place.end :].lstrip(" ").startswith(("+", "-"))]
    yield from _no_programs(source.replaced((place, "")) for place in places)


def _no_programs(texts: Iterable[str]) -> Iterator[str]:
    """Those that do not parse: `x[1:2]` without its colon, or `(a)` without brackets, may still be a program.

    Gives up once `PARSED_CHARACTERS` were parsed in vain, so that a long program of which every variant is one costs no
    minutes.
    """
    vain = 0
    for text in texts:
        if isinstance(parse(text, LONGEST_BYTES), Rejection):
            vain = 0
            yield text
        else:
            vain += len(text)
        if vain > PARSED_CHARACTERS:
            return
