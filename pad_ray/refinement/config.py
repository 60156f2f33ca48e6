"""Settings for generating and using refinement data."""

from pydantic import BaseModel, ConfigDict, Field


class RefinementConfig(BaseModel):
    """Injected errors, repair rows among the training data, and rounds of repair at inference."""

    model_config = ConfigDict(extra="forbid")

    questions: int | None = Field(
        None, ge=1, description="number of train questions that the student answers to collect its errors; default: all"
    )
    samples: int = Field(4, ge=1, description="drafts of the student per question")
    temperature: float = Field(0.7, ge=0, description="sampling temperature of the student; 0 is greedy")
    top_p: float = Field(0.95, gt=0, le=1, description="nucleus sampling (top-p) of the student")
    variants_per_program: int = Field(3, ge=1, description="wrong variants generated from each correct program")
    smoothing: float = Field(
        1.0, gt=0, description="additive smoothing: failures added to each class of the student's error histogram"
    )
    repair_share: float = Field(
        0.5, gt=0, lt=1, description="share of repair rows in the training data; the others are first-pass rows"
    )
    on_policy_share: float = Field(
        0.5,
        ge=0,
        le=1,
        description="share of the student's own failures among the repair rows, if there are enough of both kinds",
    )
    epochs: int | None = Field(None, ge=1, description="maximum passes over the repair corpus; default: as in training")
    learning_rate: float | None = Field(
        None, gt=0, description="peak learning rate on the repair corpus; default: as in training"
    )
    max_tokens: int | None = Field(
        768, ge=8, description="maximum length of a repair row in tokens; its source contains a program"
    )
    rounds: int = Field(
        1,
        ge=0,
        description="maximum repairs of an answer at inference, after a crash, a time-out or a value that is not an answer",
    )
    max_source_characters: int = Field(
        2000, ge=100, description="maximum length of a repair row's source in characters; about 4 per token"
    )
    actors: int | None = Field(
        None, ge=1, description="number of sandboxes that execute variants; default: one per CPU of the cluster"
    )
    actor_cpus: float = Field(1.0, gt=0, description="CPUs that Ray reserves for one sandbox")
