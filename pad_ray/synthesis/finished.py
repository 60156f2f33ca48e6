"""Committed work: the ids of finished drafts, their parts, and the manifest.

A block's verdicts are written first and its drafts last, so a block is done once its part of drafts exists. A part that
cannot be read, or whose verdicts are missing, is set aside with the reason, and its drafts are generated again.
"""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pad_ray.engines.base import UNAVAILABLE
from pad_ray.run.folder import RunDir
from pad_ray.words import counted

DRAFTS = "drafts"
VERDICTS = "verdicts"
FAULTS = "faults"
TORN = "torn"
MANIFEST = "manifest.json"
READERS = 8

Ids = npt.NDArray[np.bytes_]
"""Sorted 16-byte ids: a million take 16 MB."""


Names = npt.NDArray[np.uint64]
"""`Verdict.judged_by` of verdicts, 8 bytes each; 0 if a verdict has none."""


@dataclass(frozen=True)
class FinishedDrafts:
    """The existing drafts: sorted `ids`, and for each the `judged_by` of its verdict and the index of its part.

    `parts` are the names of the parts, `rows` the number of drafts in each.
    """

    ids: Ids
    judged_by: Names
    places: npt.NDArray[np.int32]
    parts: list[str]
    rows: dict[str, int]

    def missing(self, ids: list[str]) -> list[bool]:
        """For each id, whether it is missing."""
        missing: list[bool] = (~among(self.ids, ids)).tolist()
        return missing

    def outdated(self, ids: list[str], judged_by: str) -> Counter[str]:
        """By part, the number of drafts among the ids whose verdict has a different `judged_by`."""
        wanted_ids, name = as_ids(ids), int(judged_by, 16)
        first, last = np.searchsorted(self.ids, wanted_ids, "left"), np.searchsorted(self.ids, wanted_ids, "right")
        # A draft in two parts is counted in both.
        indices = [place for start, end in zip(first, last, strict=True) for place in range(start, end)]
        parts = [self.parts[self.places[place]] for place in indices if self.judged_by[place] != name]
        return Counter(part for part in parts if part.startswith(f"{DRAFTS}/"))


def among(known: Ids, ids: list[str]) -> npt.NDArray[np.bool_]:
    """For each id, whether it is known."""
    wanted_ids = as_ids(ids)
    places = np.searchsorted(known, wanted_ids)
    known_ids: npt.NDArray[np.bool_] = places < len(known)
    known_ids[known_ids] = known[places[known_ids]] == wanted_ids[known_ids]
    return known_ids


def as_ids(ids: list[str]) -> Ids:
    """Hex ids as 16 bytes each, in the given order."""
    return np.frombuffer(bytes.fromhex("".join(ids)), dtype="S16") if ids else np.empty(0, "S16")


def read_finished(run: RunDir, with_faults: bool, say: Callable[[str], None]) -> FinishedDrafts:
    """The ids of all committed drafts and, if `with_faults`, of those for which the engine failed.

    Drafts for which only the engine's server failed always count as missing, so the same command requests them again. Damaged
    or missing parts are reported; their drafts then count as missing and need no other repair.
    """
    folders = [DRAFTS, FAULTS] if with_faults else [DRAFTS]
    names = [name for folder in folders for name in run.parts(folder)]
    with ThreadPoolExecutor(READERS) as readers:
        contents = dict(zip(names, readers.map(lambda name: _read_part(run, name, say), names), strict=True))
    lost = set(run.read_json(f"{DRAFTS}/{MANIFEST}", {"parts": {}})["parts"]) - set(names) if with_faults else set()
    for name in sorted(lost):
        say(f"{run.path(name)} is in the manifest, but missing: its drafts are generated again")
    readable = {name: part for name, part in contents.items() if part is not None}
    ids, judged, places = (
        np.concatenate([np.empty(0, kind), *columns])
        for kind, columns in (
            ("S16", [part[0] for part in readable.values()]),
            (np.uint64, [part[1] for part in readable.values()]),
            (np.int32, [np.full(len(part[0]), place, np.int32) for place, part in enumerate(readable.values())]),
        )
    )
    order = np.argsort(ids, kind="stable")
    rows = {name: len(part[0]) for name, part in readable.items()}
    return FinishedDrafts(ids[order], judged[order], places[order], list(readable), rows)


def write_manifest(run: RunDir, finished: FinishedDrafts) -> None:
    """Write the names of the parts and the number of drafts in each."""
    drafts, parts = len(np.unique(finished.ids)), dict(sorted(finished.rows.items()))
    run.write_json(f"{DRAFTS}/{MANIFEST}", {"drafts": drafts, "parts": parts})


def _read_part(run: RunDir, name: str, say: Callable[[str], None]) -> tuple[Ids, Names] | None:
    """The ids of a part, and the `judged_by` of their verdicts."""
    verdicts = name.replace(f"{DRAFTS}/", f"{VERDICTS}/", 1)
    try:
        ids = as_ids(_final_ids(run, name))
        judged = _judged_by(run, verdicts) if name.startswith(DRAFTS) else np.zeros(len(ids), np.uint64)
    except (pa.ArrowInvalid, FileNotFoundError, ValueError) as error:
        _set_aside(run, [name, verdicts], str(error).splitlines()[0], say)
        return None
    if len(judged) != len(ids):
        _set_aside(run, [name, verdicts], f"{counted(len(ids), 'draft')} and {counted(len(judged), 'verdict')}", say)
        return None
    return ids, judged


def _final_ids(run: RunDir, name: str) -> list[str]:
    """The ids of a part's drafts, without those that are requested again because only the engine's server failed."""
    if name.startswith(DRAFTS):
        ids: list[str] = run.read_part(name, ["draft_id"])["draft_id"].to_pylist()
        return ids
    table = run.read_part(name, ["draft_id", "finish_reason"])
    final = table.filter(pc.not_equal(table["finish_reason"], UNAVAILABLE))
    return [str(one) for one in final["draft_id"].to_pylist()]


def _judged_by(run: RunDir, verdicts: str) -> Names:
    """The `judged_by` of a part's verdicts, in the same order as its drafts."""
    table = run.read_present(verdicts, ["judged_by"])
    if not table.column_names:
        return np.zeros(run.row_count(verdicts), np.uint64)
    return np.array([int(name or "0", 16) for name in table["judged_by"].to_pylist()], np.uint64)


def _set_aside(run: RunDir, names: list[str], reason: str, say: Callable[[str], None]) -> None:
    say(f"{run.path(names[0])} is unusable and is set aside in {TORN}/; its drafts are generated again: {reason}")
    for name in dict.fromkeys(names):
        if run.exists(name):
            run.move(name, f"{TORN}/{name}")
