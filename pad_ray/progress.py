"""Live progress of stages: a bar with ETA on a terminal, plain lines elsewhere (`ray job logs`, a file)."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

PLAIN_LINE_EVERY_S = 10.0
LOG_WIDTH = 120


class Bar(Protocol):
    """One stage's progress."""

    def update(self, done: int, note: str = "") -> None: ...


class Progress:
    """Opens a bar a stage and prints messages between them."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or _console()

    def say(self, message: str) -> None:
        self.console.print(message, markup=False)
        self.console.file.flush()

    @contextmanager
    def stage(self, name: str, unit: str, total: int, done: int = 0) -> Iterator[Bar]:
        """A stage of `total` units of which `done` were finished by an earlier run."""
        if self.console.is_terminal:
            with _rich(self.console) as rich:
                yield _RichBar(rich, f"{name} ({unit})", total, done)
            return
        bar = _PlainBar(self, name, unit, total, done)
        yield bar
        bar.finish()


def _console() -> Console:
    # Logs have no width of their own; a terminal's is its own affair.
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


class _Pace:
    """How fast a stage goes, without what an earlier run did."""

    def __init__(self, done: int) -> None:
        self.first, self.started = done, time.monotonic()

    def per_second(self, done: int) -> float:
        return (done - self.first) / max(time.monotonic() - self.started, 1e-3)

    def written(self, done: int) -> str:
        """Empty while nothing is done; slow stages in units a minute."""
        pace = self.per_second(done)
        if pace <= 0:
            return ""
        return f"{pace:.1f}/s" if pace >= 0.1 else f"{60 * pace:.1f}/min"


class _RichBar:
    def __init__(self, rich: RichProgress, name: str, total: int, done: int) -> None:
        self.rich, self.pace = rich, _Pace(done)
        self.task = rich.add_task(name, total=total, completed=done, note="", pace="")

    def update(self, done: int, note: str = "") -> None:
        self.rich.update(self.task, completed=done, note=note, pace=self.pace.written(done))


class _PlainBar:
    def __init__(self, progress: Progress, name: str, unit: str, total: int, done: int) -> None:
        self.progress, self.name, self.unit, self.total = progress, name, unit, total
        self.pace = _Pace(done)
        self.printed = time.monotonic()
        self.note = ""
        self.done = done
        progress.say(f"[{name}] {done}/{total} {unit}")

    def update(self, done: int, note: str = "") -> None:
        self.done, self.note = done, note
        if time.monotonic() - self.printed >= PLAIN_LINE_EVERY_S:
            self._print()

    def finish(self) -> None:
        self._print()

    def _print(self) -> None:
        self.printed = time.monotonic()
        pace, left = self.pace.written(self.done), self.total - self.done
        rest = f", ETA {left / self.pace.per_second(self.done):.0f} s" if pace and left > 0 else ""
        line = f"[{self.name}] {self.done}/{self.total} {self.unit} in {self.printed - self.pace.started:.0f} s"
        said = f"{line}, {pace}{rest}" if pace else line
        self.progress.say(f"{said}, {self.note}" if self.note else said)
