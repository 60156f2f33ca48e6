"""Multi-path inference of a student of both kinds (Mixed Distillation, 2312.10730): chains of thought and programs vote."""

import asyncio
from typing import Literal

from pydantic import Field

from pad_ray.decoding.base import GREEDY_TEMPERATURE, Answer, Attempt, Strategy
from pad_ray.decoding.votes import Group, elect
from pad_ray.schema import PathKind

KINDS = (PathKind.PROGRAM, PathKind.RATIONALE)


class Mixed(Strategy):
    """As many rationales as programs, failed programs dropped; the most frequent of numerically equal answers wins.

    With one path of each kind, both greedy, a disagreement goes to the program if it ran, else to the rationale. With
    `agreement` above 1, an answer that both kinds give weighs that much more (as in PROVE, 2410.12608).
    """

    kind: Literal["mixed"] = "mixed"
    samples: int = Field(8, ge=2, multiple_of=2, description="paths in all, half of each kind; with 2 both are greedy")
    temperature: float = Field(0.7, gt=0, description="temperature of the samples")
    top_p: float = Field(1.0, gt=0, le=1, description="share of the probability that samples are drawn from")
    agreement: float = Field(1.0, ge=1, description="factor of the votes for an answer that both kinds give")

    async def solve(self, attempt: Attempt) -> Answer:
        """The answer that wins the vote."""
        each = self.samples // len(KINDS)
        temperature = self.temperature if each > 1 else GREEDY_TEMPERATURE
        top_p = self.top_p if each > 1 else 1.0
        parts = [attempt.part() for _ in KINDS]
        found = await asyncio.gather(
            *(part.sample(kind, each, temperature, top_p) for part, kind in zip(parts, KINDS, strict=True))
        )
        attempt.join(parts)
        return elect([answer for some in found for answer in some], attempt.question.answer_kind, self._weigh)

    def _weigh(self, group: Group) -> float:
        return len(group.answers) * (self.agreement if len(group.kinds) == len(KINDS) else 1.0)
