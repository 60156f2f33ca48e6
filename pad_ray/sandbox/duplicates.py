"""A hash that is equal for programs that differ only in names, comments and layout."""

import ast
from collections.abc import Iterator, Sequence

from pad_ray.sandbox.static import Rejection, parse
from pad_ray.schema import content_id

LONGEST_BYTES = 1 << 15
SEPARATOR = "\x1f"
"""Separates the parts of a program; `repr` escapes it in string constants."""


def normalised_program_hash(program: str) -> str:
    """32 hex digits, equal for programs whose syntax trees are equal after consistent renaming of their own names.

    Comments, docstrings, layout and annotations of names are ignored; imported names, attributes and keyword arguments
    are not. A text that is not a program, or is longer than 32 KiB, is hashed unchanged. Linear, without recursion.
    """
    tree = parse(program, LONGEST_BYTES)
    if isinstance(tree, Rejection):
        return content_id("text", program)
    return content_id("program", SEPARATOR.join(_parts(tree, _bound_names(tree))))


def _parts(tree: ast.Module, bound: set[str]) -> Iterator[str]:
    """A program's tree as text: own names become v0, v1, … in order of appearance; remarks and annotations are omitted."""
    names: dict[str, str] = {}
    waiting: list[object] = [tree]
    while waiting:
        part = waiting.pop()
        if isinstance(part, ast.AST):
            node = _without_annotation(part)
            yield type(node).__name__
            waiting += reversed(list(_fields(node)))
        elif isinstance(part, list):
            yield str(len(part))
            waiting += reversed(part)
        elif isinstance(part, _OwnName):
            yield names.setdefault(part, f"v{len(names)}") if part in bound else part
        else:
            # `repr` fails for integers with too many decimal digits.
            yield hex(part) if type(part) is int else f"{type(part).__name__} {part!r}"


class _OwnName(str):
    """A name that the program itself may bind."""


def _without_annotation(node: ast.AST) -> ast.AST:
    """`name: int = 1` as `name = 1`."""
    if isinstance(node, ast.AnnAssign) and node.value is not None and isinstance(node.target, ast.Name):
        return ast.Assign([node.target], node.value)
    return node


def _fields(node: ast.AST) -> Iterator[object]:
    """The significant fields of a node, in program order."""
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.expr_context) or name == "type_comment":
            continue
        if (isinstance(node, ast.arg) and name == "annotation") or (
            isinstance(node, ast.FunctionDef) and name == "returns"
        ):
            yield None
        elif name == "body" and isinstance(node, (ast.FunctionDef, ast.Module)):
            yield _without_remarks(value)
        else:
            own = (isinstance(node, ast.Name) and name == "id") or (isinstance(node, ast.arg) and name == "arg")
            own = own or (isinstance(node, ast.FunctionDef) and name == "name")
            yield _OwnName(value) if own else value


def _without_remarks(block: Sequence[ast.stmt]) -> list[ast.stmt]:
    """A block without its docstring and other constants; `pass` if nothing is left."""
    lines = [line for line in block if not (isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant))]
    return lines or [ast.Pass()]


def _bound_names(tree: ast.Module) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.FunctionDef):
            names.add(node.name)
    return names
