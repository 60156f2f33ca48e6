"""The assumptions from which `--dry-run` estimates the size of a run."""

from pydantic import BaseModel, ConfigDict, Field


class SizingConfig(BaseModel):
    """Assumptions of the estimates of `--dry-run`. They do not change a run."""

    model_config = ConfigDict(extra="forbid")

    gpus: int | None = Field(
        None, ge=0, description="GPUs of the planned cluster; default: those of the current cluster"
    )
    draft_tokens: float = Field(128, gt=0, description="mean tokens of a draft, and of a student's answer")
    accepted_share: float = Field(0.5, gt=0, le=1, description="share of the drafts that are accepted")
    engine_tokens_per_s: float | None = Field(
        None,
        gt=0,
        description="completion tokens per second of one teacher engine; assumed by default: 4000 on GPU, 100 on CPU",
    )
    student_tokens_per_s: float | None = Field(
        None, gt=0, description="the same for an engine of the student; assumed by default: 10000 on GPU, 150 on CPU"
    )
    training_tokens_per_s: float | None = Field(
        None, gt=0, description="tokens per second of one training worker; assumed by default: 20000 on GPU, 125 on CPU"
    )
    student_parameters: float | None = Field(
        None, gt=0, description="parameters of the student; default: those of a known model, else 1.5e9 (assumed)"
    )
