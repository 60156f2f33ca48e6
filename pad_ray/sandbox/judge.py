"""Turns candidate programs into verdicts. Duplicates and caps need the whole corpus and are handled later."""

from collections.abc import Sequence
from dataclasses import dataclass

from pad_ray.errors import attempt
from pad_ray.sandbox.hard_coded import is_hard_coded
from pad_ray.sandbox.results import Execution, clean
from pad_ray.sandbox.sandbox import Sandbox
from pad_ray.sandbox.static import Rejection, defines_solution, imports_allowed, parse
from pad_ray.schema import AnswerKind, Outcome, Verdict
from pad_ray.tasks.answers import canonical_gold, equal


@dataclass(frozen=True)
class Candidate:
    """A program to judge. Without `gold` it is only executed; without `question_text` hard-coding is not checked."""

    candidate_id: str
    program: str
    gold: str | None
    answer_kind: AnswerKind
    question_text: str | None


def _check(program: str, sandbox: Sandbox) -> Rejection | None:
    """Check before execution that the program parses, binds `solution` and imports only allowed modules."""
    tree = parse(program, sandbox.config.program_bytes)
    if isinstance(tree, Rejection):
        return tree
    return defines_solution(tree) or imports_allowed(tree, sandbox.config.allowed_imports)


def _answer(execution: Execution, kind: AnswerKind) -> str | None:
    """A returned value as an answer of this kind. A boolean means yes or no and is not a number."""
    if execution.value_type != "bool":
        return execution.value
    if kind is AnswerKind.YES_NO:
        return "yes" if execution.value == "True" else "no"
    return None if kind is AnswerKind.NUMBER else execution.value


def _compare(candidate: Candidate, answer: str | None) -> Outcome:
    """The outcome of a program that returned a value. Only this function, outside the sandbox, sees gold."""
    if answer is None:
        return Outcome.NOT_COMPARABLE
    if candidate.gold is not None:
        same = equal(candidate.answer_kind, answer, candidate.gold)
        if same is None:
            return Outcome.NOT_COMPARABLE
        if not same:
            return Outcome.WRONG_ANSWER
    return Outcome.HARD_CODED if _is_hard_coded(candidate) else Outcome.ACCEPTED


def _is_hard_coded(candidate: Candidate) -> bool:
    if candidate.question_text is None:
        return False
    # Parse again: keeping the trees of a batch would take a hundred times the memory of its text, and parsing is fast.
    tree = parse(candidate.program, len(candidate.program.encode()))
    return not isinstance(tree, Rejection) and is_hard_coded(tree, candidate.answer_kind, candidate.question_text)


def _verdict(candidate: Candidate, execution: Execution) -> Verdict:
    if execution.outcome is not None:
        outcome, answer = execution.outcome, execution.value
    else:
        answer = _answer(execution, candidate.answer_kind)
        outcome = _compare(candidate, answer)
    feedback = execution.feedback
    if outcome is Outcome.HARD_CODED:
        feedback = clean(f"{feedback}, stated and not computed from the question")
    return Verdict(candidate.candidate_id, outcome, answer, feedback, execution.duration_ms)


def _fault(candidate: Candidate, reason: str) -> Verdict:
    """The verdict on a program that crashes the judge. Raises ValueError if the gold answer is to blame."""
    if candidate.gold is not None:
        canonical_gold(candidate.answer_kind, candidate.gold)
    return Verdict(candidate.candidate_id, Outcome.SANDBOX_FAULT, None, clean(f"judging failed: {reason}"), 0.0)


def _check_safely(program: str, sandbox: Sandbox) -> Rejection | None:
    return attempt(
        lambda: _check(program, sandbox),
        lambda reason: Rejection(Outcome.SANDBOX_FAULT, clean(f"judging failed: {reason}")),
    )


def _judge_execution(candidate: Candidate, execution: Execution) -> Verdict:
    return attempt(lambda: _verdict(candidate, execution), lambda reason: _fault(candidate, reason))


def judge(sandbox: Sandbox, candidates: Sequence[Candidate]) -> list[Verdict]:
    """One verdict per candidate, in the same order. A program that occurs twice in the batch is executed once.

    A program must parse, define `solution`, import only allowed modules, run within its limits, return a comparable value
    that equals gold, and compute it rather than hard-code it (PaD, arXiv 2305.13888, section 3.1). A program that crashes
    these checks is a `sandbox_fault` with the reason and does not affect the verdicts of the others.

    Raises:
        ValueError: a candidate's `gold` is not an answer of its kind.
        StageError: the sandbox lost its workers and could not start new ones.
    """
    checks = {candidate.program: _check_safely(candidate.program, sandbox) for candidate in candidates}
    programs = [program for program, rejection in checks.items() if rejection is None]
    executions = dict(zip(programs, sandbox.run(programs), strict=True))
    return [
        _judge_execution(candidate, executions[candidate.program])
        if (rejection := checks[candidate.program]) is None
        else Verdict(candidate.candidate_id, rejection.outcome, None, rejection.feedback, 0.0)
        for candidate in candidates
    ]
