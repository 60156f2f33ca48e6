"""Greedy decoding: one completion per question at temperature 0."""

from typing import Any, ClassVar, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from pad_ray.decoding.base import GREEDY_TEMPERATURE, Answer, Attempt, Strategy
from pad_ray.decoding.calculator import complete
from pad_ray.schema import Outcome, PathKind


class Greedy(Strategy):
    """Decodes one path. Also measures a mixed student on a single kind of path."""

    repairable: ClassVar[bool] = True

    kind: Literal["greedy"] = "greedy"
    path: PathKind = Field(PathKind.PROGRAM, description="kind of the path: program, rationale or socratic")
    calculator: bool = Field(False, description="let a calculator write the values in << >>")

    @property
    def single_path(self) -> PathKind:
        """The kind of its path."""
        return self.path

    @property
    def continues_text(self) -> bool:
        """True with the calculator, which writes values into the text."""
        return self.calculator

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.calculator and self.path is PathKind.PROGRAM:
            raise ValueError(
                "calculator: a program is executed and needs no calculator; set path to rationale or socratic"
            )
        return self

    @model_serializer(mode="wrap")
    def _without_default(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out `calculator` if it is off, so that solutions stored before this option existed keep their key."""
        settings: dict[str, Any] = serialize(self)
        return (
            settings if self.calculator else {name: value for name, value in settings.items() if name != "calculator"}
        )

    async def solve(self, attempt: Attempt) -> Answer:
        """The answer of the most probable path."""
        if self.calculator:
            return await self._calculated(attempt)
        (answer,) = await attempt.sample(self.path, 1, GREEDY_TEMPERATURE, 1.0)
        return answer

    async def _calculated(self, attempt: Attempt) -> Answer:
        path = attempt.tools.paths[self.path]
        prompt = path.prompt(attempt.question)
        if not isinstance(prompt, str):
            raise ValueError(
                f"{self.label} uses the calculator, which cannot continue a chat turn: use plain-text prompts"
            )
        completion = await complete(attempt, prompt, path.next_question, attempt.tools.max_tokens, self.path)
        attempt.texts.append(completion.text)
        if completion.error is not None:
            return Answer(self.path, completion.text, Outcome.ENGINE_FAULT, None, completion.error)
        (answer,) = await attempt.read(self.path, [completion.text], [completion.cut])
        attempt.sampled.append(answer.value or "" if answer.valid else "")
        return answer
