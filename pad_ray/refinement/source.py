"""A program as text together with its syntax tree, so that an edit changes one place and no other character."""

import ast
import builtins
import io
import keyword
import re
import tokenize
from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

from pad_ray.sandbox.question_facts import DIGITS
from pad_ray.sandbox.static import Rejection, parse

LONGEST_BYTES = 1 << 15
LONGEST_NUMBER = 30
_BLANK = re.compile(r"\s*")
_REST = re.compile(r"\s*(#|\Z)")
# The tokenizer and the parser count lines or columns differently near these characters.
AMBIGUOUS = "\r\ufeff"
SCOPES = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)
BUILTINS = frozenset(dir(builtins))


class Span(NamedTuple):
    """Characters `start` to `end` of a program, excluding `end`."""

    start: int
    end: int


class SourceToken(NamedTuple):
    """An operator, bracket or separator. `depth` is the number of open brackets around it."""

    text: str
    span: Span
    depth: int


def stated_numbers(question: str) -> tuple[str, ...]:
    """The numbers in digits in a question, as Python literals, each value once, in order of appearance."""
    literals: dict[float, str] = {}
    for match in DIGITS.finditer(question):
        literal = match[1].replace(",", "")
        if len(literal) <= LONGEST_NUMBER:
            literals.setdefault(float(literal), str(int(literal)) if literal.isdigit() else literal)
    return tuple(literals.values())


class Source:
    """A program that parses. Positions are character indices of `text`; `numbers` are the question's, as Python literals."""

    def __init__(self, text: str, tree: ast.Module, numbers: Sequence[str] = ()) -> None:
        self.text = text
        self.tree = tree
        self.numbers = tuple(numbers)
        self.lines = text.split("\n")
        self._wide: dict[int, list[int]] = {}
        self._starts = [0]
        for line in self.lines:
            self._starts.append(self._starts[-1] + len(line) + 1)

    @classmethod
    def read(cls, text: str, question: str = "") -> "Source | None":
        """The program, or None if it does not parse, is longer than 32 KiB or has a carriage return or byte order mark."""
        if any(character in text for character in AMBIGUOUS):
            return None
        tree = parse(text, LONGEST_BYTES)
        return None if isinstance(tree, Rejection) else cls(text, tree, stated_numbers(question))

    def span(self, node: ast.expr | ast.stmt) -> Span:
        """The span of a node, without brackets around it."""
        end_line, end_column = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
        return Span(self._offset(node.lineno, node.col_offset), self._offset(end_line, end_column))

    def _offset(self, line: int, column: int) -> int:
        """The character index of a tree position, whose column counts bytes of UTF-8."""
        text = self.lines[line - 1]
        return self._starts[line - 1] + (column if text.isascii() else self._columns(line)[column])

    def _columns(self, line: int) -> list[int]:
        """The character index of each byte of a line, and of its end."""
        if line not in self._wide:
            characters = enumerate(self.lines[line - 1])
            places = [place for place, one in characters for _ in range(len(one.encode()))]
            self._wide[line] = [*places, len(self.lines[line - 1])]
        return self._wide[line]

    def operand(self, node: ast.expr) -> Span:
        """The span of an operand or a value, including its own brackets.

        Only for nodes with an operator, `=` or `return` on one side: then brackets on both sides are a pair.
        """
        start, end = self.span(node)
        while True:
            left, right = self._before(start), self._behind(end)
            if self.text[left - 1 : left] != "(" or self.text[right : right + 1] != ")":
                return Span(start, end)
            start, end = left - 1, right + 1

    def _before(self, place: int) -> int:
        """The position before any spaces that precede a place."""
        while place and self.text[place - 1] == " ":
            place -= 1
        return place

    def _behind(self, place: int) -> int:
        """The position after any spaces that follow a place."""
        while self.text[place : place + 1] == " ":
            place += 1
        return place

    def at(self, span: Span) -> str:
        """The text of a span."""
        return self.text[span.start : span.end]

    def replaced(self, *edits: tuple[Span, str]) -> str:
        """The program with the text of each span replaced; spans must not overlap."""
        pieces, position = [], 0
        for span, text in sorted(edits):
            before, after = self.text[position : span.start], self.text[span.end : span.end + 1]
            # `return(x)` must not become `returny`.
            pieces += [before, " " * _glued(before[-1:], text[:1]), text, " " * _glued(text[-1:], after)]
            position = span.end
        return "".join([*pieces, self.text[position:]])

    def own_lines(self, statement: ast.stmt) -> Span | None:
        """The whole lines of a statement, including the line end; None if another statement shares them."""
        start, end = self.span(statement)
        last_line = statement.end_lineno or statement.lineno
        first, last = self._starts[statement.lineno - 1], min(self._starts[last_line], len(self.text))
        if not (_BLANK.fullmatch(self.text, first, start) and _REST.match(self.text, end, last)):
            return None
        return Span(first, last)

    @cached_property
    def nodes(self) -> list[ast.AST]:
        """All nodes that can be edited; nodes inside f-strings have no reliable position before Python 3.12."""
        return list(_walk(self.tree.body, (ast.JoinedStr,)))

    @cached_property
    def solution(self) -> ast.FunctionDef | None:
        """The function that returns the answer."""
        named = [node for node in self.tree.body if isinstance(node, ast.FunctionDef) and node.name == "solution"]
        return named[-1] if named else None

    @cached_property
    def own_nodes(self) -> list[ast.AST]:
        """The nodes of `solution` in its own scope, without f-strings."""
        return list(_walk(self.solution.body, (*SCOPES, ast.JoinedStr))) if self.solution else []

    @cached_property
    def returned(self) -> list[Span]:
        """The spans of the values that `solution` returns."""
        returns = [node.value for node in self.own_nodes if isinstance(node, ast.Return)]
        return [self.operand(value) for value in returns if value is not None]

    @cached_property
    def own_ids(self) -> set[int]:
        """`id` of each of `own_nodes`."""
        return {id(node) for node in self.own_nodes}

    @cached_property
    def bindings(self) -> Counter[str]:
        """The number of places that bind each name, in any scope."""
        return Counter(name for node in ast.walk(self.tree) for name in _bound(node))

    @cached_property
    def tokens(self) -> list[SourceToken]:
        """Operators, brackets and separators in order; empty if the tokenizer fails on a text that parses."""
        try:
            return list(self._tokens())
        except (tokenize.TokenError, SyntaxError):
            return []

    def _tokens(self) -> Iterator[SourceToken]:
        depth = 0
        for token in tokenize.generate_tokens(io.StringIO(self.text, newline="\n").readline):
            if token.type != tokenize.OP:
                continue
            depth -= token.string in ")]}"
            start = self._starts[token.start[0] - 1] + token.start[1]
            yield SourceToken(token.string, Span(start, start + len(token.string)), depth)
            depth += token.string in "([{"

    def operator(self, left: ast.expr, right: ast.expr, symbol: str) -> Span | None:
        """The span of the operator between two operands."""
        start, end = self.span(left).end, self.span(right).start
        first = bisect_left(self.tokens, start, key=lambda token: token.span.start)
        after = bisect_left(self.tokens, end, key=lambda token: token.span.start)
        return next((token.span for token in self.tokens[first:after] if token.text == symbol), None)

    def is_free(self, name: str) -> bool:
        """Whether reading this name is a NameError everywhere in the program."""
        usable = name.isidentifier() and not keyword.iskeyword(name)
        return usable and name not in self.bindings and name not in BUILTINS


