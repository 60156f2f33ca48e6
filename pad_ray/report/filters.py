"""The filters of a list on the page."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from pad_ray.report import text


@dataclass(frozen=True)
class Filter:
    """A selection among the values of one attribute of the items; `options` maps a value to its label."""

    name: str
    label: str
    options: dict[str, str]

    @classmethod
    def of(cls, name: str, label: str, counts: Mapping[str, int], totals: Mapping[str, int] | None = None) -> Self:
        """A filter with an option per value, labelled with its number of items, and of `totals` if given."""
        options = {}
        for value, count in counts.items():
            whole = f" of {text.count((totals or {}).get(value))}" if totals else ""
            options[value] = f"{text.words(value)} ({text.count(count)}{whole})"
        return cls(name, label, options)
