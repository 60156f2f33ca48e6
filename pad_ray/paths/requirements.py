"""What a function needs from the text around it: imports, constants, functions and classes at the margin."""

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
class Statement:
    """A line's statements at the margin, mostly one, and whether they stand above the function in question."""

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
        """The names that it reads and does not keep to itself."""
        return global_names(self.text)

    @cached_property
    def binds(self) -> set[str]:
        """The names that it gives a value."""
        if isinstance(self.nodes[0], Definition):
            return {self.nodes[0].name}
        nodes = self._walk()
        names = {node.id for node in nodes if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load)}
        aliases = [alias for node in nodes if isinstance(node, Import) for alias in node.names]
        names |= {alias.asname or alias.name.split(".")[0] for alias in aliases}
        return names | {node.name for node in nodes if isinstance(node, Definition)}

    @cached_property
    def changes(self) -> set[str]:
        """The names whose objects it may change, as `random.seed(1)` and `prices["egg"] = 2` do."""
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
        """Whether code that reads `names` needs it. What calls `solution`, or asks how the program is run, is not needed."""
        if not self.is_definition and self.reads & {"solution", "__name__"}:
            return False
        bound = self.binds & names or ("*" in self.binds and names - _BUILTINS)
        return bool(bound or (self.above and self.changes & names))

    def _walk(self) -> list[ast.AST]:
        return [inner for node in self.nodes for inner in ast.walk(node)]


def _root(node: ast.expr) -> str:
    """The name at the left of calls, attributes and items; '' if there is none."""
    while isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def required(function: str, segments: Sequence[list[str]], own: int, place: range, parser: Parser) -> str:
    """A function below all that it needs: each import above it in its own segment, and the rest by name, from its own segment
    first, then from earlier ones, then from later ones. `place` are its lines in its own segment.
    """
    outside = [*segments[own][: place.start], *segments[own][place.stop :]]
    outside += [line for number, segment in enumerate(segments) if number != own for line in segment]
    if not any(_CODE.match(line) for line in outside):
        return function
    names = global_names(function) - {"solution"}
    kept = _needed(_statements(segments[own], place, parser), names, imports=True)
    for number in [*range(own - 1, -1, -1), *range(own + 1, len(segments))]:
        missing = names - _BUILTINS - {name for statement in kept for name in statement.binds}
        if not missing or parser.exhausted:
            break
        kept = [*_needed(_statements(segments[number], range(0), parser), missing), *kept]
        names |= missing
    return _joined(kept, function)


def _statements(lines: list[str], place: range, parser: Parser) -> list[Statement]:
    """The statements at the margin of a segment, without those at `place`."""
    found = []
    number = 0
    while number < len(lines) and not parser.exhausted:
        if number in place:
            number = place.stop
        elif _CODE.match(lines[number]) and (parsed := parser.statement(lines, number))[0]:
            nodes, end = parsed
            text = "\n".join(lines[number : number + (nodes[-1].end_lineno or 1)])
            found.append(Statement(text, tuple(nodes), not place or number < place.start))
            number = end
        else:
            number += 1
    return found


def _needed(statements: list[Statement], names: set[str], imports: bool = False) -> list[Statement]:
    """The statements that code needs which reads `names`, and that these need in turn; `names` grows by what they read."""
    kept: set[int] = set()
    grown = True
    while grown:
        grown = False
        for number, statement in enumerate(statements):
            always = imports and statement.is_import and statement.above
            if number not in kept and (always or statement.is_needed(names)):
                kept.add(number)
                names |= statement.reads - {"solution"}
                grown = True
    return [statements[number] for number in sorted(kept)]


def _joined(statements: list[Statement], function: str) -> str:
    """One text; functions and classes stand between blank lines."""
    first = [one for one in statements if one.text.startswith("from __future__ ")]
    ordered = {one.text: one for one in [*first, *statements]}.values()
    text = ""
    before_is_definition = False
    for statement in ordered:
        gap = "\n" if text and (statement.is_definition or before_is_definition) else ""
        text += f"{gap}{statement.text}\n"
        before_is_definition = statement.is_definition
    return text + ("\n" if before_is_definition else "") + function
