"""From candidate programs to verdicts; duplicates and caps need the whole corpus and come later."""

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
    """A program to judge. Without `gold` it is executed only; without `question_text` it may be hard-coded."""

    candidate_id: str
    program: str
    gold: str | None
    answer_kind: AnswerKind
    question_text: str | None


def _check(program: str, sandbox: Sandbox) -> Rejection | None:
    """The checks before execution: parses, binds `solution`, imports within the allow list. The tree is not kept."""
    tree = parse(program, sandbox.config.program_bytes)
    if isinstance(tree, Rejection):
        return tree
    return defines_solution(tree) or imports_allowed(tree, sandbox.config.allowed_imports)


def _answer(execution: Execution, kind: AnswerKind) -> str | None:
    """A returned value as an answer of this kind. A truth value answers yes or no, and is no number."""
    if execution.value_type != "bool":
        return execution.value
    if kind is AnswerKind.YES_NO:
        return "yes" if execution.value == "True" else "no"
    return None if kind is AnswerKind.NUMBER else execution.value


def _compare(candidate: Candidate, answer: str | None) -> Outcome:
    """The outcome of a program that returned a value. Here, outside the sandbox, is the only place that sees gold."""
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
    # Parsed again: the trees of a batch take a hundred times its text, and a program takes longer to run than to parse.
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
    """The verdict on a program that broke what judges it. Raises ValueError if the gold answer is what is broken."""
    if candidate.gold is not None:
        canonical_gold(candidate.answer_kind, candidate.gold)
    return Verdict(candidate.candidate_id, Outcome.SANDBOX_FAULT, None, clean(f"judging failed: {reason}"), 0.0)


def _checked(program: str, sandbox: Sandbox) -> Rejection | None:
    return attempt(
        lambda: _check(program, sandbox),
        lambda reason: Rejection(Outcome.SANDBOX_FAULT, clean(f"judging failed: {reason}")),
    )


def _judged(candidate: Candidate, execution: Execution) -> Verdict:
    return attempt(lambda: _verdict(candidate, execution), lambda reason: _fault(candidate, reason))


def judge(sandbox: Sandbox, candidates: Sequence[Candidate]) -> list[Verdict]:
    """One verdict a candidate, in the same order. A program that occurs twice in the batch is executed once.

    A program must parse, define `solution`, import what is allowed, run within its limits, return a value that can be
    compared and that equals gold, and compute it rather than state it (PaD, arXiv 2305.13888, section 3.1). A program that
    breaks these checks is a `sandbox_fault` with the reason, and costs no other its verdict.

    Raises:
        ValueError: a candidate's `gold` is no answer of its kind.
        StageError: the sandbox lost its workers and could not start new ones.
    """
    checks = {candidate.program: _checked(candidate.program, sandbox) for candidate in candidates}
    programs = [program for program, rejection in checks.items() if rejection is None]
    executions = dict(zip(programs, sandbox.run(programs), strict=True))
    return [
        _judged(candidate, executions[candidate.program])
        if (rejection := checks[candidate.program]) is None
        else Verdict(candidate.candidate_id, rejection.outcome, None, rejection.feedback, 0.0)
        for candidate in candidates
    ]
