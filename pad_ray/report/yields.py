"""Count accepted drafts by kind of path, by demonstrations and by the numbers or sentences in a question."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from pad_ray.report.counts import judged_drafts, planned_drafts, read_parts
from pad_ray.run.folder import RunDir
from pad_ray.schema import AnswerKind, Outcome
from pad_ray.synthesis.finished import Ids, among, as_ids

MOST_STATED = 8
"""Questions that state at least this many are one group."""

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_SENTENCE = re.compile(r"[.!?](?:\s|$)")
_KEYS = ["path", "sample_index", "stated", "accepted"]

Stated = NDArray[np.int8]
K = TypeVar("K", str, int, tuple[str, int])


@dataclass(frozen=True, slots=True)
class Share:
    """Numbers of drafts and of accepted drafts."""

    drafts: int
    accepted: int


@dataclass(frozen=True)
class Yields:
    """Drafts counted by (kind of path, sample index, count stated in the question, accepted).

    The `unit` of the count is numbers or sentences: a measure of difficulty that does not depend on the teacher.
    """

    unit: str
    counts: Counter[tuple[str, int, int, bool]]

    def by_path(self) -> dict[str, Share]:
        return _shares((path, right, count) for (path, _, _, right), count in self.counts.items())

    def by_set(self, sets: Mapping[str, int]) -> dict[tuple[str, int], Share]:
        """By path and set of demonstrations, from 0: sample i uses set i modulo the number of sets."""
        return _shares(
            ((path, index % sets[path]), right, count)
            for (path, index, _, right), count in self.counts.items()
            if path in sets
        )

    def by_stated(self) -> dict[int, Share]:
        return _shares((stated, right, count) for (_, _, stated, right), count in self.counts.items())


def _shares(rows: Iterable[tuple[K, bool, int]]) -> dict[K, Share]:
    drafts: Counter[K] = Counter()
    accepted: Counter[K] = Counter()
    for key, right, count in rows:
        drafts[key] += count
        accepted[key] += count if right else 0
    return {key: Share(drafts[key], accepted[key]) for key in sorted(drafts)}


def count_yields(run: RunDir, question_parts: list[str]) -> Yields:
    """Count all drafts that the corpus was built from, or all judged drafts if there is no corpus yet.

    Reads drafts and their questions part by part, and keeps 17 bytes per question and 16 per draft.
    """
    ids, stated, unit = _stated_by_question(run, question_parts)
    planned = planned_drafts(run)
    counts: Counter[tuple[str, int, int, bool]] = Counter()
    for judged in judged_drafts(run) if len(ids) else ():
        table = judged if planned is None else judged.filter(pa.array(among(planned, judged["draft_id"].to_pylist())))
        stated_by_row = _lookup(ids, stated, table["question_id"])
        keyed = pa.table(
            [table["path"], table["sample_index"], stated_by_row, pc.equal(table["outcome"], Outcome.ACCEPTED.value)],
            names=_KEYS,
        )
        for row in keyed.group_by(_KEYS, use_threads=False).aggregate([([], "count_all")]).to_pylist():
            counts[tuple(row[key] for key in _KEYS)] += row["count_all"]
    return Yields(unit, counts)


def _stated_by_question(run: RunDir, parts: list[str]) -> tuple[Ids, Stated, str]:
    """Sorted ids of the questions, the count that each states, and its unit."""
    ids: list[Ids] = []
    stated: list[int] = []
    unit = "numbers"
    for table in read_parts(run, parts, ["question_id", "text", "facts", "answer_kind"]):
        ids.append(as_ids(table["question_id"].to_pylist()))
        numbers = AnswerKind.NUMBER.value in table["answer_kind"].unique().to_pylist()
        unit = "numbers" if numbers else "sentences"
        texts = zip(table["text"].to_pylist(), table["facts"].to_pylist(), strict=True)
        stated += [states(" ".join([*facts, text]), numbers=numbers) for text, facts in texts]
    known = np.concatenate(ids) if ids else as_ids([])
    order = np.argsort(known, kind="stable")
    return known[order], np.array(stated, np.int8)[order], unit


def states(text: str, *, numbers: bool) -> int:
    """The number of numbers, or of sentences, in a question; at most `MOST_STATED`."""
    return min(MOST_STATED, len((_NUMBER if numbers else _SENTENCE).findall(text)))


def _lookup(ids: Ids, stated: Stated, wanted: pa.ChunkedArray) -> pa.Array:
    """The counts that the questions of drafts state; 0 for a missing question."""
    wanted_ids = as_ids(wanted.to_pylist())
    places = np.minimum(np.searchsorted(ids, wanted_ids), len(ids) - 1)
    return pa.array(np.where(ids[places] == wanted_ids, stated[places], 0), pa.int8())
