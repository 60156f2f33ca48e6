"""A test set of several sub-tasks: each student's macro average, each sub-task, and the changes by training."""

from collections.abc import Sequence
from dataclasses import dataclass

from pad_ray.report import charts, text
from pad_ray.report.data import RunData
from pad_ray.report.headline import SIGNIFICANT, difference_of, verdict_of
from pad_ray.run.records import General, GeneralChange, Paired, StudentRole, Subtask


@dataclass(frozen=True)
class SubtaskRow:
    """One sub-task; a cell is a student's score, None if it was not measured."""

    name: str
    questions: str
    cells: list[Subtask | None]


@dataclass(frozen=True)
class MacroChange:
    """`rows` hold name, comparison and verdict of every sub-task; the verdict uses the adjusted p-value."""

    title: str
    sentence: str
    warning: str
    rows: list[tuple[str, Paired, str]]


@dataclass(frozen=True)
class Ability:
    """The content for a test set; the cells of `rows` are in the order of `students`."""

    macro: charts.Chart
    students: list[General]
    rows: list[SubtaskRow]
    changes: list[MacroChange]
    warnings: list[str]


def ability(data: RunData, task: str) -> Ability | None:
    """The content for a task; None if it has no sub-tasks."""
    students = [one for one in data.metrics.general if one.task == task]
    if not students:
        return None
    marks = [_mark(one) for one in students]
    return Ability(
        macro=charts.whiskers(marks),
        students=students,
        rows=_rows(students),
        changes=[_change(one) for one in data.metrics.general_change if one.task == task],
        warnings=[
            f"{mark.label}, macro average: {one.warning}"
            for mark, one in zip(marks, students, strict=True)
            if one.warning
        ],
    )


def _mark(one: General) -> charts.Mark:
    return charts.Mark(
        label=", ".join(part for part in (one.student, one.strategy) if part),
        note=f"{text.count(len(one.subtasks))} sub-tasks",
        value=one.macro,
        interval=one.interval,
        number=text.percent(one.macro),
        spread=f" ({text.percent_interval(one.interval)})",
        kind="before" if one.student == StudentRole.BEFORE else "after",
    )


def _rows(students: Sequence[General]) -> list[SubtaskRow]:
    names = dict.fromkeys(name for one in students for name in one.subtasks)
    cells = {name: [one.subtasks.get(name) for one in students] for name in names}
    # One number, unless students answered different samples.
    counts = {name: dict.fromkeys(text.count(cell.questions) for cell in cells[name] if cell) for name in names}
    return [SubtaskRow(name, ", ".join(counts[name]), cells[name]) for name in names]


def _change(change: GeneralChange) -> MacroChange:
    rows = [_row(name, one, change.adjusted.get(name)) for name, one in change.subtasks.items()]
    changed = [f"{name} ({text.points(one.difference)})" for name, one, verdict in rows if verdict != "open"]
    summary = f"{len(changed)} of {len(rows)} sub-tasks changed: {', '.join(changed)}" if changed else ""
    summary = summary or f"none of {len(rows)} sub-tasks is shown to have changed"
    return MacroChange(
        title=f"{change.task}: {change.b} against {change.a}",
        sentence=(
            f"Macro average, {change.b} against {change.a}. {difference_of(change)}. "
            f"At a false discovery rate of {100 * SIGNIFICANT:.0f}\u00a0%, {summary}."
        ),
        warning=change.warning,
        rows=rows,
    )


def _row(name: str, paired: Paired, adjusted: float | None) -> tuple[str, Paired, str]:
    adjusted_pair = paired.model_copy(update={"p_adjusted": adjusted})
    return name, adjusted_pair, "open" if adjusted is None else verdict_of(adjusted_pair)
