"""Vote on answers: group equal answers and choose the winner (self-consistency, 2203.11171)."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pad_ray.decoding.base import Answer
from pad_ray.schema import AnswerKind, Outcome, PathKind
from pad_ray.tasks.answers import agreeing, canonical_answer


@dataclass
class VoteGroup:
    """Answers that equal the first of them, in their original order."""

    answers: list[Answer]

    @property
    def kinds(self) -> set[PathKind]:
        return {answer.kind for answer in self.answers}

    @property
    def mean_logprob(self) -> float:
        """The mean of the answers' log probabilities per token; -inf if none is known, which is below all other groups."""
        known = [answer.likelihood for answer in self.answers if answer.likelihood > -math.inf]
        return sum(known) / len(known) if known else -math.inf


Weigh = Callable[[VoteGroup], float]


def groups(answers: Sequence[Answer], kind: AnswerKind) -> list[VoteGroup]:
    """The comparable answers in groups of equal ones, in the order of each group's first answer."""
    values = [answer.value if answer.valid else None for answer in answers]
    return [VoteGroup([answers[place] for place in places]) for places in agreeing(kind, values)]


def count(group: VoteGroup) -> float:
    """One vote per answer."""
    return float(len(group.answers))


def winner(found: Sequence[VoteGroup], weigh: Weigh = count) -> VoteGroup:
    """The group with the most votes.

    Ties go to an answer that a program gave, then to the higher mean log probability, then to the earlier group (Mixed
    Distillation, 2312.10730, does not specify ties).
    """
    return max(found, key=lambda group: (weigh(group), PathKind.PROGRAM in group.kinds, group.mean_logprob))


def majority(kind: AnswerKind, values: Sequence[str | None], logprobs: Sequence[float]) -> int | None:
    """The index of the winning group's first value, for values of one kind of path; None if no value is comparable."""
    texts = [canonical_answer(kind, value) if value else None for value in values]
    answers = [
        Answer(PathKind.PROGRAM, "", Outcome.ACCEPTED if text else Outcome.NO_ANSWER, text, "", logprob)
        for text, logprob in zip(texts, logprobs, strict=True)
    ]
    candidates = groups(answers, kind)
    if not candidates:
        return None
    first = winner(candidates).answers[0]
    return next(place for place, answer in enumerate(answers) if answer is first)


def elect(answers: Sequence[Answer], kind: AnswerKind, weigh: Weigh = count) -> Answer:
    """The answer of the `winner`, with all answers as its `votes`. Needs at least one answer.

    If no answer is comparable, the result is an answer with the reason.
    """
    candidates = groups(answers, kind)
    if not candidates:
        return replace(unanswered(answers), support=0.0, votes=tuple(answers))
    won = winner(candidates, weigh)
    # Among equal answers prefer a program, which can be inspected and repaired.
    chosen = next((answer for answer in won.answers if answer.kind is PathKind.PROGRAM), won.answers[0])
    return replace(chosen, support=len(won.answers) / len(answers), votes=tuple(answers))


def unanswered(answers: Sequence[Answer]) -> Answer:
    """The representative of answers that cannot be compared: the first without an engine or sandbox fault, else the first."""
    return next((answer for answer in answers if not answer.outcome.is_fault), answers[0])
