"""What is committed: the ids of finished drafts, the parts that hold them, and their manifest.

A block's verdicts are written first and its drafts last, so a part of drafts makes the block count as done. A part that
cannot be read, or that has lost its verdicts, is set aside with its reason, and its drafts are made again.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pad_ray.rundir import RunDir

DRAFTS = "drafts"
VERDICTS = "verdicts"
FAULTS = "faults"
TORN = "torn"
MANIFEST = "manifest.json"
READERS = 8

Ids = npt.NDArray[np.bytes_]
"""Sorted 16-byte ids: a million take 16 MB."""


@dataclass(frozen=True)
class Finished:
    """The drafts that exist. `rows` gives the drafts of each part."""

    ids: Ids
    rows: dict[str, int]

    def missing(self, ids: list[str]) -> list[bool]:
        """Which of the ids are not there."""
        missing: list[bool] = (~among(self.ids, ids)).tolist()
        return missing


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
        read = dict(zip(names, readers.map(lambda name: _read_ids(run, name, say), names), strict=True))
    lost = set(run.read_json(f"{DRAFTS}/{MANIFEST}", {"parts": {}})["parts"]) - set(names) if with_faults else set()
    for name in sorted(lost):
        say(f"{run.path(name)} is in the manifest and gone: its drafts are made again")
    ids = [part for part in read.values() if part is not None]
    return Finished(
        np.unique(np.concatenate(ids)) if ids else np.empty(0, "S16"),
        {name: len(part) for name, part in read.items() if part is not None},
    )


def write_manifest(run: RunDir, finished: Finished) -> None:
    """Write which parts there are and how many drafts each holds."""
    run.write_json(f"{DRAFTS}/{MANIFEST}", {"drafts": len(finished.ids), "parts": dict(sorted(finished.rows.items()))})


def _read_ids(run: RunDir, name: str, say: Callable[[str], None]) -> Ids | None:
    verdicts = name.replace(f"{DRAFTS}/", f"{VERDICTS}/", 1)
    try:
        ids = as_ids(run.read_part(name, ["draft_id"])["draft_id"].to_pylist())
        judged = run.row_count(verdicts) if name.startswith(DRAFTS) else len(ids)
    except (pa.ArrowInvalid, FileNotFoundError, ValueError) as error:
        _set_aside(run, [name, verdicts], str(error).splitlines()[0], say)
        return None
    if judged != len(ids):
        _set_aside(run, [name, verdicts], f"{len(ids)} drafts and {judged} verdicts", say)
        return None
    return np.sort(ids)


def _set_aside(run: RunDir, names: list[str], reason: str, say: Callable[[str], None]) -> None:
    say(f"{run.path(names[0])} cannot be used and is set aside in {TORN}/, its drafts are made again: {reason}")
    for name in dict.fromkeys(names):
        if run.exists(name):
            run.move(name, f"{TORN}/{name}")
