"""The typed records of a campaign: its parameters, its trials and its result on the test questions."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from pydantic import ConfigDict, Field, field_serializer

from pad_ray.run.records import Interval, Record

CAMPAIGN = "campaign"
SUMMARY = f"{CAMPAIGN}/campaign.json"
TRIALS = f"{CAMPAIGN}/trials.jsonl"

State = Literal["completed", "stopped", "failed", "running"]
FINISHED: tuple[State, ...] = ("completed", "stopped", "failed")


@dataclass(frozen=True)
class Parameter:
    """One field of the recipe that a campaign varies, by its dotted name; numbers have limits, choices have `values`."""

    name: str
    kind: Literal["float", "int", "choice"]
    low: int | float | None = None
    high: int | float | None = None
    log: bool | None = None
    values: tuple[Any, ...] | None = None

    def described(self) -> dict[str, Any]:
        """The parameter's entry in `campaign.json`."""
        return {name: value for name, value in asdict(self).items() if value is not None}

    def holds(self, value: object) -> bool:
        """Whether the value is in the range or among the choices."""
        if self.values is not None:
            return as_text(value) in map(as_text, self.values)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return False
        whole = self.kind != "int" or isinstance(value, int)
        return whole and float(self.low or 0) <= value <= float(self.high or 0)


def as_text(value: object) -> str:
    """A value of a choice as a text, for libraries that compare only texts and numbers."""
    return json.dumps(value, sort_keys=True)


@dataclass(frozen=True)
class Trial:
    """One trial. `values` are from its last report; a `completed` trial has answered all validation questions.

    `seconds` is wall time; `reused` names the stages that another trial or the run had already computed. While the trial is
    `running`, `error` is the reason why the last call was cut short, and `cuts` counts the calls that this error has ended.
    """

    trial: str
    state: State
    parameters: Mapping[str, Any] = field(default_factory=dict)
    values: Mapping[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    reused: list[str] = field(default_factory=list)
    error: str | None = None
    cuts: int = 0

    @property
    def finished(self) -> bool:
        """Whether the trial has ended for good."""
        return self.state in FINISHED


class TuningObjective(Record):
    """An objective of a campaign; `direction` is max or min."""

    name: str
    direction: str = "max"

    @property
    def upwards(self) -> bool:
        return self.direction == "max"


class HeldOutAccuracy(Record):
    """Correct answers to the `n` test questions, which no trial has seen, with the limits of the accuracy's interval."""

    correct: int
    n: int
    accuracy: float
    low: float
    high: float

    @property
    def interval(self) -> Interval:
        return self.low, self.high


class HeldOutResult(Record):
    """The chosen trial compared with the default on the test questions; there are no limits if they are the same trial."""

    default: HeldOutAccuracy
    best: HeldOutAccuracy
    difference: float
    difference_low: float | None
    difference_high: float | None
    p_value: float | None
    beats_default: bool
    sentence: str


class ChosenResult(Record):
    """The chosen trial on the test questions, if the default failed."""

    best: HeldOutAccuracy
    sentence: str


class CampaignSummary(Record):
    """`campaign.json`: objectives, parameters, the best trials so far, and the result.

    `tested` is the trial that was chosen before the first test question; `pareto` names the trials that no other dominates.
    """

    model_config = ConfigDict(coerce_numbers_to_str=True)

    name: str
    kind: str
    objectives: list[TuningObjective] = Field(min_length=1)
    parameters: list[Parameter] = Field(default_factory=list)
    default_trial: str | None = None
    best_trial: str | None = None
    pareto: list[str] = Field(default_factory=list)
    tested: str | None = None
    test: HeldOutResult | None = None
    test_alone: ChosenResult | None = None

    @field_serializer("parameters")
    def _described(self, parameters: list[Parameter]) -> list[dict[str, Any]]:
        return [parameter.described() for parameter in parameters]
