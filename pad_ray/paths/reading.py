"""What a student's path answers, before and after it is compared: one reading, in training as in evaluation.

Half a path states nothing, a program answers by what it returns, any other path by what it states last. Steps are not
judged: a student is scored by its answer alone.
"""

import math
from dataclasses import dataclass

from pad_ray.errors import attempt
from pad_ray.paths.base import Parsed, unfinished
from pad_ray.paths.equations import legible
from pad_ray.schema import AnswerKind, Outcome, PathKind, Question, Verdict
from pad_ray.tasks.answers import canonical_gold, equal, extract_final_answer


@dataclass(frozen=True, slots=True)
class Answer:
    """What a path answers, before anybody compares it.

    `outcome` is `ACCEPTED` if there is a `value` that can be compared, else why there is none. `mean_logprob` is in nats
    a token. `support` is the share of votes that the value got, and `votes` are the answers that were counted, if any were.
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
        """`mean_logprob` to rank by: one that is not known is below all others."""
        return -math.inf if self.mean_logprob is None else self.mean_logprob


def read_answer(kind: PathKind, parsed: Parsed, answer_kind: AnswerKind, *, cut: bool) -> Answer | None:
    """What a path states; None for a program that has to be executed.

    A text that was `cut` by the token limit answers only if all of its path is there.
    """
    if cut and not parsed.complete:
        return Answer(kind, parsed.text, Outcome.TRUNCATED, None, unfinished(kind))
    if kind is PathKind.PROGRAM:
        return None
    return attempt(
        lambda: _stated(kind, parsed.text, answer_kind), lambda reason: broken_answer(kind, parsed.text, reason)
    )


def broken_answer(kind: PathKind, text: str, reason: str) -> Answer:
    """The answer of a text that breaks what reads it."""
    return Answer(kind, text, Outcome.SANDBOX_FAULT, None, f"judging failed: {reason}")


def read_verdict(program: str, verdict: Verdict, answer_kind: AnswerKind) -> Answer:
    """What a program answers that was executed without gold."""
    return _answer(PathKind.PROGRAM, program, verdict.outcome, verdict.value, verdict.feedback, answer_kind)


def outcome_of(question: Question, answer: Answer) -> tuple[Outcome, str]:
    """Outcome and feedback of an answer compared with its question's gold; one that breaks the comparison is a fault."""
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
