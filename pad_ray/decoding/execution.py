"""The step verifier `execution`: the program so far must run in the sandbox, and its new line must compute a finite value.

Texts count as finite, and so does an infinity that the line states instead of calculating it (`infinity`). Only lines at the
top level of the function's body are run, with all lines above them. Lines inside a loop or a branch are not run, because half
of a loop's body may never end. Such lines, and lines with an open bracket, score 1.
"""

import ast
import codeop
import re
import warnings
from collections.abc import Sequence
from typing import cast

from pad_ray.decoding.infinity import states_infinity
from pad_ray.decoding.verifiers import Execute, ReasoningStep, VerifierConfig
from pad_ray.paths.program import parse
from pad_ray.sandbox import Candidate
from pad_ray.schema import Outcome, Question, Verdict

SOUND, FAILING = 1.0, 0.0
MAX_CHARACTERS = 16_384
BEGUN: int = codeop.PyCF_ALLOW_INCOMPLETE_INPUT | codeop.PyCF_DONT_IMPLY_DEDENT  # type: ignore[attr-defined]
# Returned after a line that has no value.
NO_VALUE = "0"
# Feedback for numbers that cannot be compared. A text with the same words is ACCEPTED and does not match here.
NOT_FINITE = re.compile(r"returned [+-]?(inf(inity)?|s?nan|z?oo)", re.IGNORECASE)
# A list is a value that cannot be compared yet.
HARMLESS = (Outcome.ACCEPTED, Outcome.NOT_COMPARABLE, Outcome.SANDBOX_FAULT)


class ExecutionVerifier:
    """Scores 1, or 0 for a failing line, which is then pruned."""

    def __init__(self, config: VerifierConfig) -> None:
        pass

    async def scores(self, question: Question, steps: Sequence[ReasoningStep], execute: Execute) -> Sequence[float]:
        """One score per step; the programs of all steps are executed in one batch."""
        probes = [SOUND if step.line.strip().startswith("#") else probe(step.text) for step in steps]
        runs = [
            Candidate(question.question_id, program, None, question.answer_kind, None)
            for program in probes
            if isinstance(program, str)
        ]
        verdicts = iter(await execute(runs))
        return [_score(next(verdicts)) if isinstance(one, str) else one for one in probes]


def probe(text: str) -> str | float:
    """The program that tests the last line of a path, or the score of a line that is not run."""
    if len(text) > MAX_CHARACTERS:
        return FAILING
    program = parse(text)
    try:
        tree = _tree(program)
    except (SyntaxError, ValueError, OverflowError, RecursionError, MemoryError):
        return FAILING
    body = next((node.body for node in tree.body if isinstance(node, ast.FunctionDef)), []) if tree else []
    return _with_return(program, body[-1]) if body else SOUND


def _tree(program: str) -> ast.Module | None:
    """The syntax tree; None if the program is incomplete. SyntaxError if no continuation makes it valid.

    Like `codeop.compile_command`, but without code generation, whose time and memory are unbounded: a few nested
    `try … finally` lines take gigabytes.
    """
    try:
        return _parsed(program, BEGUN)
    except SyntaxError:
        return None if _goes_on(program) else _parsed(program)


def _goes_on(program: str) -> bool:
    try:
        _parsed(f"{program}\n", BEGUN)
    except SyntaxError as error:
        return "incomplete input" in str(error)
    return True


def _parsed(program: str, flags: int = 0) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return cast(ast.Module, compile(program, "<step>", "exec", ast.PyCF_ONLY_AST | flags))


def _with_return(program: str, last: ast.stmt) -> str | float:
    if isinstance(last, ast.Return):
        return program
    if isinstance(last, (ast.Assign, ast.AugAssign, ast.AnnAssign)):
        target = last.targets[-1] if isinstance(last, ast.Assign) else last.target
        judged = isinstance(last, ast.AugAssign) or (last.value is not None and not states_infinity(last.value))
        return _returning(program, last, target.id if judged and isinstance(target, ast.Name) else NO_VALUE)
    return _returning(program, last, NO_VALUE) if isinstance(last, (ast.Expr, ast.Assert, ast.Import)) else SOUND


def _returning(program: str, last: ast.stmt, value: str) -> str:
    lines = program.split("\n")
    line = lines[last.lineno - 1]
    # Copy the indentation, because tabs and spaces must not mix.
    indent = line[: len(line) - len(line.lstrip())] or "    "
    return f"{program}\n{indent}return {value}"


def _score(verdict: Verdict) -> float:
    # A line that prints or appends returns None.
    if verdict.outcome is Outcome.NO_ANSWER:
        return SOUND if verdict.feedback == "returned None" else FAILING
    infinite = verdict.outcome is Outcome.NOT_COMPARABLE and NOT_FINITE.fullmatch(verdict.feedback)
    return SOUND if verdict.outcome in HARMLESS and not infinite else FAILING
