"""The charts of the page, rendered by Altair as SVG: they need no script in the browser, and their text stays text.

Colours are the page's CSS variables, which inline SVG inherits, so charts follow light and dark mode. Scaling a chart down
would shrink its letters, so each chart is drawn twice, and phones show the narrow one.
"""

import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import altair as alt
from markupsafe import Markup

from pad_ray.report import text
from pad_ray.run.records import Interval

WIDE, NARROW = 900, 340
"""Width of a chart in pixels, on a screen and on a phone."""
HEIGHT = 240
"""Height of a plot with two axes, in pixels."""
MOST_POINTS = 240
"""Maximum number of points of a curve; a longer curve is drawn as means over equal numbers of steps."""
COLOURS = {
    "before": "var(--before)",
    "after": "var(--after)",
    "open": "var(--before)",
    "better": "var(--good)",
    "worse": "var(--bad)",
    "best": "var(--after)",
    "default": "var(--bad)",
    "front": "var(--good)",
    "other": "var(--grey)",
}
"""Colour of a mark by its kind."""

Points = Sequence[tuple[int, float]]
"""Steps and values."""
Drawing = alt.LayerChart | alt.FacetChart
"""The result of `alt.layer`."""


@dataclass(frozen=True)
class Chart:
    """`narrow` is empty if phones scroll the wide chart; `description` is the content of both in words."""

    wide: Markup
    narrow: Markup
    description: str


@dataclass(frozen=True)
class Mark:
    """A value with its interval; `kind` is its colour."""

    label: str
    note: str
    value: float
    interval: Interval | None
    number: str
    spread: str
    kind: str


@dataclass(frozen=True)
class Spot:
    """A mark with its cost; `name` labels its dot and names it in a list."""

    name: str
    mark: Mark
    cost: float


@dataclass(frozen=True)
class Axis:
    """One of several parallel axes; `ticks` are positions, from 0 at the bottom to 1, with their labels."""

    name: str
    note: str
    ticks: list[tuple[float, str]]


@dataclass(frozen=True)
class Strand:
    """A line through parallel axes: its position on each axis, None if an axis does not have its value."""

    name: str
    kind: str
    places: list[float | None]
    description: str


def whiskers(marks: Sequence[Mark], unit: str = "\u00a0%") -> Chart:
    """Fractions with their intervals in per cent, one below the other, on an axis that includes zero."""
    rows = [_row(mark, 100) | {"row": number} for number, mark in enumerate(marks)]
    ends = [end for row in rows for end in (row["low"], row["value"], row["high"]) if end is not None]
    lowest, highest = min([*ends, 0]), max([*ends, 1])
    scale = alt.Scale(domain=[lowest, highest], nice=True)
    y = alt.Y("row:O", axis=None)
    base = alt.Chart(_data(rows)).encode(y=y)
    zero = alt.Chart(_data([{"value": 0}] if lowest < 0 else [])).mark_rule(color="var(--soft)")

    def draw(width: int) -> Drawing:
        x = alt.X("value:Q", scale=scale, axis=_across(width, unit))
        spread = width == WIDE
        label = base.mark_text(align="left", dy=-18, limit=width - (280 if spread else 100))
        number = base.mark_text(align="right", dy=-18)
        return alt.layer(
            zero.encode(x=x),
            _intervals(rows).encode(x=alt.X("low:Q", title=None), x2="high:Q", y=y),
            base.mark_circle(size=100, opacity=1).encode(x=x, color=_colour()),
            label.encode(x=alt.value(0), text="label:N"),
            number.encode(x=alt.value("width"), text="spread:N" if spread else "number:N"),
        ).properties(height=52 * len(rows))

    return _chart(draw, "; ".join(f"{mark.label}, {mark.note}: {mark.number}{mark.spread}" for mark in marks))


