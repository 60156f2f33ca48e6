"""Live progress of stages: a bar with ETA on a terminal, plain lines elsewhere (`ray job logs`, a file), and tracked curves."""

import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from typing import Protocol, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

PLAIN_LINE_EVERY_S = 10.0
LOG_WIDTH = 120
# After this many seconds without output, say what the job is waiting for; then after twice as long, and so on.
SILENCE_S = 20.0

T = TypeVar("T")


class Scalars(Protocol):
    """Receives a stage's numbers, like `pad_ray.run.tracking.Tracker`; the values hold from step `step` on."""

    def log(self, step: int, values: dict[str, float]) -> None: ...


Track = Callable[[str], AbstractContextManager[Scalars]]
"""A function that opens the receiver of the numbers of a stage, given the stage's name."""


class Progress:
    """Shows one bar per stage and prints messages between them; `track` receives the numbers of every stage."""

    def __init__(self, console: Console | None = None, track: Track | None = None) -> None:
        self.console = console or _console()
        self.track = track

    def tracked(self, track: Track) -> "Progress":
        """The same display that also sends its numbers to `track`."""
        return Progress(self.console, track)

    def say(self, message: str) -> None:
        self.console.print(message, markup=False)
        self.console.file.flush()

    @contextmanager
    def wait(self, what: str | Callable[[], str]) -> Iterator[None]:
        """If the block takes longer than `SILENCE_S`, say what the job is waiting for, and again at growing intervals.

        `what` is a noun phrase. If it belongs to a stage, the stage's name and a colon come first.
        """
        ended, started = threading.Event(), time.monotonic()

        def tell() -> None:
            pause = SILENCE_S
            while not ended.wait(pause):
                awaited = what if isinstance(what, str) else what()
                if not ended.is_set():
                    stage, colon, thing = awaited.partition(": ") if ": " in awaited else ("", "", awaited)
                    self.say(f"{stage}{colon}waiting for {thing}; {time.monotonic() - started:.0f} s so far")
                pause *= 2

        threading.Thread(target=tell, daemon=True).start()
        try:
            yield
        finally:
            ended.set()

    def each(self, items: Iterable[T], what: str | Callable[[], str]) -> Iterator[T]:
        """Yield the items as they arrive. If the next one takes long, say what the job is waiting for."""
        remaining, end = iter(items), object()
        while True:
            with self.wait(what):
                item = next(remaining, end)
            if item is end:
                return
            yield item  # type: ignore[misc]  # `item` is not `end`.

    @contextmanager
    def stage(self, name: str, unit: str, total: int, done: int = 0) -> Iterator["ProgressBar"]:
        """A stage of `total` units, of which an earlier call finished `done`."""
        pace = _StagePace(done)
        with (
            self.track(name) if self.track else nullcontext() as scalars,
            self._shown(name, unit, total, pace) as shown,
        ):
            yield ProgressBar(shown, pace, unit, scalars)

    @contextmanager
    def _shown(self, name: str, unit: str, total: int, pace: "_StagePace") -> Iterator["_Display"]:
        if self.console.is_terminal:
            with _rich(self.console) as rich:
                yield _RichBar(rich, f"{name} ({unit})", total, pace)
            return
        bar = _PlainBar(self, name, unit, total, pace)
        yield bar
        bar.finish()


def _console() -> Console:
    # Log files have no width, so set one; rich finds a terminal's width itself.
    return Console(file=sys.stdout, width=None if sys.stdout.isatty() else LOG_WIDTH, soft_wrap=True, highlight=False)


def _rich(console: Console) -> RichProgress:
    return RichProgress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[pace]}"),
        TextColumn("ETA"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
        console=console,
    )


class _StagePace:
    """The speed of a stage in this call, without the units that an earlier call finished."""

    def __init__(self, done: int) -> None:
        self.first, self.started = done, time.monotonic()

    def per_second(self, done: int) -> float:
        return (done - self.first) / max(time.monotonic() - self.started, 1e-3)

    def written(self, done: int) -> str:
        """The pace as text: per second, or per minute for slow stages; empty before the first unit is done."""
        pace = self.per_second(done)
        if pace <= 0:
            return ""
        return f"{pace:.1f}/s" if pace >= 0.1 else f"{60 * pace:.1f}/min"


class ProgressBar:
    """One stage's progress."""

    def __init__(self, shown: "_Display", pace: _StagePace, unit: str, scalars: Scalars | None) -> None:
        self.shown, self.pace, self.unit, self.scalars = shown, pace, unit, scalars

    def update(self, done: int, note: str = "", values: Mapping[str, float] | None = None) -> None:
        """Report `done` finished units in total; `note` is shown beside the bar, `values` and the pace are tracked."""
        self.shown.update(done, note)
        if self.scalars is not None:
            self.scalars.log(done, {f"{self.unit}_per_s": self.pace.per_second(done), **(values or {})})


class _Display(Protocol):
    """The visible part of a stage's progress."""

    def update(self, done: int, note: str) -> None: ...


class _RichBar:
    def __init__(self, rich: RichProgress, name: str, total: int, pace: _StagePace) -> None:
        self.rich, self.pace = rich, pace
        self.task = rich.add_task(name, total=total, completed=pace.first, note="", pace="")

    def update(self, done: int, note: str) -> None:
        self.rich.update(self.task, completed=done, note=note, pace=self.pace.written(done))


class _PlainBar:
    def __init__(self, progress: Progress, name: str, unit: str, total: int, pace: _StagePace) -> None:
        self.progress, self.name, self.unit, self.total, self.pace = progress, name, unit, total, pace
        self.printed = time.monotonic()
        self.done, self.note = self.said = (pace.first, "")
        progress.say(f"[{name}] {self.done}/{total} {unit}")

    def update(self, done: int, note: str) -> None:
        self.done, self.note = done, note
        if time.monotonic() - self.printed >= PLAIN_LINE_EVERY_S:
            self._print()

    def finish(self) -> None:
        if (self.done, self.note) != self.said:
            self._print()

    def _print(self) -> None:
        self.printed, self.said = time.monotonic(), (self.done, self.note)
        pace, left = self.pace.written(self.done), self.total - self.done
        rest = f", ETA {timedelta(seconds=round(left / self.pace.per_second(self.done)))}" if pace and left > 0 else ""
        line = f"[{self.name}] {self.done}/{self.total} {self.unit} in {self.printed - self.pace.started:.0f} s"
        text = f"{line}, {pace}{rest}" if pace else line
        self.progress.say(f"{text}, {self.note}" if self.note else text)
