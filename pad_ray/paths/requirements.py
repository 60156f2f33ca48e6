"""Finds what a function needs from the text around it: top-level imports, constants, functions and classes."""

import ast
import builtins
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from pad_ray.paths.source import Parser, global_names

_CODE = re.compile(
    r"(?:import|from|def|async|class|if|for|while|try|with)\b|@|\w[\w ,.()\[\]'\"]{0,80}(?::[^=]{0,60})?"
    r"(?:[-+*/|&^%]|//|\*\*)?=(?!=)|\w[\w.]{0,60}[(\[]"
)
_BUILTINS = frozenset(dir(builtins))
Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Import = ast.Import | ast.ImportFrom


@dataclass(frozen=True)
class LineStatements:
    """The top-level statements of a line, usually one, and whether they are above the function in question."""

    text: str
    nodes: tuple[ast.stmt, ...]
    above: bool

    @property
    def is_definition(self) -> bool:
        """Whether it is a function or a class."""
        return isinstance(self.nodes[0], Definition)

    @property
    def is_import(self) -> bool:
        """Whether it is an import."""
        return isinstance(self.nodes[0], Import)

    @cached_property
    def reads(self) -> set[str]:
        """The global names that it reads."""
        return global_names(self.text)

    @cached_property
    def binds(self) -> set[str]:
        """The names that it assigns or defines."""
        if isinstance(self.nodes[0], Definition):
            return {self.nodes[0].name}
        nodes = self._walk()
        names = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
        aliases = [alias for node in nodes if isinstance(node, Import) for alias in node.names]
        names |= {alias.asname or alias.name.split(".")[0] for alias in aliases}
        return names | {node.name for node in nodes if isinstance(node, Definition)}

    @cached_property
    def changes(self) -> set[str]:
        """The names of objects that it may change, as in `random.seed(1)` and `prices["egg"] = 2`."""
        if self.is_definition:
            return set()
        nodes = self._walk()
        changed = [node.value for node in nodes if isinstance(node, ast.Expr)]
        changed += [
            node
            for node in nodes
            if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load)
        ]
        return {_root(node) for node in changed} - _BUILTINS

    def is_needed(self, names: set[str]) -> bool:
        """Whether code that reads `names` needs it. Calls of `solution` and tests of `__name__` are not needed."""
        if not self.is_definition and self.reads & {"solution", "__name__"}:
            return False
        bound = self.binds & names or ("*" in self.binds and names - _BUILTINS)
        return bool(bound or (self.above and self.changes & names))

    def _walk(self) -> list[ast.AST]:
        return [inner for node in self.nodes for inner in ast.walk(node)]


def _root(node: ast.expr) -> str:
    """The name at the root of calls, attributes and items; '' if there is none."""
    while isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def required(function: str, segments: Sequence[list[str]], own: int, place: range, parser: Parser) -> str:
    """A function, preceded by all that it needs: every import above it in its own segment; and the definitions of the names
    that it uses, from its own segment first, then from earlier ones, then from later ones. `place` are its lines in its own
    segment.
    """
    outside = [*segments[own][: place.start], *segments[own][place.stop :]]
    outside += [line for number, segment in enumerate(segments) if number != own for line in segment]
    if not any(_CODE.match(line) for line in outside):
        return function
    names = global_names(function) - {"solution"}
    needed = _needed(_statements(segments[own], place, parser), names, imports=True)
    for number in [*range(own - 1, -1, -1), *range(own + 1, len(segments))]:
        missing = names - _BUILTINS - {name for statement in needed for name in statement.binds}
        if not missing or parser.exhausted:
            break
        needed = [*_needed(_statements(segments[number], range(0), parser), missing), *needed]
        names |= missing
    return _joined(needed, function)


def _statements(lines: list[str], place: range, parser: Parser) -> list[LineStatements]:
    """The top-level statements of a segment, except those at `place`."""
    statements = []
    number = 0
    while number < len(lines) and not parser.exhausted:
        if number in place:
            number = place.stop
        elif _CODE.match(lines[number]) and (parsed := parser.statement(lines, number))[0]:
            nodes, end = parsed
            text = "\n".join(lines[number : number + (nodes[-1].end_lineno or 1)])
            statements.append(LineStatements(text, tuple(nodes), not place or number < place.start))
            number = end
        else:
            number += 1
    return statements


def _needed(statements: list[LineStatements], names: set[str], imports: bool = False) -> list[LineStatements]:
    """The statements needed by code that reads `names`, and those that they need in turn; the names they read join `names`."""
    needed_numbers: set[int] = set()
    grown = True
    while grown:
        grown = False
        for number, statement in enumerate(statements):
            always = imports and statement.is_import and statement.above
            if number not in needed_numbers and (always or statement.is_needed(names)):
                needed_numbers.add(number)
                names |= statement.reads - {"solution"}
                grown = True
    return [statements[number] for number in sorted(needed_numbers)]


def _joined(statements: list[LineStatements], function: str) -> str:
    """Statements and function as one text, with blank lines around functions and classes."""
    first = [one for one in statements if one.text.startswith("from __future__ ")]
    ordered = {one.text: one for one in [*first, *statements]}.values()
    text = ""
    before_is_definition = False
    for statement in ordered:
        gap = "\n" if text and (statement.is_definition or before_is_definition) else ""
        text += f"{gap}{statement.text}\n"
        before_is_definition = statement.is_definition
    return text + ("\n" if before_is_definition else "") + function
