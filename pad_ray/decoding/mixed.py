"""Multi-path inference of a mixed student (Mixed Distillation, 2312.10730): chains of thought and programs vote."""

import asyncio
from typing import Literal

from pydantic import Field

from pad_ray.decoding.base import GREEDY_TEMPERATURE, Answer, Attempt, Strategy
from pad_ray.decoding.votes import VoteGroup, elect
from pad_ray.schema import PathKind

KINDS = (PathKind.PROGRAM, PathKind.RATIONALE)


class Mixed(Strategy):
    """Samples equal numbers of rationales and programs; the most frequent answer wins. Failed programs do not vote.

    Numerically equal answers count together. With one greedy path of each kind, a tie goes to the program if it ran,
    else to the rationale. `agreement` multiplies the votes of answers that both kinds give (as in PROVE, 2410.12608).
    """

    kind: Literal["mixed"] = "mixed"
    samples: int = Field(
        8, ge=2, multiple_of=2, description="total number of paths, half of each kind; with 2, both are greedy"
    )
    temperature: float = Field(0.7, gt=0, description="temperature of the samples")
    top_p: float = Field(1.0, gt=0, le=1, description="top-p of the samples")
    agreement: float = Field(1.0, ge=1, description="factor of the votes for an answer that both kinds give")

    async def solve(self, attempt: Attempt) -> Answer:
        """The answer that wins the vote."""
        each = self.samples // len(KINDS)
        temperature = self.temperature if each > 1 else GREEDY_TEMPERATURE
        top_p = self.top_p if each > 1 else 1.0
        parts = [attempt.part() for _ in KINDS]
        answers = await asyncio.gather(
            *(part.sample(kind, each, temperature, top_p) for part, kind in zip(parts, KINDS, strict=True))
        )
        attempt.join(parts)
        return elect([answer for some in answers for answer in some], attempt.question.answer_kind, self._weigh)

    def _weigh(self, group: VoteGroup) -> float:
        return len(group.answers) * (self.agreement if len(group.kinds) == len(KINDS) else 1.0)
