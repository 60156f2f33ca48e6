"""Bars in tables: each number is shown as text and as the length of a bar."""

from collections.abc import Mapping
from dataclasses import dataclass

from pad_ray.report import text


@dataclass(frozen=True)
class OutcomeBar:
    """`width` is in per cent of the longest bar, `share` is the share of the whole; `key` names the counted item."""

    key: str
    label: str
    number: str
    share: str
    width: float
    kind: str


def bars(numbers: Mapping[str, int], whole: int, kinds: Mapping[str, str]) -> list[OutcomeBar]:
    """One bar per name, in the given order; `kinds` gives the colour of bars that are not grey."""
    longest = max(numbers.values(), default=0) or 1
    return [
        OutcomeBar(
            key=name,
            label=text.words(name),
            number=text.count(number),
            share=text.percent(number / whole) if whole else "–",
            width=round(100 * number / longest, 2),
            kind=kinds.get(name, "grey"),
        )
        for name, number in numbers.items()
    ]


def share_bars(shares: Mapping[str, tuple[int, int]]) -> list[OutcomeBar]:
    """One bar per name for (part, whole), whose length is the part's share; full width is 100 %."""
    return [
        OutcomeBar(
            name, name, f"{part:,} of {whole:,}", text.percent(part / whole), round(100 * part / whole, 2), "kept"
        )
        for name, (part, whole) in shares.items()
        if whole
    ]
