"""The ledger of a run. For each stage, rows in = rows out + rows rejected by outcome + rows failed; else the stage fails."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pad_ray.errors import StageError
from pad_ray.run.folder import RunDir
from pad_ray.schema import Outcome

LEDGER = "ledger.json"


@dataclass(frozen=True)
class StageEntry:
    """The counts of one stage, in its `unit` (questions, drafts, rows). `failed` counts infrastructure faults only.

    `protections` lists the sandbox layers if the stage executed programs (`pad_ray.sandbox.Protections`); if a later call of
    the stage executes none, the earlier value is kept. `faults` maps each fault outcome to its number of rows and the first
    reason.
    """

    stage: str
    unit: str
    rows_in: int
    rows_out: int
    rejected: Mapping[str, int] = field(default_factory=dict)
    failed: int = 0
    seconds: float = 0.0
    protections: Mapping[str, Any] | None = None
    faults: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def balanced(self) -> bool:
        return self.rows_in == self.rows_out + sum(self.rejected.values()) + self.failed


def judged(
    stage: str,
    unit: str,
    rows_in: int,
    outcomes: Mapping[str, int],
    seconds: float,
    protections: Mapping[str, Any] | None = None,
    reasons: Mapping[str, str] | None = None,
) -> StageEntry:
    """The entry of a stage that judges rows: accepted rows count as out, faults as failed, the rest as rejected by outcome.

    `reasons` gives the first reason of each fault outcome.
    """
    rejected = {o: n for o, n in outcomes.items() if o != Outcome.ACCEPTED and not Outcome(o).is_fault}
    failed = {o: n for o, n in outcomes.items() if Outcome(o).is_fault and n}
    accepted = outcomes.get(Outcome.ACCEPTED, 0)
    faults = {str(o): {"rows": n, "first": (reasons or {}).get(o, "")} for o, n in failed.items()}
    return StageEntry(
        stage, unit, rows_in, accepted, rejected, sum(failed.values()), seconds, protections, faults=faults
    )


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
    stages = {stage["stage"]: stage for stage in entries(run)}
    row = {**_plain(entry), "balanced": entry.balanced}
    row["protections"] = row["protections"] or stages.get(entry.stage, {}).get("protections")
    if not row["faults"]:
        del row["faults"]
    stages[entry.stage] = {name: value for name, value in row.items() if value is not None}
    run.write_json(LEDGER, {"stages": list(stages.values())})
    if not entry.balanced:
        accounted = entry.rows_out + sum(entry.rejected.values()) + entry.failed
        raise StageError(
            f"{entry.stage}: the ledger does not balance: {entry.rows_in} {entry.unit} in, {accounted} accounted for; "
            f"see {run.path(LEDGER)} and run the job again"
        )


def _plain(entry: StageEntry) -> dict[str, Any]:
    """The fields of an entry with plain dicts: `asdict` would turn a Counter's items into keys of a new Counter."""
    return {name: dict(value) if isinstance(value, Mapping) else value for name, value in vars(entry).items()}


def entries(run: RunDir) -> list[dict[str, Any]]:
    """The stages recorded so far, in the order of their first record."""
    stages: list[dict[str, Any]] = run.read_json(LEDGER, {"stages": []})["stages"]
    return stages
