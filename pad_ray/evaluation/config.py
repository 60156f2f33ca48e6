"""The configuration of evaluation."""

from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from pad_ray.decoding.config import Strategies, checked
from pad_ray.decoding.greedy import Greedy
from pad_ray.engines.config import EngineConfig


def _greedy() -> Strategies:
    return [Greedy()]


class EvaluationConfig(BaseModel):
    """Decoding settings, and the engine that serves students; the engine's `model` is replaced by the measured student."""

    model_config = ConfigDict(extra="forbid")

    max_tokens: int = Field(256, ge=1, description="maximum length of a path, in tokens")
    strategies: Annotated[Strategies, AfterValidator(checked)] = Field(
        default_factory=_greedy,
        min_length=1,
        description="strategies of the student: greedy, vote, best_of_n, step_beam, token_beam, refine, mixed, socratic, "
        "resample; each a name or a mapping with settings",
    )
    equal_compute: bool = Field(
        True,
        description="add a baseline to step_beam, token_beam and refine: plain sampling with as many tokens per question",
    )
    retry_faults: bool = Field(
        False, description="solve questions with an engine or sandbox fault in an earlier run again"
    )
    live_questions: int = Field(64, ge=1, description="concurrent questions per engine")
    student: str | None = Field(None, description="evaluate.py: model to measure; default: the run's student")
    engine: EngineConfig = Field(default_factory=EngineConfig, description="engine that serves students")
