"""`metrics.json`: the measurements of a run, one section per stage, as the records of `pad_ray.run.records`."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

from pydantic import Field

from pad_ray.run.folder import RunDir
from pad_ray.run.records import (
    CorpusSummary,
    General,
    GeneralChange,
    Paired,
    Pooled,
    Record,
    RefinementSummary,
    SandboxSummary,
    Score,
    TrainingSummary,
    VerificationSummary,
    Yield,
    read_record,
)

METRICS = "metrics.json"
Section = Literal["evaluation", "general", "paired", "paired_strategies", "general_change", "pooled"]
"""The sections that are lists of entries."""
Entry = Score | General | Paired | GeneralChange | Pooled


class Metrics(Record):
    """All sections; one that no stage has written yet is None or empty."""

    synthesis: Yield | None = None
    corpus: CorpusSummary | None = None
    training: TrainingSummary | None = None
    evaluation: list[Score] = Field(default_factory=list)
    general: list[General] = Field(default_factory=list)
    paired: list[Paired] = Field(default_factory=list)
    paired_strategies: list[Paired] = Field(default_factory=list)
    general_change: list[GeneralChange] = Field(default_factory=list)
    pooled: list[Pooled] = Field(default_factory=list)
    refinement: RefinementSummary | None = None
    sandbox: SandboxSummary | None = None
    verify: VerificationSummary | None = None


def read(run: RunDir) -> Metrics:
    """All sections written so far. Raises InputError if the file cannot be read."""
    return read_record(run, METRICS, Metrics) or Metrics()


def update(run: RunDir, **sections: Record | Sequence[Entry]) -> None:
    """Replace sections by their names."""
    _write(run, read(run), sections)


def _write(run: RunDir, stored: Metrics, sections: dict[str, Record | Sequence[Entry]]) -> None:
    # Only fields that were set, so that a section that no stage has written stays out of the file.
    values = stored.model_copy(update=sections).model_dump(mode="json", by_alias=True, exclude_unset=True)
    run.write_json(METRICS, values)


def put(run: RunDir, section: Section, entry: Entry) -> None:
    """Add an entry to a section and delete an earlier entry with the same key."""
    stored = read(run)
    others: Sequence[Entry] = [one for one in getattr(stored, section) if one.key != entry.key]
    _write(run, stored, {section: [*others, entry]})


def drop(run: RunDir, sections: Sequence[Section], gone: Callable[[Any], bool]) -> None:
    """Delete the entries for which `gone` is true from these sections."""
    stored = read(run)
    left = {name: [one for one in getattr(stored, name) if not gone(one)] for name in sections}
    if any(len(left[name]) < len(getattr(stored, name)) for name in left):
        _write(run, stored, {name: entries for name, entries in left.items() if getattr(stored, name)})
