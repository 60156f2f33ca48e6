"""What is committed: the ids of finished drafts, the parts that hold them, and their manifest.

A block's verdicts are written first and its drafts last, so a part of drafts makes the block count as done. A part that
cannot be read, or that has lost its verdicts, is set aside with its reason, and its drafts are made again.
"""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pad_ray.rundir import RunDir
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
"""What verdicts were reached by (`Verdict.judged_by`), 8 bytes each; 0 for one that does not say."""


@dataclass(frozen=True)
class Finished:
    """The drafts that exist: sorted `ids`, and beside each what its verdict was `judged_by` and the index of its part.

    `parts` are the names of the parts, `rows` the drafts of each.
    """

    ids: Ids
    judged_by: Names
    places: npt.NDArray[np.int32]
    parts: list[str]
    rows: dict[str, int]

    def missing(self, ids: list[str]) -> list[bool]:
        """Which of the ids are not there."""
        missing: list[bool] = (~among(self.ids, ids)).tolist()
        return missing

    def outdated(self, ids: list[str], judged_by: str) -> Counter[str]:
        """The drafts among the ids whose verdict was reached by anything else: how many of each part."""
        wanted, name = as_ids(ids), int(judged_by, 16)
        first, last = np.searchsorted(self.ids, wanted, "left"), np.searchsorted(self.ids, wanted, "right")
        # A draft that two parts hold is found in both.
        found = [place for start, end in zip(first, last, strict=True) for place in range(start, end)]
        parts = [self.parts[self.places[place]] for place in found if self.judged_by[place] != name]
        return Counter(part for part in parts if part.startswith(f"{DRAFTS}/"))


def among(known: Ids, ids: list[str]) -> npt.NDArray[np.bool_]:
    """Which of the ids are among the known ones."""
    wanted = as_ids(ids)
    places = np.searchsorted(known, wanted)
    found: npt.NDArray[np.bool_] = places < len(known)
    found[found] = known[places[found]] == wanted[found]
    return found


def as_ids(ids: list[str]) -> Ids:
    """Hex ids as 16 bytes each, in order."""
    return np.frombuffer(bytes.fromhex("".join(ids)), dtype="S16") if ids else np.empty(0, "S16")


def read_finished(run: RunDir, with_faults: bool, say: Callable[[str], None]) -> Finished:
    """The ids of all committed drafts, and of those that the engine failed to make where `with_faults`.

    A damaged part, or one that the manifest names and that is gone, is said; nothing else is needed to repair it.
    """
    folders = [DRAFTS, FAULTS] if with_faults else [DRAFTS]
    names = [name for folder in folders for name in run.parts(folder)]
    with ThreadPoolExecutor(READERS) as readers:
        read = dict(zip(names, readers.map(lambda name: _read_part(run, name, say), names), strict=True))
    lost = set(run.read_json(f"{DRAFTS}/{MANIFEST}", {"parts": {}})["parts"]) - set(names) if with_faults else set()
    for name in sorted(lost):
        say(f"{run.path(name)} is in the manifest and gone: its drafts are made again")
    there = {name: part for name, part in read.items() if part is not None}
    ids, judged, places = (
        np.concatenate([np.empty(0, kind), *columns])
        for kind, columns in (
            ("S16", [part[0] for part in there.values()]),
            (np.uint64, [part[1] for part in there.values()]),
            (np.int32, [np.full(len(part[0]), place, np.int32) for place, part in enumerate(there.values())]),
        )
    )
    order = np.argsort(ids, kind="stable")
    rows = {name: len(part[0]) for name, part in there.items()}
    return Finished(ids[order], judged[order], places[order], list(there), rows)


def write_manifest(run: RunDir, finished: Finished) -> None:
    """Write which parts there are and how many drafts each holds."""
    drafts, parts = len(np.unique(finished.ids)), dict(sorted(finished.rows.items()))
    run.write_json(f"{DRAFTS}/{MANIFEST}", {"drafts": drafts, "parts": parts})


def _read_part(run: RunDir, name: str, say: Callable[[str], None]) -> tuple[Ids, Names] | None:
    """The ids of a part, and what their verdicts were reached by."""
    verdicts = name.replace(f"{DRAFTS}/", f"{VERDICTS}/", 1)
    try:
        ids = as_ids(run.read_part(name, ["draft_id"])["draft_id"].to_pylist())
        judged = _judged_by(run, verdicts) if name.startswith(DRAFTS) else np.zeros(len(ids), np.uint64)
    except (pa.ArrowInvalid, FileNotFoundError, ValueError) as error:
        _set_aside(run, [name, verdicts], str(error).splitlines()[0], say)
        return None
    if len(judged) != len(ids):
        _set_aside(run, [name, verdicts], f"{counted(len(ids), 'draft')} and {counted(len(judged), 'verdict')}", say)
        return None
    return ids, judged


def _judged_by(run: RunDir, verdicts: str) -> Names:
    """What the verdicts of a part were reached by, in their order, which is that of their drafts."""
    found = run.read_present(verdicts, ["judged_by"])
    if not found.column_names:
        return np.zeros(run.row_count(verdicts), np.uint64)
    return np.array([int(name or "0", 16) for name in found["judged_by"].to_pylist()], np.uint64)


def _set_aside(run: RunDir, names: list[str], reason: str, say: Callable[[str], None]) -> None:
    say(f"{run.path(names[0])} cannot be used and is set aside in {TORN}/, its drafts are made again: {reason}")
    for name in dict.fromkeys(names):
        if run.exists(name):
            run.move(name, f"{TORN}/{name}")
