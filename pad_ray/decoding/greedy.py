"""Greedy decoding: one completion a question at temperature 0."""

from typing import Literal

from pydantic import Field

from pad_ray.decoding.base import GREEDY_TEMPERATURE, Answer, Attempt, Strategy
from pad_ray.schema import PathKind


class Greedy(Strategy):
    """One path. A mixed student is asked single-path with this, once for each kind of path."""

    kind: Literal["greedy"] = "greedy"
    path: PathKind = Field(PathKind.PROGRAM, description="kind of the path: program, rationale or socratic")

    async def solve(self, attempt: Attempt) -> Answer:
        """What the likeliest path answers."""
        (answer,) = await attempt.sample(self.path, 1, GREEDY_TEMPERATURE, 1.0)
        return answer
