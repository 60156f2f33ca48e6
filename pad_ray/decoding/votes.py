"""Answers counted: which ones are equal, and which one wins (self-consistency, 2203.11171)."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pad_ray.decoding.base import Answer
from pad_ray.schema import AnswerKind, PathKind
from pad_ray.tasks.answers import agreeing


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
        known = [answer.mean_logprob for answer in self.answers if answer.mean_logprob is not None]
        return sum(known) / len(known) if known else -math.inf


Weigh = Callable[[Group], float]


def groups(answers: Sequence[Answer], kind: AnswerKind) -> list[Group]:
    """The comparable answers, equal ones together, in the order of their first."""
    values = [answer.value if answer.valid else None for answer in answers]
    return [Group([answers[place] for place in places]) for places in agreeing(kind, values)]


def elect(answers: Sequence[Answer], kind: AnswerKind, weigh: Weigh | None = None) -> Answer:
    """The answer with the most votes, by default one a path; at least one answer must be given.

    Ties: an answer that a program gave first, then the higher mean log probability, then the earlier one (Mixed
    Distillation, 2312.10730, does not say). If nothing can be compared, an answer that says why. What is returned holds all
    answers as its `votes`.
    """
    found = groups(answers, kind)
    if not found:
        return replace(unanswered(answers), support=0.0, votes=tuple(answers))
    votes = weigh or (lambda group: float(len(group.answers)))
    won = max(found, key=lambda group: (votes(group), PathKind.PROGRAM in group.kinds, group.mean_logprob))
    # Of equal answers the program's, which can be repaired and read.
    chosen = next((answer for answer in won.answers if answer.kind is PathKind.PROGRAM), won.answers[0])
    return replace(chosen, support=len(won.answers) / len(answers), votes=tuple(answers))


def unanswered(answers: Sequence[Answer]) -> Answer:
    """Of answers that cannot be compared the one whose reason stays: the first that neither engine nor sandbox failed."""
    return next((answer for answer in answers if not answer.outcome.is_fault), answers[0])
