"""What the items of a list can be filtered by, on the page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from pad_ray.report import text


@dataclass(frozen=True)
class Filter:
    """A choice among the values of one attribute of the items; `options` maps a value to what the choice says."""

    name: str
    label: str
    options: dict[str, str]

    @classmethod
    def of(cls, name: str, label: str, counts: Mapping[str, int], totals: Mapping[str, int] | None = None) -> Self:
        """Every value with the items that have it, and out of how many they were taken where `totals` says so."""
        options = {}
        for value, count in counts.items():
            whole = f" of {text.count((totals or {}).get(value))}" if totals else ""
            options[value] = f"{text.words(value)} ({text.count(count)}{whole})"
        return cls(name, label, options)
