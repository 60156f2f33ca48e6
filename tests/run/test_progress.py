"""The progress output of a stage on a terminal and in a log."""

import io
import threading
from contextlib import nullcontext

import pytest
from rich.console import Console

from pad_ray.run.progress import Progress, _StagePace


def said(terminal, done, to, total=80, monkeypatch=None):
    """The output of a stage that goes from `done` to `to` units in twenty seconds."""
    now = iter([100.0, *[120.0] * 9_999])
    monkeypatch.setattr("time.monotonic", lambda: next(now))
    out = io.StringIO()
    console = Console(file=out, force_terminal=terminal, width=160, highlight=False, color_system=None)
    with Progress(console).stage("synthesis", "drafts", total, done) as bar:
        bar.update(to, "60% accepted")
    return out.getvalue()


class Scalars:
    """Records the values that a stage tracks."""

    def __init__(self):
        self.said = []

    def log(self, step, values):
        self.said.append((step, values))


def test_displayed_numbers_are_tracked_under_the_stage_name(monkeypatch):
    now = iter([100.0, *[120.0] * 9])
    monkeypatch.setattr("time.monotonic", lambda: next(now))
    opened = {}

    def track(stage):
        return nullcontext(opened.setdefault(stage, Scalars()))

    with Progress(Console(file=io.StringIO()), track).stage("synthesis", "drafts", 80, 20) as bar:
        bar.update(40, "60% accepted", {"accepted_share": 0.6})
    assert opened["synthesis"].said == [(40, {"drafts_per_s": 1.0, "accepted_share": 0.6})]


def test_a_log_line_shows_done_total_rate_time_left_and_note(monkeypatch):
    lines = said(False, 0, 40, monkeypatch=monkeypatch).splitlines()
    assert lines[0] == "[synthesis] 0/80 drafts"
    assert lines[-1] == "[synthesis] 40/80 drafts in 20 s, 2.0/s, ETA 0:00:20, 60% accepted"


def test_the_rate_of_a_continued_stage_counts_only_new_units(monkeypatch):
    assert "60/80 drafts in 20 s, 1.0/s, ETA 0:00:20" in said(False, 40, 60, monkeypatch=monkeypatch)


def test_a_finished_stage_has_no_time_left(monkeypatch):
    assert "ETA" not in said(False, 0, 80, monkeypatch=monkeypatch)


@pytest.mark.parametrize("notes", [["loss 0.500"], ["loss 0.500", "validation loss 0.400"]])
def test_the_last_line_of_a_stage_is_printed_once_with_its_last_note(monkeypatch, notes):
    # A line is due at the first update; all other updates come at the same moment.
    now = iter([100.0, 100.0, *[120.0] * 99])
    monkeypatch.setattr("time.monotonic", lambda: next(now))
    out = io.StringIO()
    with Progress(Console(file=out, width=160)).stage("training", "steps", 8) as bar:
        for note in notes:
            bar.update(8, note)
    assert [line.rpartition(", ")[2] for line in out.getvalue().splitlines()[1:]] == notes


def test_a_terminal_shows_the_same_figures(monkeypatch):
    shown = said(True, 0, 40, monkeypatch=monkeypatch)
    assert "synthesis (drafts)" in shown and "40/80" in shown and "ETA" in shown
    assert "2.0/s" in shown and "60% accepted" in shown


@pytest.mark.parametrize(("done", "written"), [(0, ""), (1, "3.0/min"), (2, "0.1/s"), (90, "4.5/s")])
def test_the_rate_of_a_slow_stage_is_per_minute(monkeypatch, done, written):
    now = iter([0.0, 20.0])
    monkeypatch.setattr("time.monotonic", lambda: next(now))
    assert _StagePace(0).written(done) == written


class Told(io.StringIO):
    """A log that shows when something is written to it."""

    def __init__(self):
        super().__init__()
        self.written = threading.Event()

    def write(self, text):
        count = super().write(text)
        self.written.set()
        return count


def test_a_long_wait_says_what_it_waits_for_and_a_short_one_nothing(monkeypatch):
    log = Told()
    progress = Progress(Console(file=log, width=160, highlight=False))
    with progress.wait("Ray to start"):
        pass
    assert not log.getvalue()
    monkeypatch.setattr("pad_ray.run.progress.SILENCE_S", 0.01)
    with progress.wait(lambda: "synthesis: 1 engine to load a model"):
        assert log.written.wait(60)
    assert log.getvalue().startswith("synthesis: waiting for 1 engine to load a model; 0 s so far")


def test_the_items_of_a_slow_source_come_with_what_is_waited_for(monkeypatch):
    monkeypatch.setattr("pad_ray.run.progress.SILENCE_S", 0.01)
    log = Told()

    def slow():
        yield 1
        assert log.written.wait(60)
        yield 2

    assert list(Progress(Console(file=log, width=160)).each(slow(), "the next drafts")) == [1, 2]
    assert "waiting for the next drafts" in log.getvalue()
