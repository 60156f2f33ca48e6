"""`metrics.json`: the measurements of a run, one section per stage."""

from collections.abc import Callable, Sequence
from typing import Any

from pad_ray.run.folder import RunDir

METRICS = "metrics.json"


def read(run: RunDir) -> dict[str, Any]:
    """All sections written so far."""
    sections: dict[str, Any] = run.read_json(METRICS, {})
    return sections


def update(run: RunDir, section: str, value: object) -> None:
    """Replace one section."""
    run.write_json(METRICS, {**read(run), section: value})


def drop_entries(run: RunDir, sections: Sequence[str], gone: Callable[[dict[str, Any]], bool]) -> None:
    """Delete the entries for which `gone` is true from the lists in these sections."""
    stored = read(run)
    left = {name: [one for one in stored[name] if not gone(one)] for name in sections if name in stored}
    if any(len(left[name]) < len(stored[name]) for name in left):
        run.write_json(METRICS, {**stored, **left})


def replace_entry(run: RunDir, section: str, entry: dict[str, Any], same: Sequence[str]) -> None:
    """Put an entry into a section's list and replace the entry that has the same values in the fields `same`."""
    others = [one for one in read(run).get(section, []) if any(one[name] != entry[name] for name in same)]
    update(run, section, [*others, entry])
