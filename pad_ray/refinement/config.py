"""How refinement data are made and used."""

from pydantic import BaseModel, ConfigDict, Field


class RefinementConfig(BaseModel):
    """Injected errors, repair rows among the training data, and rounds of repair at inference."""

    model_config = ConfigDict(extra="forbid")

    questions: int | None = Field(
        None, ge=1, description="train questions that the student answers for its own errors; default: all"
    )
    samples: int = Field(4, ge=1, description="drafts of the student for each of them")
    temperature: float = Field(0.7, ge=0, description="sampling temperature of the student; 0 is greedy")
    top_p: float = Field(0.95, gt=0, le=1, description="nucleus of the student's sampling")
    variants_per_program: int = Field(3, ge=1, description="wrong variants made of every correct program")
    smoothing: float = Field(
        1.0, gt=0, description="failures added to each class of error before the student's histogram becomes the mix"
    )
    repair_share: float = Field(
        0.5, gt=0, lt=1, description="share of repair rows in the training data; the rest are first-pass rows"
    )
    on_policy_share: float = Field(
        0.5,
        ge=0,
        le=1,
        description="share of the student's own failures among the repair rows, where there are enough of them and of "
        "injected errors",
    )
    epochs: int | None = Field(None, ge=1, description="passes over the repair corpus at most; default: as in training")
    learning_rate: float | None = Field(
        None, gt=0, description="peak of the learning rate on the repair corpus; default: as in training"
    )
    max_tokens: int | None = Field(
        768, ge=8, description="longest row of the repair corpus, in tokens: its sources hold a program"
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
