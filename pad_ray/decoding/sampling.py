"""Strategies that sample whole paths: maj@k, best of n by a verifier, and sampling within another strategy's token budget."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from pad_ray.decoding.base import GREEDY_TEMPERATURE, Answer, Attempt, Strategy
from pad_ray.decoding.steps import steps_of
from pad_ray.decoding.verifiers import PRUNED, VerifierConfig, require_fitting
from pad_ray.decoding.votes import elect, unanswered
from pad_ray.schema import PathKind

Aggregate = Literal["last", "minimum", "mean"]
AGGREGATES: Mapping[Aggregate, Callable[[Sequence[float]], float]] = {
    "mean": fmean,
    "minimum": min,
    "last": lambda scores: scores[-1],
}


class SamplingStrategy(Strategy):
    """Settings of all sampling strategies."""

    path: PathKind = Field(PathKind.PROGRAM, description="kind of the paths: program, rationale or socratic")
    temperature: float = Field(0.7, gt=0, description="temperature of the samples")
    top_p: float = Field(1.0, gt=0, le=1, description="top-p of the samples")


class Vote(SamplingStrategy):
    """maj@k over the answers of programs that ran, or of texts with an answer; ties are broken by mean log probability."""

    repairable: ClassVar[bool] = True

    kind: Literal["vote"] = "vote"
    samples: int = Field(8, ge=1, description="number of voting paths, the k of maj@k")

    @property
    def whole_paths(self) -> int:
        """All samples."""
        return self.samples

    async def solve(self, attempt: Attempt) -> Answer:
        """The most frequent answer."""
        answers = await attempt.sample(self.path, self.samples, self.temperature, self.top_p)
        return elect(answers, attempt.question.answer_kind)


class BestOfN(SamplingStrategy):
    """Chooses the sample with the best verifier scores among those with an answer."""

    repairable: ClassVar[bool] = True

    kind: Literal["best_of_n"] = "best_of_n"
    samples: int = Field(8, ge=1, description="number of paths to choose from")
    verifiers: tuple[VerifierConfig, ...] = Field(
        (VerifierConfig(kind="faithfulness"),), min_length=1, description="step verifiers that choose"
    )
    aggregate: Aggregate = Field(
        "minimum",
        description="how the log scores of lines give a sample's score: that of the last line, their minimum or their mean",
    )

    @property
    def whole_paths(self) -> int:
        """All samples."""
        return self.samples

    @model_validator(mode="after")
    def _fits(self) -> Self:
        require_fitting(self.path, self.verifiers)
        return self

    async def solve(self, attempt: Attempt) -> Answer:
        """The best sample's answer; ties go to the more probable, then to the earlier sample."""
        answers = await attempt.sample(self.path, self.samples, self.temperature, self.top_p)
        valid = [answer for answer in answers if answer.valid]
        if not valid:
            return unanswered(answers)
        scores = await asyncio.gather(*(self._score(attempt, answer) for answer in valid))
        best = max(range(len(valid)), key=lambda index: (scores[index], valid[index].likelihood))
        return valid[best]

    async def _score(self, attempt: Attempt, answer: Answer) -> float:
        scores = await attempt.log_scores(self.verifiers, steps_of(self.path, answer.text))
        return AGGREGATES[self.aggregate](scores) if scores else PRUNED


class Resample(SamplingStrategy):
    """Plain sampling and a vote, with at least the completion tokens that another strategy spent on the same question.

    The fair baseline of a strategy that spends more than greedy decoding: first the greedy path, then samples.
    """

    kind: Literal["resample"] = "resample"
    like: str = Field(description="name of an earlier strategy, whose tokens are the budget")
    max_samples: int = Field(256, ge=1, description="maximum number of samples, whatever they cost")

    @property
    def reference(self) -> str | None:
        """The strategy named by `like`."""
        return self.like

    async def solve(self, attempt: Attempt) -> Answer:
        """The most frequent answer of the paths that the budget allows."""
        answers = await attempt.sample(self.path, 1, GREEDY_TEMPERATURE, 1.0)
        while attempt.completion_tokens < attempt.budget and len(answers) <= self.max_samples:
            each = max(1, attempt.completion_tokens // len(answers))
            count = max(1, (attempt.budget - attempt.completion_tokens) // each)
            # The cost of a few paths predicts the next ones poorly, so at most double their number.
            count = min(count, len(answers), self.max_samples + 1 - len(answers))
            answers += await attempt.sample(self.path, count, self.temperature, self.top_p, len(answers))
        return elect(answers, attempt.question.answer_kind)
