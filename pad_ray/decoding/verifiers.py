"""Step verifiers rate a finished line of a path from 0 to 1 while the path is still being written.

A recipe gives a verifier by its short name, or a user class as `module:Class`. The class is instantiated once per engine with
its `VerifierConfig`, and needs one method:

    class NoNegatives:
        def __init__(self, config: VerifierConfig) -> None: ...

        async def scores(self, question: Question, steps: Sequence[Step], execute: Execute) -> Sequence[float]:
            return [0.1 if "= -" in step.line else 1.0 for step in steps]
"""

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pad_ray.extensions import named_class
from pad_ray.sandbox import Candidate
from pad_ray.schema import PathKind, Question, Verdict

Execute = Callable[[Sequence[Candidate]], Awaitable[list[Verdict]]]

NAMED = {
    "none": "pad_ray.decoding.verifiers:NoVerifier",
    "execution": "pad_ray.decoding.execution:ExecutionVerifier",
    "faithfulness": "pad_ray.decoding.faithfulness:FaithfulnessVerifier",
    "verifier": "pad_ray.decoding.step_scorer:StepScorer",
}
PRUNED = -math.inf
"""The log score of a step that scores 0: no continuation of it can be correct."""


@dataclass(frozen=True, slots=True)
class ReasoningStep:
    """A finished, non-empty line of a path and the text before it, both unchanged."""

    before: str
    line: str

    @property
    def text(self) -> str:
        """The path up to and including this line."""
        return self.before + self.line


class StepVerifier(Protocol):
    """Scores steps of paths for one question from 0 (prune) to 1."""

    async def scores(self, question: Question, steps: Sequence[ReasoningStep], execute: Execute) -> Sequence[float]: ...


class VerifierConfig(BaseModel):
    """A step verifier and its weight; a recipe may give only the name."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str = Field(
        description="none; execution: the program so far runs and its new value is finite; faithfulness: the line is close to "
        "a sentence of the question; verifier: a trained step scorer; or your own class as module:Class"
    )
    weight: float = Field(1.0, gt=0, description="factor of the logarithm of its score")
    model: str | None = Field(
        None,
        description="faithfulness: sentence embedder, default all-minilm-l6-v2; verifier: folder of the trained scorer",
    )

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, given: Any) -> Any:
        return {"kind": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _known(self) -> "VerifierConfig":
        if self.kind not in NAMED and ":" not in self.kind:
            raise ValueError(f"{self.kind!r} is not a step verifier: use one of {', '.join(NAMED)}, or module:Class")
        if self.kind == "verifier" and self.model is None:
            raise ValueError("the step verifier 'verifier' needs `model`, the folder of a trained step scorer")
        return self


def require_fitting(path: PathKind, verifiers: Sequence[VerifierConfig]) -> None:
    """Raise ValueError if a verifier would execute lines of a path that is not a program: it would prune all of them."""
    if path is not PathKind.PROGRAM and any(config.kind == "execution" for config in verifiers):
        raise ValueError(
            f"the step verifier 'execution' runs programs; for path {path.value} use others, such as [faithfulness] or [none]"
        )


class NoVerifier:
    """Leaves the search to the likelihood."""

    def __init__(self, config: VerifierConfig) -> None:
        pass

    async def scores(self, question: Question, steps: Sequence[ReasoningStep], execute: Execute) -> Sequence[float]:
        """Return 1 for every step."""
        return [1.0] * len(steps)


class Verifiers:
    """The step verifiers of one engine's process, each opened at first use because some load a model."""

    def __init__(self) -> None:
        self.opened: dict[VerifierConfig, StepVerifier] = {}

    def get(self, config: VerifierConfig) -> StepVerifier:
        """The verifier of a config; the caller applies its weight.

        Raises:
            InputError: the class does not exist, or its model cannot be used.
        """
        if config not in self.opened:
            self.opened[config] = open_verifier(config)
        return self.opened[config]

    async def log_scores(
        self, configs: Sequence[VerifierConfig], question: Question, steps: Sequence[ReasoningStep], execute: Execute
    ) -> list[float]:
        """The weighted sum over verifiers of log S for each step; `PRUNED` if one of them gives 0."""
        totals = [0.0] * len(steps)
        for config in configs:
            scores = await self.get(config).scores(question, steps, execute)
            for index, score in enumerate(scores):
                totals[index] += config.weight * (math.log(score) if score > 0 else PRUNED)
        return totals


def open_verifier(config: VerifierConfig) -> StepVerifier:
    """The step verifier that a config names.

    Raises:
        InputError: the module or class does not exist.
    """
    kind = named_class(NAMED.get(config.kind, config.kind), "step verifier")
    return cast(StepVerifier, kind(config))
