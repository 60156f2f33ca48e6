"""The ledger of a run. For each stage, rows in = rows out + rows rejected by outcome + rows failed; else the stage fails."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from pydantic import ConfigDict, Field, computed_field

from pad_ray.errors import StageError
from pad_ray.run.folder import RunDir
from pad_ray.run.records import Record, read_record
from pad_ray.schema import Outcome

LEDGER = "ledger.json"


class FaultCount(Record):
    """The rows of one fault outcome, and the first reason."""

    rows: int
    first: str = ""


@dataclass(frozen=True)
class VerdictCounts:
    """Rows by outcome, and the first reason of each fault outcome."""

    outcomes: Mapping[Outcome, int] | Mapping[str, int]
    reasons: Mapping[str, str] = field(default_factory=dict)


class StageEntry(Record):
    """The counts of one stage, in its `unit` (questions, drafts, rows). `failed` counts infrastructure faults only.

    `protections` lists the sandbox layers if the stage executed programs (`pad_ray.sandbox.Protections`); if a later call of
    the stage executes none, the earlier value is kept. `faults` has the rows and the first reason of each fault outcome.
    """

    model_config = ConfigDict(extra="ignore")

    stage: str
    unit: str = "rows"
    rows_in: int = 0
    rows_out: int = 0
    rejected: dict[str, int] = Field(default_factory=dict)
    failed: int = 0
    seconds: float = 0.0
    protections: dict[str, Any] | None = None
    faults: dict[str, FaultCount] = Field(default_factory=dict)

    @classmethod
    def of_verdicts(
        cls, stage: str, unit: str, rows_in: int, verdicts: VerdictCounts, seconds: float, protections: Any = None
    ) -> Self:
        """The entry of a stage that judges rows: accepted rows are out, faults failed, all others rejected by outcome."""
        counts = {str(outcome): count for outcome, count in verdicts.outcomes.items()}
        accepted = counts.pop(Outcome.ACCEPTED, 0)
        failed = {outcome: count for outcome, count in counts.items() if Outcome(outcome).is_fault and count}
        return cls(
            stage=stage,
            unit=unit,
            rows_in=rows_in,
            rows_out=accepted,
            rejected={outcome: count for outcome, count in counts.items() if not Outcome(outcome).is_fault},
            failed=sum(failed.values()),
            seconds=seconds,
            protections=protections,
            faults={o: FaultCount(rows=n, first=verdicts.reasons.get(o, "")) for o, n in failed.items()},
        )

    @computed_field  # type: ignore[prop-decorator]
    @property
    def balanced(self) -> bool:
        return not self.unaccounted

    @property
    def unaccounted(self) -> int:
        """Rows in without a result; negative if more rows came out than went in."""
        return self.rows_in - self.rows_out - sum(self.rejected.values()) - self.failed


class Ledger(Record):
    """The stages recorded so far, in the order of their first record."""

    stages: list[StageEntry] = Field(default_factory=list)

    def stage(self, name: str) -> StageEntry | None:
        return next((stage for stage in self.stages if stage.stage == name), None)


def first_reasons(verdicts: Iterable[tuple[str, str]]) -> dict[str, str]:
    """The first feedback of each fault outcome in (outcome, feedback) pairs."""
    first: dict[str, str] = {}
    for outcome, feedback in verdicts:
        if Outcome(outcome).is_fault:
            first.setdefault(str(outcome), feedback)
    return first


def record(run: RunDir, entry: StageEntry) -> None:
    """Write a stage's entry and replace an earlier entry of the same stage.

    Raises:
        StageError: the entry does not balance. It is written first, so that the gap can be inspected.
    """
    stages = {stage.stage: stage for stage in entries(run)}
    if entry.protections is None and entry.stage in stages:
        entry = entry.model_copy(update={"protections": stages[entry.stage].protections})
    stages[entry.stage] = entry
    run.write_json(LEDGER, {"stages": [_stored(stage) for stage in stages.values()]})
    if entry.unaccounted:
        raise StageError(
            f"{entry.stage}: the ledger does not balance: {entry.rows_in} {entry.unit} in, "
            f"{entry.rows_in - entry.unaccounted} accounted for; see {run.path(LEDGER)} and run the job again"
        )


def _stored(entry: StageEntry) -> dict[str, Any]:
    left_out = {name for name in ("protections", "faults") if not getattr(entry, name)}
    return entry.model_dump(mode="json", exclude=left_out)


def read(run: RunDir) -> Ledger | None:
    """The ledger; None if no stage has been recorded. Raises InputError if the file cannot be read."""
    return read_record(run, LEDGER, Ledger)


def entries(run: RunDir) -> list[StageEntry]:
    """The stages recorded so far, in the order of their first record."""
    ledger = read(run)
    return ledger.stages if ledger else []
