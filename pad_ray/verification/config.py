"""How a file of programs is verified."""

from pydantic import BaseModel, ConfigDict, Field

from pad_ray.schema import AnswerKind


class VerificationConfig(BaseModel):
    """The kind of answer, the size of a unit of work and how many sandboxes work side by side."""

    model_config = ConfigDict(extra="forbid")

    answer_kind: AnswerKind = Field(AnswerKind.NUMBER, description="how `gold` is written and compared")
    keep: list[str] = Field(
        default_factory=list, description="further columns of the file that the verdicts carry on, as `level,source`"
    )
    part_rows: int = Field(
        2000, ge=1, le=100_000, description="rows of one part of the output: what a kill loses at most for each actor"
    )
    actors: int | None = Field(
        None, ge=1, description="Ray actors, each with a sandbox; default: one a CPU of the cluster"
    )
    actor_cpus: float = Field(1.0, gt=0, description="CPUs that Ray reserves for one actor")
