"""Greedy decoding: one completion a question at temperature 0."""

from typing import Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from pad_ray.decoding.base import GREEDY_TEMPERATURE, Answer, Attempt, Strategy
from pad_ray.decoding.calculator import complete
from pad_ray.schema import Outcome, PathKind


class Greedy(Strategy):
    """One path. A mixed student is asked single-path with this, once for each kind of path."""

    kind: Literal["greedy"] = "greedy"
    path: PathKind = Field(PathKind.PROGRAM, description="kind of the path: program, rationale or socratic")
    calculator: bool = Field(False, description="the values of calculations in << >> come from a calculator")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.calculator and self.path is PathKind.PROGRAM:
            raise ValueError("calculator: a program is executed and needs none; set path to rationale or socratic")
        return self

    @model_serializer(mode="wrap")
    def _without_default(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Solutions are stored under these settings: an option that is off leaves them as they were without it."""
        settings: dict[str, Any] = serialize(self)
        return (
            settings if self.calculator else {name: value for name, value in settings.items() if name != "calculator"}
        )

    async def solve(self, attempt: Attempt) -> Answer:
        """What the likeliest path answers."""
        if self.calculator:
            return await self._calculated(attempt)
        (answer,) = await attempt.sample(self.path, 1, GREEDY_TEMPERATURE, 1.0)
        return answer

    async def _calculated(self, attempt: Attempt) -> Answer:
        path = attempt.tools.paths[self.path]
        prompt = path.prompt(attempt.question)
        if not isinstance(prompt, str):
            raise ValueError(
                f"{self.label} has a calculator, which cannot go on with a turn of a chat: ask with plain text"
            )
        written = await complete(attempt, prompt, path.next_question, attempt.tools.max_tokens, self.path)
        attempt.texts.append(written.text)
        if written.error is not None:
            return Answer(self.path, written.text, Outcome.ENGINE_FAULT, None, written.error)
        (answer,) = await attempt.read(self.path, [written.text], [written.cut])
        attempt.sampled.append(answer.value or "" if answer.valid else "")
        return answer