def blocks(within: Sequence[ast.stmt]) -> Iterator[list[ast.stmt]]:
    """Every block of statements, `within` first."""
    yield list(within)
    for node in _walk(within, ()):
        for name in ("body", "orelse", "finalbody"):
            block = getattr(node, name, None)
            if isinstance(block, list):
                yield block


def assigned_name(statement: ast.stmt) -> str | None:
    """The name of `name = value`, annotated or not; None for every other statement."""
    if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
        target = statement.targets[0]
    elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
        target = statement.target
    else:
        return None
    return target.id if isinstance(target, ast.Name) else None


def is_number(node: ast.AST) -> bool:
    """Whether a node is an integer or float literal; booleans are not numbers."""
    return isinstance(node, ast.Constant) and type(node.value) in (int, float)


def _glued(left: str, right: str) -> bool:
    """Whether two adjacent characters would join into one word."""
    return all(character.isalnum() or character == "_" for character in (left, right))


def _walk(roots: Sequence[ast.AST], closed: tuple[type[ast.AST], ...]) -> Iterator[ast.AST]:
    """`roots` and all nodes below, except the contents of nodes of a `closed` type."""
    frontier = deque(roots)
    while frontier:
        node = frontier.popleft()
        yield node
        if not isinstance(node, closed):
            frontier.extend(ast.iter_child_nodes(node))


def _bound(node: ast.AST) -> list[str]:
    """The names that a node binds or declares."""
    if isinstance(node, ast.Name):
        return [] if isinstance(node.ctx, ast.Load) else [node.id]
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, (ast.Global, ast.Nonlocal)):
        return node.names
    if isinstance(node, ast.alias):
        return [(node.asname or node.name).split(".")[0]]
    named = (getattr(node, field, None) for field in ("arg", "name", "rest"))
    return [name for name in named if isinstance(name, str)]
