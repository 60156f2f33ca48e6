"""Settings for verifying a file of programs."""

from pydantic import BaseModel, ConfigDict, Field

from pad_ray.schema import AnswerKind


class VerificationConfig(BaseModel):
    """The kind of answer, the size of a unit of work and the number of sandboxes."""

    model_config = ConfigDict(extra="forbid")

    answer_kind: AnswerKind = Field(AnswerKind.NUMBER, description="format of `gold` and rule of comparison")
    keep: list[str] = Field(
        default_factory=list, description="additional columns of the file to copy to the verdicts, as `level,source`"
    )
    part_rows: int = Field(
        2000, ge=1, le=100_000, description="rows per part of the output; the most that a kill loses per actor"
    )
    actors: int | None = Field(
        None, ge=1, description="Ray actors, each with a sandbox; default: one per CPU of the cluster"
    )
    actor_cpus: float = Field(1.0, gt=0, description="CPUs that Ray reserves for one actor")
