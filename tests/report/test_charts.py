"""Where marks stand in the charts."""

import math
from itertools import pairwise

import pytest

from pad_ray.report.charts import Mark, Spot, bars, lines, nice_ticks, scatter, share_bars, thin, whiskers


def mark(value, interval=None, label="t"):
    return Mark(label, "", value, interval, f"{value:.0%}", "", "after")


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.31, 1.43), (0, 20_000), (2.0, 2.0), (-3, 4), (1e-7, 3e-4)])
def test_ticks_are_few_round_and_cover_the_range(low, high):
    ticks = nice_ticks(low, high)
    assert 2 <= len(ticks) <= 7
    assert ticks[0] <= low <= high <= ticks[-1]
    assert len({round(b - a, 10) for a, b in pairwise(ticks)}) == 1


def test_a_long_curve_becomes_means_of_equal_runs():
    points = [(step, step) for step in range(1, 1001)]
    means, size = thin(points, most=100)
    assert (len(means), size) == (100, 10)
    assert means[0][1] == pytest.approx(5.5)


def test_losses_that_are_not_numbers_are_not_drawn():
    curve = [(1, 2.0), (2, math.nan), (3, math.inf)]
    chart = lines(curve, [])
    assert chart is not None and "nan" not in chart.train
    assert lines(curve[1:], []) is None


def test_the_curve_stays_inside_its_plot():
    chart = lines([(step, 3 / step) for step in range(1, 50)], [])
    assert chart is not None
    numbers = [float(number) for number in chart.train.replace("M", "").replace("L", "").replace(" h0", "").split()]
    assert all(0 <= number <= 100 for number in numbers)


def test_whiskers_start_at_zero_and_keep_their_order():
    chart = whiskers([mark(0.4, (0.17, 0.69))])
    row = chart.rows[0]
    assert chart.ticks[0].at == 0 and chart.ticks[-1].at == 100
    assert 0 < row.low < row.at < row.high <= 100


@pytest.mark.parametrize("accuracy", [0.0, 1.0])
def test_whiskers_hold_the_extremes(accuracy):
    chart = whiskers([mark(accuracy)])
    assert 0 <= chart.rows[0].at <= 100


def test_differences_stand_on_both_sides_of_zero():
    worse, better = whiskers([mark(-0.1, (-0.2, 0.0)), mark(0.3, (0.1, 0.5))]).rows
    zero = whiskers([mark(-0.1, (-0.2, 0.0)), mark(0.3, (0.1, 0.5))]).zero
    assert 0 <= worse.low < worse.at < zero == worse.high < better.low < better.at < better.high <= 100


def test_spots_stand_by_cost_and_value_inside_their_plot():
    cheap, dear = Spot("1", mark(0.2, (0.1, 0.3)), 50.0), Spot("2", mark(0.4, (0.3, 0.5)), 900.0)
    chart = scatter([cheap, dear], front=[dear, cheap])
    left, right = chart.spots
    assert 0 < left.x < right.x <= 100
    assert 0 <= right.high < right.y < right.low <= left.high < left.y < left.low <= 100
    assert chart.front.startswith(f"M{left.x} {left.y} L{right.x} {right.y}")


def test_a_front_of_losses_does_not_begin_at_zero():
    chart = scatter([Spot("1", mark(2.1), 10.0), Spot("2", mark(2.2), 11.0)], per_cent=False)
    assert float(chart.y_ticks[0].label) > 2
    assert all(0 <= spot.x <= 100 and 0 <= spot.y <= 100 for spot in chart.spots)


def test_the_longest_bar_fills_its_place_and_shares_are_of_the_whole():
    first, second = bars({"accepted": 30, "wrong_answer": 10}, 40, {})
    assert (first.width, first.share) == (100, "75.0\u00a0%")
    assert (second.width, second.label) == (33.33, "wrong answer")


def test_a_bar_of_a_share_is_as_long_as_the_share():
    (bar,) = share_bars({"program": (30, 120), "nothing": (0, 0)})
    assert (bar.width, bar.number, bar.share) == (25, "30 of 120", "25.0\u00a0%")
