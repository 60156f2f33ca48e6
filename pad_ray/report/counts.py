"""Count the final outcomes of all drafts of a run, part by part, so that memory does not grow with the run."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from heapq import nsmallest

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pad_ray.run.folder import RunDir
from pad_ray.schema import Outcome
from pad_ray.synthesis.corpus import REJECTED, TRAIN, VALIDATION
from pad_ray.synthesis.finished import DRAFTS, FAULTS, VERDICTS, Ids, as_ids

TAKEN = "taken_by_the_corpus"
"""The final outcome of accepted drafts in the corpus; drafts that were left out have the outcome of their rejection."""
SAMPLE_SIZE = 20
"""Maximum number of drafts per outcome on the page."""
READERS = 8
PARTS_AT_ONCE = 64
DRAFT_COLUMNS = ["draft_id", "question_id", "path", "sample_index"]
DRAFT_ID = "^[0-9a-f]{32}$"


@dataclass
class OutcomeTally:
    """The number of rows with an outcome, and the smallest draft ids.

    Ids are content hashes, so these ids are a random sample that is the same on every rendering.
    """

    count: int = 0
    draft_ids: list[str] = field(default_factory=list)

    def add(self, ids: pa.Array | pa.ChunkedArray) -> None:
        self.count += len(ids)
        lowest = ids.take(pc.bottom_k_unstable(ids, SAMPLE_SIZE)).to_pylist()
        self.draft_ids = nsmallest(SAMPLE_SIZE, {*self.draft_ids, *lowest})


@dataclass(frozen=True)
class Outcomes:
    """All drafts by final outcome. `final` is false until a corpus has been built from the verdicts.

    `kept` counts the drafts that became corpus rows, or that have been accepted so far.
    """

    final: bool
    kept: OutcomeTally
    thrown: dict[str, OutcomeTally]

    @property
    def kept_as(self) -> str:
        return TAKEN if self.final else Outcome.ACCEPTED.value

    @property
    def totals(self) -> dict[str, int]:
        """Number of drafts by final outcome."""
        return {self.kept_as: self.kept.count} | {name: tally.count for name, tally in self.thrown.items()}

    @property
    def thrown_count(self) -> int:
        return sum(tally.count for tally in self.thrown.values())


def count_outcomes(run: RunDir) -> Outcomes:
    """Count from the corpus and its rejects, or from the verdicts if there is no corpus yet.

    Verdicts are not enough: an accepted draft may be left out of the corpus later, for example as a duplicate.
    """
    if not any(run.parts(folder) for folder in (TRAIN, VALIDATION, REJECTED)):
        so_far = _tally(judged_drafts(run))
        return Outcomes(False, so_far.pop(Outcome.ACCEPTED, OutcomeTally()), so_far)
    kept = OutcomeTally()
    for folder in (TRAIN, VALIDATION):
        for part in read_parts(run, run.parts(folder), ["draft_id"]):
            kept.add(pc.unique(part["draft_id"]))  # a draft can give several rows, all in one part
    return Outcomes(True, kept, _tally(read_parts(run, run.parts(REJECTED), ["draft_id", "outcome"])))


def planned_drafts(run: RunDir) -> Ids | None:
    """Sorted ids of the drafts that the corpus was built from; None if there is no corpus.

    `drafts/` may also hold drafts of an earlier recipe. Rows that were written elsewhere may have draft ids of another form,
    which are ignored.
    """
    parts = [part for folder in (TRAIN, VALIDATION, REJECTED) for part in run.parts(folder)]
    named = (part["draft_id"] for part in read_parts(run, parts, ["draft_id"]))
    ids = [as_ids(names.filter(pc.match_substring_regex(names, DRAFT_ID)).to_pylist()) for names in named]
    return np.unique(np.concatenate(ids)) if ids else None


def _tally(tables: Iterable[pa.Table]) -> dict[str, OutcomeTally]:
    tallies: dict[str, OutcomeTally] = {}
    for table in tables:
        for outcome in table["outcome"].unique().to_pylist():
            ids = table["draft_id"].filter(pc.equal(table["outcome"], outcome))
            tallies.setdefault(outcome, OutcomeTally()).add(ids)
    return tallies


def judged_drafts(run: RunDir) -> Iterator[pa.Table]:
    """All drafts with their outcomes, several parts at a time: `DRAFT_COLUMNS` and `outcome`.

    A draft on which the engine failed is an `engine_fault`, unless it was generated later.
    """
    faults = list(read_parts(run, run.parts(FAULTS), DRAFT_COLUMNS))
    lost = pa.concat_tables(faults) if faults else None
    verdicts = set(run.parts(VERDICTS))
    pairs = [(name, name.replace(DRAFTS, VERDICTS, 1)) for name in run.parts(DRAFTS)]
    pairs = [pair for pair in pairs if pair[1] in verdicts]
    with ThreadPoolExecutor(READERS) as readers:
        for start in range(0, len(pairs), PARTS_AT_ONCE):
            chosen = pairs[start : start + PARTS_AT_ONCE]
            table = pa.concat_tables(readers.map(lambda pair: _judged(run, *pair), chosen))
            if lost is not None:
                lost = lost.filter(pc.invert(pc.is_in(lost["draft_id"], table["draft_id"])))
            yield table
    if lost is not None:
        yield lost.append_column("outcome", pa.array([Outcome.ENGINE_FAULT.value] * len(lost), pa.string()))


def _judged(run: RunDir, drafts: str, verdicts: str) -> pa.Table:
    """The drafts of one part with their outcomes; the verdicts are in the part of the same name."""
    draft_rows = read_part(run, drafts, DRAFT_COLUMNS)
    verdict_rows = read_part(run, verdicts, ["draft_id", "outcome"])
    places = pc.index_in(draft_rows["draft_id"], verdict_rows["draft_id"].combine_chunks())
    return draft_rows.append_column("outcome", verdict_rows["outcome"].combine_chunks().take(places.combine_chunks()))


def read_parts(run: RunDir, names: Sequence[str], columns: list[str]) -> Iterator[pa.Table]:
    """Columns of the parts, one part after the other; a few parts are read ahead."""
    with ThreadPoolExecutor(READERS) as readers:
        for start in range(0, len(names), PARTS_AT_ONCE):
            yield from readers.map(lambda name: read_part(run, name, columns), names[start : start + PARTS_AT_ONCE])


def read_part(run: RunDir, name: str, columns: list[str]) -> pa.Table:
    return run.read_part(name, columns).select(columns).replace_schema_metadata(None)
