"""Checks on a program's text before it runs. They explain failures and save work; the protection is the sandbox.

Parsing happens in this process, so it is bounded: the text has a maximum length, and every error of CPython's parser on
deep nesting is reported as a syntax error.
"""

import ast
import warnings
from collections.abc import Collection
from dataclasses import dataclass

from pad_ray.sandbox.results import clean
from pad_ray.schema import Outcome

FILE_NAME = "<solution>"
# The parser warns about "\d" and "1if"; these warnings about style must not be shown, nor become errors under -W error.
warnings.filterwarnings("ignore", module=FILE_NAME)


@dataclass(frozen=True)
class Rejection:
    """The reason why a program is not executed, or its result not accepted."""

    outcome: Outcome
    feedback: str


def parse(program: str, limit_bytes: int) -> ast.Module | Rejection:
    """The syntax tree of a program of at most `limit_bytes` bytes, or a `SYNTAX_ERROR` with the parser's message."""
    if len(program.encode("utf-8", "surrogatepass")) > limit_bytes:
        return Rejection(Outcome.SYNTAX_ERROR, f"SyntaxError: the program is longer than {limit_bytes} bytes")
    try:
        return ast.parse(program, FILE_NAME)
    except SyntaxError as error:
        return Rejection(Outcome.SYNTAX_ERROR, clean(f"{type(error).__name__}: {error}"))
    except ValueError as error:  # NUL bytes and lone surrogates (UnicodeEncodeError)
        return Rejection(Outcome.SYNTAX_ERROR, clean(f"SyntaxError: {error}"))
    except (RecursionError, MemoryError):
        return Rejection(Outcome.SYNTAX_ERROR, "SyntaxError: the program is nested too deeply")


def _binds_solution(node: ast.AST) -> bool:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return node.name == "solution"
    if isinstance(node, ast.alias):
        return (node.asname or node.name) == "solution"
    return isinstance(node, ast.Name) and node.id == "solution" and isinstance(node.ctx, ast.Store)


def defines_solution(tree: ast.Module) -> Rejection | None:
    """A rejection unless the program binds `solution`. Whether it can be called without arguments shows in execution."""
    if any(_binds_solution(node) for node in ast.walk(tree)):
        return None
    return Rejection(Outcome.NO_ANSWER, "the program defines no function solution()")


def imported_modules(tree: ast.Module) -> list[str]:
    """Top-level names of the modules in `import` statements, in order; '.' for a relative import."""
    names = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name.split(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append("." if node.level else (node.module or ".").split(".")[0])
    return names


def imports_allowed(tree: ast.Module, allowed: Collection[str]) -> Rejection | None:
    """A `FORBIDDEN` rejection for imports outside the allow list. `__future__` is a directive, not a module."""
    for name in imported_modules(tree):
        if name not in allowed and name != "__future__":
            return Rejection(Outcome.FORBIDDEN, f"ImportError: importing {name[:60]} is not allowed")
    return None
