"""How refinement data are made and used."""

from pydantic import BaseModel, ConfigDict, Field


class RefinementConfig(BaseModel):
    """Injected errors, repair rows among the training data, and rounds of repair at inference."""

    model_config = ConfigDict(extra="forbid")

    variants_per_program: int = Field(3, ge=1, description="wrong variants made of every correct program")
    smoothing: float = Field(
        1.0, gt=0, description="failures added to each class of error before the student's histogram becomes the mix"
    )
    repair_share: float = Field(
        0.5, gt=0, lt=1, description="share of repair rows in the training data; the rest are first-pass rows"
    )
    rounds: int = Field(
        1,
        ge=0,
        description="repairs of one answer at inference, after a crash, a time-out or a value that is no answer",
    )
    max_source_characters: int = Field(
        2000, ge=100, description="longest source of a repair row, in characters; about 4 a token"
    )
    actors: int | None = Field(
        None, ge=1, description="sandboxes that execute variants side by side; default: one a CPU of the cluster"
    )
    actor_cpus: float = Field(1.0, gt=0, description="CPUs that Ray reserves for one of them")
