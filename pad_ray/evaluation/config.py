"""How students are measured."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pad_ray.decoding.config import Strategies, checked
from pad_ray.decoding.greedy import Greedy
from pad_ray.engines.config import EngineConfig


def _greedy() -> Strategies:
    return [Greedy()]


class EvaluationConfig(BaseModel):
    """Decoding and the engine that serves students; the engine's `model` is set to the student that is measured."""

    model_config = ConfigDict(extra="forbid")

    max_tokens: int = Field(256, ge=1, description="longest path, in tokens")
    strategies: Annotated[Strategies, AfterValidator(checked)] = Field(
        default_factory=_greedy,
        min_length=1,
        description="how the trained student answers: greedy, vote, best_of_n, step_beam, token_beam, refine, mixed, socratic, "
        "resample, each a name or a mapping with its settings",
    )
    equal_compute: bool = Field(
        True,
        description="beside step_beam, token_beam and refine, plain sampling with as many tokens on the same questions",
    )
    retry_faults: bool = Field(False, description="ask again questions that engine or sandbox failed in an earlier run")
    live_questions: int = Field(64, ge=1, description="questions that one engine works on at once")
    student: str | None = Field(
        None, description="evaluate.py: the model to measure; default: the student in the run's folder"
    )
    engine: EngineConfig = Field(default_factory=EngineConfig, description="the engine that serves students")
