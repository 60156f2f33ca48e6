"""What a campaign varies, what it looks for, and how long."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, model_validator

STRATEGY = "evaluation.strategies.0"
"""The strategy that a campaign tunes: the recipe's first."""
ACCURACY, TOKENS = "accuracy", "tokens_per_question"

Kind = Literal["decode", "refine", "train"]
Objective = Literal["accuracy", "tokens_per_question"]

DIRECTIONS: dict[str, str] = {ACCURACY: "max", TOKENS: "min"}
CONCURRENT_DECODES = 4


class Range(BaseModel):
    """Numbers from `low` to `high`, both included; whole ones where the field takes no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: float = Field(description="the least value")
    high: float = Field(description="the largest value")
    log: bool = Field(False, description="try as many values between 1 and 10 as between 10 and 100")

    @model_validator(mode="after")
    def _ordered(self) -> "Range":
        if self.low >= self.high:
            raise ValueError(f"`low` is {self.low:g} and has to be below `high`, {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"`low` is {self.low:g} and has to be above 0 with `log`")
        return self


class Choice(BaseModel):
    """One of several values of any form; in a recipe their list alone will do."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    values: list[Any] = Field(min_length=1, description="the values to choose from")


def _from_list(given: Any) -> Any:
    return {"values": given} if isinstance(given, list) else given


def _form(given: Any) -> str:
    return "values" if isinstance(given, Choice) or (isinstance(given, dict) and "values" in given) else "range"


Domain = Annotated[
    Annotated[Range, Tag("range")] | Annotated[Choice, Tag("values")], Discriminator(_form), BeforeValidator(_from_list)
]
Space = dict[str, Domain]

DEFAULT_SPACES: dict[Kind, Space] = {
    "decode": {
        f"{STRATEGY}.kind": Choice(values=["step_beam"]),
        f"{STRATEGY}.beams": Range(low=1, high=8),
        f"{STRATEGY}.proposals": Range(low=2, high=6),
        f"{STRATEGY}.weight": Range(low=0.1, high=3, log=True),
        f"{STRATEGY}.temperature": Range(low=0.3, high=1.2),
        f"{STRATEGY}.verifiers": Choice(
            values=[["execution"], ["faithfulness"], ["execution", "faithfulness"], ["none"]]
        ),
    },
    "refine": {
        "refinement.variants_per_program": Range(low=1, high=6),
        # From the student's own histogram of errors to an even one.
        "refinement.smoothing": Range(low=0.3, high=100, log=True),
        "refinement.repair_share": Range(low=0.2, high=0.7),
        "refinement.rounds": Range(low=0, high=3),
    },
    "train": {
        "training.rationale_weight": Range(low=0.2, high=0.8),
        "training.learning_rate": Range(low=3e-5, high=1e-3, log=True),
        "training.lora": Choice(values=[None, {"rank": 4}, {"rank": 16}, {"rank": 64}]),
    },
}


class TuningConfig(BaseModel):
    """A campaign: trials of changed recipes on validation questions, and one look at the test questions at the end."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind = Field(
        "decode",
        description="decode: how the run's student answers; refine, train: how a student is refined or trained",
    )
    trials: int = Field(24, ge=1, description="recipes that are tried, the recipe as it is among them")
    objectives: list[Objective] = Field(
        ["accuracy"],
        min_length=1,
        description="accuracy; or accuracy and tokens_per_question, for the recipes of which none is better in both",
    )
    space: Space | None = Field(
        None,
        min_length=1,
        description="what is varied: a recipe's field as `section.field`, and {low, high, log} or a list of values; default: "
        "what the kind of campaign usually varies",
    )
    first: list[dict[str, Any]] = Field(
        [], description="parameters that are tried before any are drawn, as `section.field: value`"
    )
    validation_questions: int | None = Field(
        None,
        ge=1,
        description="validation questions that a trial answers at most; default: all that the corpus holds out",
    )
    stopping: bool = Field(
        True,
        description="stop trials that are behind others after as many questions or validations (ASHA); not with two objectives",
    )
    first_rung: int = Field(
        50,
        ge=1,
        description="decode: questions after which a trial can be stopped at the earliest; fewer favour luck",
    )
    reduction: int = Field(2, ge=2, description="of so many trials the best one goes on; it answers so many times more")
    concurrent: int | None = Field(
        None, ge=1, description=f"trials side by side; default: {CONCURRENT_DECODES} that decode, 1 that trains"
    )
    share: bool = Field(
        True,
        description="share between trials what they do not change; off: every trial makes all of it, to measure that",
    )

    @model_validator(mode="after")
    def _distinct(self) -> "TuningConfig":
        if self.objectives[0] != ACCURACY or len(set(self.objectives)) < len(self.objectives):
            raise ValueError("`objectives` are accuracy, or accuracy and tokens_per_question")
        return self

    @property
    def concurrency(self) -> int:
        """Trials that run side by side."""
        return self.concurrent or (CONCURRENT_DECODES if self.kind == "decode" else 1)

    @property
    def stops(self) -> bool:
        """Whether trials are stopped early. With two objectives one that is less accurate may still be worth its tokens."""
        return self.stopping and len(self.objectives) == 1

    def rungs(self, questions: int) -> list[int]:
        """Numbers of questions after which a decoding trial reports, ascending; the last is `questions`."""
        counts = [questions]
        while self.stops and counts[0] // self.reduction >= self.first_rung:
            counts.insert(0, counts[0] // self.reduction)
        # Multiples of the first, as ASHA has them: a report just below its milestone would pass for none.
        return [counts[0] * self.reduction**level for level in range(len(counts) - 1)] + [questions]
