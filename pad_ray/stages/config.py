"""What the sizes of a run are reckoned with."""

from pydantic import BaseModel, ConfigDict, Field


class SizingConfig(BaseModel):
    """What `--dry-run` reckons with. Nothing here changes what a run does."""

    model_config = ConfigDict(extra="forbid")

    gpus: int | None = Field(None, ge=0, description="GPUs to reckon with; default: those of the cluster at hand")
    draft_tokens: float = Field(128, gt=0, description="tokens of a draft, and of a student's answer, on average")
    accepted_share: float = Field(0.5, gt=0, le=1, description="share of the drafts that are accepted")
    engine_tokens_per_s: float | None = Field(
        None,
        gt=0,
        description="completion tokens a second of one teacher engine; default, assumed: 4000 on GPU, 100 on CPU",
    )
    student_tokens_per_s: float | None = Field(
        None, gt=0, description="the same of an engine that serves the student; assumed: 10000 on GPU, 150 on CPU"
    )
    training_tokens_per_s: float | None = Field(
        None, gt=0, description="tokens a second of one training worker; assumed: 20000 on GPU, 125 on CPU"
    )
    student_parameters: float | None = Field(
        None, gt=0, description="parameters of the student; default: of a known model, else 1.5e9, assumed"
    )