def scatter(spots: Sequence[Spot], front: Sequence[Spot] = (), *, per_cent: bool = True) -> Chart:
    """Values (vertical) by cost (horizontal); the spots of `front` are joined by a line.

    With `per_cent`, values are fractions, shown in per cent, and both axes start at zero. There can be many spots of kind
    `other`, whose names would overlap, so their names are shown only on hover.
    """
    rows = [
        _row(spot.mark, 100 if per_cent else 1)
        | {"name": "" if spot.mark.kind == "other" else spot.name, "cost": spot.cost}
        | {"said": f"{spot.mark.label}: {spot.mark.number}", "joined": spot in front}
        for spot in spots
    ]
    scale = alt.Scale(zero=per_cent, nice=True)
    y = alt.Y("value:Q", scale=scale, axis=_up("\u00a0%" if per_cent else ""))
    base = alt.Chart(_data(rows))
    joined = alt.Chart(_data([row for row in rows if row["joined"]])).mark_line(color=COLOURS["front"], strokeWidth=1.5)

    def draw(width: int) -> Drawing:
        x = alt.X("cost:Q", scale=scale, axis=_across(width))
        return alt.layer(
            joined.encode(x=x, y=y),
            _intervals(rows).encode(x=x, y=alt.Y("low:Q", title=None), y2="high:Q"),
            base.mark_circle(size=100, opacity=1, aria=True).encode(x=x, y=y, color=_colour(), description="said:N"),
            base.mark_text(align="left", dx=9, dy=-5).encode(x=x, y=y, text="name:N"),
        ).properties(height=HEIGHT)

    return _chart(draw, "; ".join(f"{spot.mark.label}: {spot.mark.number} at {spot.cost:,.4g}" for spot in spots))


def lines(train: Points, validation: Points, what: str = "loss") -> Chart | None:
    """Values of training and validations by step; None if there are none."""
    thinned, size = thin(train)
    dots, _ = thin(validation)
    if not (thinned or dots):
        return None
    names = f"training, means of {size} steps" if size > 1 else "training", "validation"
    curves = {name: points for name, points in zip(names, (thinned, dots), strict=True) if points}
    rows = [{"curve": name, "step": step, "value": value} for name, points in curves.items() for step, value in points]
    dotted = [row for row in rows if row["curve"] == "validation" or len(thinned) == 1]
    colours = alt.Scale(domain=list(names), range=[COLOURS["before"], COLOURS["after"]])
    last = max(step for points in curves.values() for step, _ in points) or 1
    line = alt.Chart(_data(rows)).mark_line(strokeWidth=1.75)
    dot = alt.Chart(_data(dotted)).mark_circle(size=64, opacity=1)

    def draw(width: int) -> Drawing:
        channels = {
            "x": alt.X("step:Q", scale=alt.Scale(domain=[0, last]), axis=_across(width, apart=1)),
            "y": alt.Y("value:Q", scale=alt.Scale(zero=False, nice=True), axis=_up()),
            "color": alt.Color("curve:N", scale=colours, legend=alt.Legend(values=list(curves))),
        }
        return alt.layer(line.encode(**channels), dot.encode(**channels)).properties(height=HEIGHT)

    descriptions = (_describe("Training", what, thinned), _describe("Validation", what, dots))
    return _chart(draw, " ".join(filter(None, descriptions)))


