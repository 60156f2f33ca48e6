"""The answer of a student's path, before and after comparison: training and evaluation read it in the same way.

A truncated path has no answer. The answer of a program is its return value, that of any other path its last statement. Steps
are not judged: only the answer of a student is scored.
"""

import math
from dataclasses import dataclass

from pad_ray.errors import attempt
from pad_ray.paths.base import ParsedPath, unfinished
from pad_ray.paths.equations import legible
from pad_ray.schema import AnswerKind, Outcome, PathKind, Question, Verdict
from pad_ray.tasks.answers import canonical_gold, equal, extract_final_answer


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of a path, before it is compared with gold.

    `outcome` is `ACCEPTED` if `value` can be compared, else the reason why not. `mean_logprob` is in nats per token.
    `support` is the value's share of the votes, and `votes` are the counted answers, if there was a vote.
    """

    kind: PathKind
    text: str
    outcome: Outcome
    value: str | None
    feedback: str
    mean_logprob: float | None = None
    support: float = 1.0
    votes: tuple["Answer", ...] = ()

    @property
    def valid(self) -> bool:
        return self.outcome is Outcome.ACCEPTED

    @property
    def likelihood(self) -> float:
        """`mean_logprob` for ranking; an unknown one ranks below all others."""
        return -math.inf if self.mean_logprob is None else self.mean_logprob


def read_answer(kind: PathKind, parsed: ParsedPath, answer_kind: AnswerKind, *, cut: bool) -> Answer | None:
    """The answer that a path states; None for a program, which must be executed first.

    A text that the token limit `cut` has an answer only if its path is complete.
    """
    if cut and not parsed.complete:
        return Answer(kind, parsed.text, Outcome.TRUNCATED, None, unfinished(kind))
    if kind is PathKind.PROGRAM:
        return None
    return attempt(
        lambda: _stated(kind, parsed.text, answer_kind), lambda reason: broken_answer(kind, parsed.text, reason)
    )


def broken_answer(kind: PathKind, text: str, reason: str) -> Answer:
    """The answer recorded for a text that crashes its reader."""
    return Answer(kind, text, Outcome.SANDBOX_FAULT, None, f"judging failed: {reason}")


def read_verdict(program: str, verdict: Verdict, answer_kind: AnswerKind) -> Answer:
    """The answer of a program that was executed without gold."""
    return _answer(PathKind.PROGRAM, program, verdict.outcome, verdict.value, verdict.feedback, answer_kind)


def outcome_of(question: Question, answer: Answer) -> tuple[Outcome, str]:
    """Outcome and feedback of an answer compared with its question's gold; an error of the comparison is a sandbox fault."""
    return attempt(
        lambda: (_compare(question, answer), answer.feedback),
        lambda reason: (Outcome.SANDBOX_FAULT, f"judging failed: {reason}"),
    )


def _compare(question: Question, answer: Answer) -> Outcome:
    if not answer.valid or answer.value is None:
        return answer.outcome
    same = equal(question.answer_kind, answer.value, question.gold)
    if same is None:
        return Outcome.NOT_COMPARABLE
    return Outcome.ACCEPTED if same else Outcome.WRONG_ANSWER


def _stated(kind: PathKind, text: str, answer_kind: AnswerKind) -> Answer:
    value = extract_final_answer(answer_kind, text)
    if value is None:
        return Answer(kind, text, Outcome.NO_ANSWER, None, "the text states no final answer")
    return _answer(kind, text, Outcome.ACCEPTED, value, f"the answer is {legible(value, 100)}", answer_kind)


def _answer(
    kind: PathKind, text: str, outcome: Outcome, value: str | None, feedback: str, answer_kind: AnswerKind
) -> Answer:
    comparable = value is not None and attempt(lambda: _comparable(answer_kind, value), lambda _: False)
    if outcome is Outcome.ACCEPTED and not comparable:
        outcome = Outcome.NOT_COMPARABLE
    return Answer(kind, text, outcome, value, feedback)


def _comparable(kind: AnswerKind, value: str) -> bool:
    try:
        canonical_gold(kind, value)
    except ValueError:
        return False
    return True
