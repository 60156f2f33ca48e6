"""Where things stand in the charts of the page, in per cent of the plot; `charts.html.j2` draws them.

The SVG is the page's own, so that colours follow light and dark, text stays text, and a chart is as wide as the screen
while its letters keep their size.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pad_ray.report import text
from pad_ray.report.shapes import Interval

MOST_POINTS = 240
"""Points of one curve; a longer curve is drawn as the means of equal runs of steps."""

Points = Sequence[tuple[int, float]]
"""Steps and values."""


@dataclass(frozen=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True)
class Bar:
    """`width` is per cent of the longest bar, `share` what the number is of the whole; `key` is what it counts."""

    key: str
    label: str
    number: str
    share: str
    width: float
    kind: str


@dataclass(frozen=True)
class Mark:
    """A value with its interval, before it has a place; `kind` is its colour."""

    label: str
    note: str
    value: float
    interval: Interval | None
    number: str
    spread: str
    kind: str


@dataclass(frozen=True)
class Whisker:
    mark: Mark
    at: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class WhiskerChart:
    """`zero` is where nothing is, for values of both signs."""

    rows: list[Whisker]
    ticks: list[Tick]
    zero: float
    description: str


@dataclass(frozen=True)
class LineChart:
    """`train` and `validation` are SVG paths in a square of 100 × 100, `dots` the points of the second."""

    train: str
    validation: str
    dots: list[tuple[float, float]]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    steps_per_point: int
    description: str


@dataclass(frozen=True)
class Spot:
    """A mark by what it costs; `name` is what stands beside its dot and names it in a list."""

    name: str
    mark: Mark
    cost: float


@dataclass(frozen=True)
class Placed:
    spot: Spot
    x: float
    y: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class ScatterChart:
    """`front` is an SVG path in a square of 100 × 100, empty where no front is drawn."""

    spots: list[Placed]
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    front: str
    description: str


def nice_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """At most `most` + 1 round numbers, evenly spaced, of which the first is <= `low` and the last >= `high`."""
    if high - low < 1e-6:
        low, high = low - 0.5, high + 0.5
    power = 10.0 ** math.floor(math.log10(high - low))
    steps = (factor * power for factor in (0.1, 0.2, 0.5, 1, 2, 5, 10))
    step = next(step for step in steps if math.ceil(high / step) - math.floor(low / step) <= most)
    first, last = math.floor(low / step), math.ceil(high / step)
    return [round(index * step, 12) for index in range(first, last + 1)]


def bars(numbers: Mapping[str, float], whole: float, kinds: Mapping[str, str], write: str = "count") -> list[Bar]:
    """One bar a name, in the given order; `kinds` names the colour of those that are not grey."""
    longest = max(numbers.values(), default=0) or 1
    as_text = text.duration if write == "duration" else lambda number: text.count(int(number))
    return [
        Bar(
            key=name,
            label=text.words(name),
            number=as_text(number),
            share=text.percent(number / whole) if whole else "–",
            width=round(100 * number / longest, 2),
            kind=kinds.get(name, "grey"),
        )
        for name, number in numbers.items()
    ]


def share_bars(shares: Mapping[str, tuple[int, int]]) -> list[Bar]:
    """One bar a name for (part, whole), as long as the part's share; full width is 100 %."""
    return [
        Bar(name, name, f"{part:,} of {whole:,}", text.percent(part / whole), round(100 * part / whole, 2), "kept")
        for name, (part, whole) in shares.items()
        if whole
    ]


def whiskers(marks: Sequence[Mark], unit: str = "\u00a0%") -> WhiskerChart:
    """Fractions with their intervals in per cent, on an axis that holds zero and ends in round numbers."""
    ends = [end for mark in marks for end in (mark.value, *(mark.interval or ()))]
    ticks = [tick for tick in nice_ticks(100 * min([*ends, 0.0]), 100 * max([*ends, 0.01])) if -100 <= tick <= 100]
    across = _scale(ticks)

    def place(value: float) -> float:
        return across(100 * value)

    rows = [Whisker(mark, place(mark.value), *map(place, mark.interval or ())) for mark in marks]
    described = "; ".join(f"{mark.label}, {mark.note}: {mark.number}{mark.spread}" for mark in marks)
    named = [Tick(across(tick), f"{tick:g}{unit}".replace("-", "−")) for tick in ticks]
    return WhiskerChart(rows, named, place(0.0), described)


