"""The configuration of a campaign: search space, objectives and number of trials."""

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
    """Numbers from `low` to `high`, both included; only integers if the field accepts only integers."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    low: float = Field(description="smallest value")
    high: float = Field(description="largest value")
    log: bool = Field(False, description="sample on a logarithmic scale")

    @model_validator(mode="after")
    def _ordered(self) -> "Range":
        if self.low >= self.high:
            raise ValueError(f"`low` is {self.low:g} and has to be below `high`, {self.high:g}")
        if self.log and self.low <= 0:
            raise ValueError(f"`low` is {self.low:g} and has to be above 0 with `log`")
        return self


class Choice(BaseModel):
    """One of several values of any type; a recipe may give only the list of values."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    values: list[Any] = Field(min_length=1, description="values to choose from")


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
        # From the student's own histogram of errors to a uniform one.
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
    """A campaign: trials of changed recipes on validation questions, and a single final test on the test questions."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind = Field(
        "decode",
        description="decode: tune the decoding of the run's student; refine, train: tune how a student is refined or trained",
    )
    trials: int = Field(24, ge=1, description="number of trials, including the unchanged recipe")
    objectives: list[Objective] = Field(
        ["accuracy"],
        min_length=1,
        description="accuracy; or accuracy and tokens_per_question, for the Pareto front of both",
    )
    space: Space | None = Field(
        None,
        min_length=1,
        description="search space: recipe fields as `section.field` with {low, high, log} or a list of values; default: a "
        "space for the kind of campaign",
    )
    first: list[dict[str, Any]] = Field([], description="points to try first, each a mapping `section.field: value`")
    validation_questions: int | None = Field(
        None,
        ge=1,
        description="maximum number of validation questions per trial; default: all held-out questions of the corpus",
    )
    stopping: bool = Field(
        True,
        description="stop trials that are worse than others after equally many questions or validations (ASHA); only with one "
        "objective",
    )
    first_rung: int = Field(
        50,
        ge=1,
        description="decode: minimum number of questions before a trial can be stopped; with fewer, chance decides",
    )
    reduction: int = Field(
        2,
        ge=2,
        description="at each rung, the best 1/reduction of the trials continue, with reduction times as many questions",
    )
    concurrent: int | None = Field(
        None, ge=1, description=f"concurrent trials; default: {CONCURRENT_DECODES} for decode, 1 for refine and train"
    )
    share: bool = Field(
        True,
        description="share stages with equal settings between trials; off: every trial runs all stages, to measure their cost",
    )

    @model_validator(mode="after")
    def _distinct(self) -> "TuningConfig":
        if self.objectives[0] != ACCURACY or len(set(self.objectives)) < len(self.objectives):
            raise ValueError("`objectives` are accuracy, or accuracy and tokens_per_question")
        return self

    @property
    def concurrency(self) -> int:
        """The number of concurrent trials."""
        return self.concurrent or (CONCURRENT_DECODES if self.kind == "decode" else 1)

    @property
    def stops(self) -> bool:
        """Whether trials are stopped early. Not with two objectives: a less accurate trial may need fewer tokens."""
        return self.stopping and len(self.objectives) == 1

    def rungs(self, questions: int) -> list[int]:
        """Numbers of questions after which a decode trial reports, ascending; the last is `questions`."""
        counts = [questions]
        while self.stops and counts[0] // self.reduction >= self.first_rung:
            counts.insert(0, counts[0] // self.reduction)
        # ASHA's milestones are multiples of the first rung; a report just below a milestone would not count.
        return [counts[0] * self.reduction**level for level in range(len(counts) - 1)] + [questions]
