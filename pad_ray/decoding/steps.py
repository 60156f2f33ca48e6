"""The steps of a path: its non-empty lines; in a program, those below `def`."""

import re

from pad_ray.decoding.verifiers import ReasoningStep
from pad_ray.paths.base import END_TOKENS
from pad_ray.paths.program import is_complete
from pad_ray.paths.rationale import up_to_answer
from pad_ray.schema import PathKind

HEAD = "def solution("
_RETURN = re.compile(r"return\b")
MAX_STEPS = 200
"""Maximum number of steps per path: a completion can be a thousand meaningless lines."""


def steps_of(kind: PathKind, text: str) -> list[ReasoningStep]:
    """The steps of a finished path, in order."""
    steps: list[ReasoningStep] = []
    position, below_head = 0, kind is not PathKind.PROGRAM
    for line in text.splitlines(keepends=True):
        if below_head and line.strip():
            steps.append(ReasoningStep(text[:position], line))
        below_head = below_head or line.startswith(HEAD)
        position += len(line)
        if len(steps) == MAX_STEPS:
            break
    return steps


def is_step(kind: PathKind, before: str) -> bool:
    """Whether the next non-empty line is a step; in a program, only lines below `def` are."""
    return kind is not PathKind.PROGRAM or any(line.startswith(HEAD) for line in before.splitlines())


def is_finished(kind: PathKind, text: str) -> bool:
    """Whether a path whose last line has ended is complete."""
    if kind is PathKind.PROGRAM:
        return is_complete(text) or _returns(text)
    return up_to_answer(text).complete


def without_end(text: str) -> tuple[str, bool]:
    """A completion up to an end-of-turn text, and whether it has one."""
    ends = [text.index(token) for token in END_TOKENS if token in text]
    return text[: min(ends, default=len(text))], bool(ends)


def _returns(text: str) -> bool:
    """Whether the last line is a `return` at the top level of the function, after which nothing runs."""
    lines = [line for line in text.splitlines() if line.strip()]
    head = next((number for number, line in enumerate(lines) if line.startswith(HEAD)), len(lines))
    body = lines[head + 1 :]
    if not body:
        return False
    indent = body[0][: len(body[0]) - len(body[0].lstrip())]
    return bool(indent) and bool(_RETURN.match(body[-1].removeprefix(indent))) and not _is_open(body[-1])


def _is_open(line: str) -> bool:
    """Whether a line opens more brackets than it closes, or ends with a backslash. Brackets in string literals count too."""
    opened = sum(line.count(bracket) for bracket in "([{") - sum(line.count(bracket) for bracket in ")]}")
    return opened > 0 or line.rstrip().endswith("\\")
