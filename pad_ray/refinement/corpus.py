"""The corpus of a refined student: repair rows mixed with first-pass rows, so that the first pass does not get worse."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from pad_ray.errors import DeadEndError
from pad_ray.refinement.collect import FAILURES
from pad_ray.refinement.config import RefinementConfig
from pad_ray.refinement.pipeline import ROWS
from pad_ray.run.folder import RunDir
from pad_ray.schema import CorpusRow, Outcome, content_id
from pad_ray.synthesis import corpus as first_pass

FOLDER = "refinement/corpus"
FIRST_PASS, ON_POLICY, INJECTED = "first_pass", "on_policy", "injected"
SPLITS = {"train": first_pass.TRAIN, "validation": first_pass.VALIDATION}
FOLDERS = {split: f"{FOLDER}/{split}" for split in SPLITS}


@dataclass
class RefinementCorpus:
    """Counts of a built corpus. `rows` counts rows by split and origin (`train/injected`), `left_out` other rows by reason;
    `hash` covers every row id and its split.
    """

    rows: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    hash: str = ""

    @property
    def train_rows(self) -> int:
        return sum(count for name, count in self.rows.items() if name.startswith("train/"))


def build(run: RunDir, config: RefinementConfig) -> RefinementCorpus:
    """Build `refinement/corpus/{train,validation}` from the run's corpus, `FAILURES` and `ROWS`.

    A question is in the same split as in the run's corpus. If an origin has too many rows, those with the smallest ids are
    taken: ids are content hashes, so the choice is random but reproducible.

    Raises:
        DeadEndError: there are no repair rows to train on.
    """
    run.delete(FOLDER)
    corpus = RefinementCorpus()
    validation = run.read_table(first_pass.VALIDATION, CorpusRow, ["question_id"])["question_id"].unique()
    for split in SPLITS:
        ids = {origin: _ids(run, split, origin, validation) for origin in (FIRST_PASS, ON_POLICY, INJECTED)}
        # An injected error that the student really makes occurs in both origins.
        fresh = ids[INJECTED].filter(pc.invert(pc.is_in(ids[INJECTED], value_set=ids[ON_POLICY])))
        corpus.left_out[Outcome.DUPLICATE] += len(ids[INJECTED]) - len(fresh)
        ids[INJECTED] = fresh
        counts = _quotas({origin: len(row_ids) for origin, row_ids in ids.items()}, config)
        for origin, count in counts.items():
            chosen_ids = ids[origin].take(pc.bottom_k_unstable(ids[origin], count)) if count else ids[origin][:0]
            _write(run, split, origin, chosen_ids)
            corpus.rows[f"{split}/{origin}"] = count
            corpus.left_out[Outcome.OVER_CAP] += len(ids[origin]) - count
            corpus.hash = content_id("refinement", corpus.hash, split, origin, sorted(chosen_ids.to_pylist()))
    if not corpus.rows[f"train/{ON_POLICY}"] + corpus.rows[f"train/{INJECTED}"]:
        raise DeadEndError(
            f"refinement: no repair row of {run.path(FAILURES)} or {run.path(ROWS)} belongs to a question to train on; "
            "raise --refinement.max-source-characters, or distil more questions"
        )
    return corpus


def _quotas(available: Mapping[str, int], config: RefinementConfig) -> dict[str, int]:
    """The number of rows to take of each origin: `repair_share` of all are repair rows, and `on_policy_share` of those are
    the student's own failures, if there are enough of both kinds. A scarce origin is used completely.
    """
    share, first, repair = config.repair_share, available[FIRST_PASS], available[ON_POLICY] + available[INJECTED]
    repair_target = round(first * share / (1 - share))
    if repair < repair_target:
        first = max(1, round(repair * (1 - share) / share)) if repair else first
        return {FIRST_PASS: first, ON_POLICY: available[ON_POLICY], INJECTED: available[INJECTED]}
    own = min(
        available[ON_POLICY], max(round(repair_target * config.on_policy_share), repair_target - available[INJECTED])
    )
    return {FIRST_PASS: first, ON_POLICY: own, INJECTED: repair_target - own}


def _parts(run: RunDir, split: str, origin: str) -> list[str]:
    return run.parts({FIRST_PASS: SPLITS[split], ON_POLICY: FAILURES, INJECTED: ROWS}[origin])


def _ids(run: RunDir, split: str, origin: str, validation: pa.Array) -> pa.Array:
    """The ids of all rows of an origin whose question is in this split."""
    chunks = [pa.array([], pa.string())]
    for part in _parts(run, split, origin):
        table = run.read_part(part, ["row_id", "question_id"])
        held_out = pc.is_in(table["question_id"], value_set=validation)
        chunks += table["row_id"].filter(held_out if split == "validation" else pc.invert(held_out)).chunks
    return pa.concat_arrays(chunks)


def _write(run: RunDir, split: str, origin: str, row_ids: pa.Array) -> None:
    """Write the chosen rows, one part per source part."""
    for number, table in enumerate(_chosen(run, split, origin, row_ids)):
        run.write_table(f"{FOLDERS[split]}/{origin}-{number:06}.parquet", table)


def _chosen(run: RunDir, split: str, origin: str, row_ids: pa.Array) -> Iterator[pa.Table]:
    for part in _parts(run, split, origin):
        table = run.read_part(part)
        table = table.filter(pc.is_in(table["row_id"], value_set=row_ids))
        if len(table):
            # The metadata of injected parts has the counts of the whole part.
            yield table.replace_schema_metadata(None)
