"""Program paths (PaD, program-of-thought): the answer to a question is a Python function `solution()`, run."""

import re

from pad_ray.paths.base import Parsed, ReasoningPath
from pad_ray.schema import PathKind

_FENCE = re.compile(r"^\s*```(?:python)?\s*\n")


class Program(ReasoningPath):
    """A path that is executed. Whether its text is a program at all is the sandbox's to say (`pad_ray.sandbox.judge`)."""

    kind = PathKind.PROGRAM
    cue = "Solution:"
    next_question = ("\nQuestion:", "\n```")

    def parse(self, completion: str) -> Parsed:
        return Parsed(parse(completion), is_complete(completion))


def parse(completion: str) -> str:
    """The program in a completion, cut where the function's body ends; what stands around it, fences too, is removed.

    A completion without `def solution` comes back stripped but whole, so that the verdict on it can say what is wrong.
    """
    lines = _lines(completion)
    start = _start(lines)
    if start is None:
        return _FENCE.sub("", "\n".join(lines)).split("\n```")[0].strip()
    imports = [line for line in lines[:start] if line.startswith(("import ", "from "))]
    return "\n".join([*imports, *lines[start : _end(lines, start)]]).rstrip()


def is_complete(completion: str) -> bool:
    """True where text follows the program, so that a completion cut by the token limit still holds all of it."""
    lines = _lines(completion)
    start = _start(lines)
    return start is not None and _end(lines, start) < len(lines)


def _lines(completion: str) -> list[str]:
    return completion.replace("\r\n", "\n").split("\n")


def _start(lines: list[str]) -> int | None:
    return next((number for number, line in enumerate(lines) if line.startswith("def solution")), None)


def _end(lines: list[str], start: int) -> int:
    """The first line below `start` that is neither indented nor blank nor a comment nor a closing bracket."""
    inside = (" ", "\t", "#", ")", "]", "}")
    below = range(start + 1, len(lines))
    return next(
        (number for number in below if lines[number].strip() and not lines[number].startswith(inside)), len(lines)
    )
