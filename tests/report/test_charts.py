"""The SVG of the charts, parsed: marks and their positions."""

import math
import re
from xml.etree import ElementTree

import pytest

from pad_ray.report.bars import bars, share_bars
from pad_ray.report.charts import NARROW, WIDE, Axis, Mark, Spot, Strand, lines, parallel, scatter, thin, whiskers
from tests.report.test_page import HOSTILE

KINDS = {"other": "others", "best": "best"}


def mark(value, interval=None, label="t", kind="after"):
    return Mark(label, "", value, interval, f"{value:.0%}", "", kind)


def marks_of(svg, kind):
    """The marks of one of Vega's kinds (symbol, rule, line), in drawing order."""
    groups = [
        g for g in ElementTree.fromstring(svg).iter("g") if g.get("class", "").startswith(f"mark-{kind} role-mark")
    ]
    return [mark for group in groups for mark in group]


def place(mark):
    return tuple(float(number) for number in re.findall(r"-?[\d.]+", mark.get("transform")))


def words(svg):
    return [text.text for text in ElementTree.fromstring(svg).iter("text")]


def test_a_long_curve_becomes_means_of_equal_runs():
    points = [(step, step) for step in range(1, 1001)]
    means, size = thin(points, most=100)
    assert (len(means), size) == (100, 10)
    assert means[0][1] == pytest.approx(5.5)
    assert "training, means of 5 steps" in words(lines(points, []).wide)


def test_losses_that_are_not_numbers_are_not_drawn():
    curve = [(1, 2.0), (2, math.nan), (3, math.inf)]
    chart = lines(curve, [])
    assert chart is not None and "NaN" not in chart.wide
    assert lines(curve[1:], []) is None


def test_a_curve_falls_and_its_legend_names_the_curves():
    chart = lines([(step, 3 / step) for step in range(1, 50)], [(25, 0.2), (49, 0.1)])
    training, validation = marks_of(chart.wide, "line")
    heights = [float(y) for _, y in re.findall(r"([\d.]+),([\d.]+)", training.get("d"))]
    assert heights == sorted(heights) and len(heights) == 49
    assert (training.get("stroke"), validation.get("stroke")) == ("var(--before)", "var(--after)")
    assert len(marks_of(chart.wide, "symbol")) == 2
    assert {"training", "validation"} <= set(words(chart.wide))
    assert "validation" not in words(lines([(1, 2.0), (2, 1.0)], []).wide)


def test_a_single_step_is_a_dot():
    assert len(marks_of(lines([(1, 2.0)], []).wide, "symbol")) == 1


def test_whiskers_start_at_zero_and_keep_their_order():
    chart = whiskers([mark(0.4, (0.17, 0.69))])
    (dot,), (interval,) = marks_of(chart.wide, "symbol"), marks_of(chart.wide, "rule")
    low = place(interval)[0]
    assert 0 < low < place(dot)[0] < low + float(interval.get("x2")) <= WIDE
    assert next(word for word in words(chart.wide) if "\u00a0%" in word) == "0\u00a0%"


@pytest.mark.parametrize("accuracy", [0.0, 1.0])
def test_whiskers_show_extreme_values(accuracy):
    for svg, width in zip(
        (whiskers([mark(accuracy)]).wide, whiskers([mark(accuracy)]).narrow), (WIDE, NARROW), strict=True
    ):
        (dot,) = marks_of(svg, "symbol")
        assert 0 <= place(dot)[0] <= width
        assert ElementTree.fromstring(svg).get("width") == str(width)


def test_a_score_without_an_interval_has_none():
    assert marks_of(whiskers([mark(0.3)]).wide, "rule") == []


def test_differences_stand_on_both_sides_of_zero():
    chart = whiskers([mark(-0.1, (-0.2, 0.0), kind="worse"), mark(0.3, (0.1, 0.5), kind="better")])
    zero, *intervals = marks_of(chart.wide, "rule")
    worse, better = (place(dot)[0] for dot in marks_of(chart.wide, "symbol"))
    assert worse < place(zero)[0] < better
    assert [line.get("stroke") for line in intervals] == ["var(--bad)", "var(--good)"]
    assert place(intervals[0])[0] + float(intervals[0].get("x2")) == pytest.approx(place(zero)[0], abs=0.1)