def thin(points: Points, most: int = MOST_POINTS) -> tuple[list[tuple[int, float]], int]:
    """At most `most` points, each the mean of the same number of points, and that number; drops values that are not finite."""
    finite = [(step, value) for step, value in points if math.isfinite(value)]
    size = max(1, math.ceil(len(finite) / most))
    groups = [finite[start : start + size] for start in range(0, len(finite), size)]
    return [(group[len(group) // 2][0], sum(value for _, value in group) / len(group)) for group in groups], size


def _describe(name: str, what: str, points: Points) -> str:
    if not points:
        return ""
    (first, start), (last, end) = points[0], points[-1]
    return f"{name} {what}: {start:.3f} at step {first:,}, {end:.3f} at step {last:,}."


def parallel(axes: Sequence[Axis], strands: Sequence[Strand], kinds: Mapping[str, str]) -> Chart:
    """Strands through parallel axes; `kinds` maps kinds to names, in drawing order, so that the last is on top.

    The chart is as wide as its axes need, also on a phone.
    """
    kinds = {kind: name for kind, name in kinds.items() if any(strand.kind == kind for strand in strands)}
    rows = [
        {"axis": number, "place": place, "strand": strand.name, "kind": kinds[strand.kind], "said": strand.description}
        for strand in sorted(strands, key=lambda strand: list(kinds).index(strand.kind))
        for number, place in enumerate(strand.places)
        if place is not None
    ]
    ticks = [{"axis": at, "place": place, "label": tick} for at, axis in enumerate(axes) for place, tick in axis.ticks]
    heads = [{"axis": at, "name": axis.name, "note": axis.note} for at, axis in enumerate(axes)]
    x = alt.X("axis:Q", scale=alt.Scale(domain=[-0.4, len(axes) - 0.4], nice=False), axis=None)
    y = alt.Y("place:Q", scale=alt.Scale(domain=[0, 1]), axis=None)
    above = alt.value(0)
    head = alt.Chart(_data(heads)).encode(x=x)
    soft: dict[str, Any] = {"fontSize": 13, "color": "var(--soft)"}

    def by_kind(values: Mapping[str, Any]) -> alt.Scale:
        return alt.Scale(domain=list(kinds.values()), range=[values[kind] for kind in kinds])

    widths = by_kind({"other": 1, "front": 1.5, "default": 2.5, "best": 3})
    dashes = by_kind({kind: [6, 4] if kind == "default" else [1, 0] for kind in kinds})
    layers = alt.layer(
        alt.Chart(_data(rows))
        .mark_line(strokeJoin="round", aria=True)
        .encode(
            x=x,
            y=y,
            detail="strand:N",
            description="said:N",
            color=alt.Color("kind:N", scale=by_kind(COLOURS), legend=alt.Legend(offset=54)),
            strokeWidth=alt.StrokeWidth("kind:N", scale=widths),
            strokeDash=alt.StrokeDash("kind:N", scale=dashes),
        ),
        head.mark_rule(color="var(--soft)"),
        head.mark_text(dy=-34).encode(y=above, text="name:N"),
        head.mark_text(dy=-18, **soft).encode(y=above, text="note:N"),
        alt.Chart(_data(ticks)).mark_text(align="left", dx=6, limit=110, **soft).encode(x=x, y=y, text="label:N"),
    ).properties(height=HEIGHT)
    described = f"{len(strands):,} lines through {', '.join(axis.name for axis in axes)}"
    return Chart(_svg(layers, max(WIDE, 130 * len(axes))), Markup(), described)


def _row(mark: Mark, factor: float) -> dict[str, Any]:
    low, high = [factor * end for end in mark.interval] if mark.interval else (None, None)
    return {
        "label": " · ".join(filter(None, (mark.label, mark.note))),
        "number": mark.number,
        "spread": mark.number + mark.spread,
        "value": factor * mark.value,
        "low": low,
        "high": high,
        "colour": COLOURS[mark.kind],
    }


def _intervals(rows: Sequence[Mapping[str, Any]]) -> alt.Chart:
    known = [row for row in rows if row["low"] is not None]
    ticks = alt.TickConfig(size=10, thickness=2, opacity=1)
    bars: alt.Chart = alt.Chart(_data(known)).mark_errorbar(ticks=ticks, thickness=2)
    return bars.encode(color=_colour())


def _colour() -> alt.Color:
    return alt.Color("colour:N", scale=None)


def _across(width: int, unit: str = "", apart: float = 0) -> alt.Axis:
    """A horizontal axis with a label about every 90 pixels; `apart` is the minimum distance of two values."""
    return alt.Axis(labelExpr=f"datum.label + '{unit}'", tickCount=width // 90, tickMinStep=apart)


def _up(unit: str = "") -> alt.Axis:
    return alt.Axis(labelExpr=f"datum.label + '{unit}'", tickCount=5)


def _data(rows: Sequence[Mapping[str, Any]]) -> alt.InlineData:
    return alt.InlineData(values=[{name: text.clean(value) for name, value in row.items()} for row in rows])


def _chart(draw: Callable[[int], Drawing], description: str) -> Chart:
    return Chart(_svg(draw(WIDE), WIDE), _svg(draw(NARROW), NARROW), description)


def _svg(drawing: Drawing, width: int) -> Markup:
    """The SVG in the page's colours. The library escapes the texts; namespaces are removed, because HTML needs none."""
    soft = {"labelColor": "var(--soft)", "labelFontSize": 13, "title": None}
    sized = drawing.properties(width=width, autosize=alt.AutoSizeParams(type="fit-x", contains="padding"), padding=1)
    styled = sized.configure(
        background="transparent",
        view={"stroke": "transparent"},
        mark={"aria": False},
        text={"aria": False, "color": "var(--ink)", "fontSize": 14},
        axis={"aria": False, "domain": False, "ticks": False, "gridColor": "var(--grid)", "labelPadding": 8, **soft},
        legend={"aria": False, "orient": "top", "symbolType": "stroke", "columnPadding": 30, **soft},
    )
    svg = io.StringIO()
    styled.save(svg, format="svg")
    return Markup(
        svg.getvalue().replace(' xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"', "")
    )