def scatter(spots: Sequence[Spot], front: Sequence[Spot] = (), *, per_cent: bool = True) -> ScatterChart:
    """Values upwards by cost to the right; the spots of `front` are joined by a line.

    With `per_cent` values are fractions, shown in per cent, and both axes begin at zero.
    """
    factor, unit = (100.0, "\u00a0%") if per_cent else (1.0, "")
    ends = [end for spot in spots for end in (spot.mark.value, *(spot.mark.interval or ()))]
    costs = [spot.cost for spot in spots]
    x_ticks = nice_ticks(0 if per_cent else min(costs), max(costs))
    y_ticks = nice_ticks(0 if per_cent else min(ends), factor * max(ends))
    across, up = _scale(x_ticks), _scale(y_ticks)

    def height(value: float) -> float:
        return round(100 - up(factor * value), 2)

    placed = [
        Placed(spot, across(spot.cost), height(spot.mark.value), *map(height, spot.mark.interval or ()))
        for spot in spots
    ]
    joined = [(across(spot.cost), height(spot.mark.value)) for spot in sorted(front, key=lambda spot: spot.cost)]
    return ScatterChart(
        spots=placed,
        x_ticks=[Tick(across(tick), f"{tick:,g}") for tick in x_ticks],
        y_ticks=[Tick(round(100 - up(tick), 2), f"{tick:g}{unit}") for tick in y_ticks],
        front=_path(joined),
        description="; ".join(f"{spot.mark.label}: {spot.mark.number} at {spot.cost:,.4g}" for spot in spots),
    )


def _scale(ticks: list[float]) -> Callable[[float], float]:
    """Per cent of the way from the first tick to the last."""
    return lambda value: round(100 * (value - ticks[0]) / (ticks[-1] - ticks[0]), 2)


def thin(points: Points, most: int = MOST_POINTS) -> tuple[list[tuple[int, float]], int]:
    """At most `most` points, each the mean of equally many, and how many; values that are not finite are left out."""
    finite = [(step, value) for step, value in points if math.isfinite(value)]
    size = max(1, math.ceil(len(finite) / most))
    groups = [finite[start : start + size] for start in range(0, len(finite), size)]
    return [(group[len(group) // 2][0], sum(value for _, value in group) / len(group)) for group in groups], size


def lines(train: Points, validation: Points, what: str = "loss") -> LineChart | None:
    """Values by step while training and at validations, over the same steps; None where there is none."""
    thinned, size = thin(train)
    dots, _ = thin(validation)
    both = [*thinned, *dots]
    if not both:
        return None
    last_step = max(step for step, _ in both) or 1
    y_ticks = nice_ticks(min(value for _, value in both), max(value for _, value in both))
    low, span = y_ticks[0], y_ticks[-1] - y_ticks[0]

    def place(points: Points) -> list[tuple[float, float]]:
        return [
            (round(100 * step / last_step, 2), round(100 - 100 * (value - low) / span, 2)) for step, value in points
        ]

    return LineChart(
        train=_path(place(thinned)),
        validation=_path(place(dots)),
        dots=place(dots),
        x_ticks=[Tick(100 * x / last_step, f"{x:,g}") for x in nice_ticks(0, last_step) if x <= last_step],
        y_ticks=[Tick(100 - 100 * (y - low) / span, name) for y, name in zip(y_ticks, _aligned(y_ticks), strict=True)],
        steps_per_point=size,
        description=" ".join(filter(None, (_describe("Training", what, thinned), _describe("Validation", what, dots)))),
    )


def _aligned(ticks: list[float]) -> list[str]:
    """Equally many digits after the point, as few as tell the ticks apart."""
    digits = max(len(f"{tick:g}".partition(".")[2]) for tick in ticks)
    return [f"{tick:.{digits}f}" for tick in ticks]


def _path(places: list[tuple[float, float]]) -> str:
    return f"M{' L'.join(f'{x} {y}' for x, y in places)} h0" if places else ""


def _describe(name: str, what: str, points: Points) -> str:
    if not points:
        return ""
    (first, start), (last, end) = points[0], points[-1]
    return f"{name} {what}: {start:.3f} at step {first:,}, {end:.3f} at step {last:,}."
