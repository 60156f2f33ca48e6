"""Answers counted: which ones are equal, and which one wins (self-consistency, 2203.11171)."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pad_ray.decoding.base import Answer
from pad_ray.schema import AnswerKind, Outcome, PathKind
from pad_ray.tasks.answers import agreeing, canonical_answer


@dataclass
class Group:
    """Answers that are equal to the first of them, in the order in which they came."""

    answers: list[Answer]

    @property
    def kinds(self) -> set[PathKind]:
        return {answer.kind for answer in self.answers}

    @property
    def mean_logprob(self) -> float:
        """The mean of the answers' log probabilities a token; a group of which none is known is below all others."""
        known = [answer.likelihood for answer in self.answers if answer.likelihood > -math.inf]
        return sum(known) / len(known) if known else -math.inf


Weigh = Callable[[Group], float]


def groups(answers: Sequence[Answer], kind: AnswerKind) -> list[Group]:
    """The comparable answers, equal ones together, in the order of their first."""
    values = [answer.value if answer.valid else None for answer in answers]
    return [Group([answers[place] for place in places]) for places in agreeing(kind, values)]


def count(group: Group) -> float:
    """One vote an answer."""
    return float(len(group.answers))


def winner(found: Sequence[Group], weigh: Weigh = count) -> Group:
    """The group with the most votes.

    Ties: an answer that a program gave first, then the higher mean log probability, then the earlier one (Mixed
    Distillation, 2312.10730, does not say).
    """
    return max(found, key=lambda group: (weigh(group), PathKind.PROGRAM in group.kinds, group.mean_logprob))


def majority(kind: AnswerKind, values: Sequence[str | None], logprobs: Sequence[float]) -> int | None:
    """The place of the first value of the group that wins, for values whose paths are all of one kind; None without any."""
    texts = [canonical_answer(kind, value) if value else None for value in values]
    answers = [
        Answer(PathKind.PROGRAM, "", Outcome.ACCEPTED if text else Outcome.NO_ANSWER, text, "", logprob)
        for text, logprob in zip(texts, logprobs, strict=True)
    ]
    found = groups(answers, kind)
    if not found:
        return None
    first = winner(found).answers[0]
    return next(place for place, answer in enumerate(answers) if answer is first)


def elect(answers: Sequence[Answer], kind: AnswerKind, weigh: Weigh = count) -> Answer:
    """The answer of the `winner`; at least one answer must be given. It holds all answers as its `votes`.

    If nothing can be compared it is an answer that says why.
    """
    found = groups(answers, kind)
    if not found:
        return replace(unanswered(answers), support=0.0, votes=tuple(answers))
    won = winner(found, weigh)
    # Of equal answers the program's, which can be repaired and read.
    chosen = next((answer for answer in won.answers if answer.kind is PathKind.PROGRAM), won.answers[0])
    return replace(chosen, support=len(won.answers) / len(answers), votes=tuple(answers))


def unanswered(answers: Sequence[Answer]) -> Answer:
    """Of answers that cannot be compared the one whose reason stays: the first that neither engine nor sandbox failed."""
    return next((answer for answer in answers if not answer.outcome.is_fault), answers[0])