def test_a_phone_shows_the_number_without_its_spread():
    chart = whiskers([Mark("after, greedy", "0-shot", 0.4, (0.2, 0.6), "40\u00a0%", " (20–60\u00a0%)", "after")])
    assert "after, greedy · 0-shot" in words(chart.wide) and "after, greedy · 0-shot" in words(chart.narrow)
    assert "40\u00a0% (20–60\u00a0%)" in words(chart.wide)
    assert not any("(20" in word for word in words(chart.narrow))


def test_spots_stand_by_cost_and_value():
    cheap, dear = Spot("1", mark(0.2, (0.1, 0.3)), 50.0), Spot("2", mark(0.4, (0.3, 0.5)), 900.0)
    chart = scatter([cheap, dear], front=[dear, cheap])
    (left, low), (right, high) = (place(dot) for dot in marks_of(chart.wide, "symbol"))
    assert left < right and high < low  # the SVG counts from above
    (front,) = marks_of(chart.wide, "line")
    ends = [float(number) for number in re.findall(r"[\d.]+", front.get("d"))]
    assert ends == pytest.approx([left, low, right, high], abs=0.01)
    assert {"1", "2", "0\u00a0%"} <= set(words(chart.wide))


def test_a_front_of_losses_does_not_begin_at_zero():
    chart = scatter([Spot("1", mark(2.1), 10.0), Spot("2", mark(2.2), 11.0)], per_cent=False)
    assert "0" not in words(chart.wide) and "2.10" in words(chart.wide)


def test_ordinary_spots_are_named_on_hover():
    chart = scatter([Spot("t1", mark(0.1, label="trial t1", kind="other"), 1.0), Spot("t2", mark(0.2), 2.0)])
    assert "t1" not in words(chart.wide) and "t2" in words(chart.wide)
    assert marks_of(chart.wide, "symbol")[0].get("aria-label") == "trial t1: 10%"


def test_a_strand_leaves_out_axes_that_do_not_have_its_value():
    axes = [Axis(name, "", [(0, "low"), (1, "high")]) for name in "abc"]
    strands = [Strand("x", "best", [0.0, None, 1.0], "x"), Strand("y", "other", [1.0, 0.5, 0.0], "y")]
    drawn = marks_of(parallel(axes, strands, KINDS).wide, "line")
    assert [(line.get("aria-label"), line.get("d").count("L")) for line in drawn] == [("y", 2), ("x", 1)]
    assert [line.get("stroke") for line in drawn] == ["var(--grey)", "var(--after)"]


def test_the_legend_of_strands_names_only_present_kinds():
    axes = [Axis("a", "", []), Axis("b", "", [])]
    drawn = words(parallel(axes, [Strand("x", "best", [0.0, 1.0], "x")], KINDS).wide)
    assert "best" in drawn and "others" not in drawn


def test_text_from_data_stays_text():
    spots = [Spot(HOSTILE, mark(0.1, label=HOSTILE), 1.0), Spot("2", mark(0.2), 2.0)]
    strand = Strand(HOSTILE, "best", [0.0, 1.0], HOSTILE)
    axes = [Axis(HOSTILE, HOSTILE, [(0, HOSTILE)]), Axis("b", "", [])]
    for chart in (whiskers([mark(0.1, label=HOSTILE)]), scatter(spots), parallel(axes, [strand], KINDS)):
        tags = {element.tag for element in ElementTree.fromstring(chart.wide).iter()}
        assert tags <= {"svg", "g", "path", "line", "text"}


def test_the_longest_bar_has_full_width_and_shares_are_of_the_whole():
    first, second = bars({"accepted": 30, "wrong_answer": 10}, 40, {})
    assert (first.width, first.share) == (100, "75.0\u00a0%")
    assert (second.width, second.label) == (33.33, "wrong answer")


def test_the_length_of_a_share_bar_is_the_share():
    (bar,) = share_bars({"program": (30, 120), "nothing": (0, 0)})
    assert (bar.width, bar.number, bar.share) == (25, "30 of 120", "25.0\u00a0%")
