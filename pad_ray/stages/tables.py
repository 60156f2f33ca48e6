"""Print the tables at the end of a job: the ledger, the scores and the comparisons."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from rich.table import Table

from pad_ray.run import ledger, metrics
from pad_ray.run.folder import RunDir
from pad_ray.run.progress import Progress
from pad_ray.words import counted

if TYPE_CHECKING:
    from pad_ray.stages.base import Run

AT_K = ("pass", "maj")


def closing_table(run: "Run") -> None:
    """Print the ledger and the scores."""
    stages = Table("stage", "in", "out", "rejected", "failed", "seconds", title="ledger")
    for entry in ledger.entries(run.folder):
        rejected = sum(entry["rejected"].values())
        counts = (entry["rows_in"], entry["rows_out"], rejected, entry["failed"], round(entry["seconds"]))
        stages.add_row(f"{entry['stage']} ({entry['unit']})", *map(str, counts))
    run.progress.console.print(stages)
    say_faults(run.folder, run.progress)
    sections = metrics.read(run.folder)
    if "synthesis" in sections:
        _say_yield(run, sections["synthesis"])
    measured = sections.get("evaluation", [])
    strategy = ["strategy"] if len({item["strategy"] for item in measured}) > 1 else []
    columns = ["task", "student", *strategy, "prompt", "questions"]
    scores = Table(*columns, "accuracy", "95 % interval", "executable", title="scores")
    for item in measured:
        scores.add_row(*(str(item[name]) for name in columns), *_shares(item))
    if measured:
        run.progress.console.print(scores)
    _say_pairs(run, sections.get("paired", []))
    _say_general(run, sections)


def say_faults(folder: RunDir, progress: Progress) -> None:
    """Print for each stage how many rows have a fault instead of a verdict, and the first reason."""
    for entry in ledger.entries(folder):
        for outcome, fault in entry.get("faults", {}).items():
            first = f"; the first: {fault['first']}" if fault["first"] else ""
            progress.say(
                f"{entry['stage']}: {counted(fault['rows'], entry['unit'].removesuffix('s'))} ended as {outcome}{first}"
            )


def _say_yield(run: "Run", synthesis: Mapping[str, Any]) -> None:
    run.progress.say(
        f"yield: {synthesis['accepted']} of {synthesis['drafts']} drafts were right, "
        f"{synthesis['yield']:.1%} {_limits(synthesis)}"
    )
    if len(synthesis["by_path"]) > 1:
        for path, counts in synthesis["by_path"].items():
            share = counts["accepted"] / counts["drafts"]
            run.progress.say(f"yield of {path}: {counts['accepted']} of {counts['drafts']}, {share:.1%}")


def strategies_table(run: "Run", student: str) -> None:
    """Print a student's scores and costs by strategy, and the paired tests between strategies."""
    sections = metrics.read(run.folder)
    table = Table(
        "task", "strategy", "questions", "accuracy", "95 % interval", "executable", title=f"student: {student}"
    )
    table.add_column("tokens/question", justify="right")
    table.add_column("s/question", justify="right")
    of_student = [item for item in sections.get("evaluation", []) if item["student"] == student]
    for item in of_student:
        costs = (item["completion_tokens"] / item["questions"], item["seconds"] / item["questions"])
        row = (item["task"], item["strategy"], str(item["questions"]), *_shares(item))
        table.add_row(*row, f"{costs[0]:.0f}", f"{costs[1]:.2f}")
    run.progress.console.print(table)
    for item in of_student:
        for rate in item.get("at_k", []):
            values = " and ".join(
                f"{name}@{rate['k']} {rate[name]['value']:.1%} {_limits(rate[name])}" for name in AT_K
            )
            run.progress.say(f"{item['task']}, samples of {item['strategy']}: {values}")
    for item in sections.get("pooled", []):
        figures = f"{item['accuracy']:.1%} {_limits(item)}, deviation between seeds {item['seed_deviation']:.1%}"
        run.progress.say(f"{item['task']}: {item['seeds']} seeds of {item['strategies'][0]} pooled: {figures}")
    say_faults(run.folder, run.progress)
    _say_pairs(run, [pair for pair in sections.get("paired_strategies", []) if pair["student"] == student])
    _say_general(run, sections)


def _limits(item: Mapping[str, Any]) -> str:
    low, high = item["interval"]
    return f"({low:.1%} to {high:.1%})"


def _say_general(run: "Run", sections: Mapping[str, Any]) -> None:
    """Print macro averages over sub-tasks, their change by training, and the sub-tasks that changed."""
    from pad_ray.evaluation.claims import SIGNIFICANCE

    for item in sections.get("general", []):
        share = f"{item['macro']:.1%} {_limits(item)}"
        run.progress.say(
            f"{item['task']}, {item['student']}, {item['strategy']}: mean of {len(item['subtasks'])} sub-tasks {share}"
        )
    for item in sections.get("general_change", []):
        low, high = item["interval"]
        changed = [name for name, p_value in item["adjusted"].items() if p_value < SIGNIFICANCE]
        run.progress.say(
            f"{item['task']}: mean of sub-tasks, {item['b']} - {item['a']} = {item['difference']:+.1%} "
            f"({low:+.1%} to {high:+.1%}), p = {item['p_value']:.2g}; changed sub-tasks: {', '.join(changed) or 'none shown'}"
        )


def _shares(item: Mapping[str, Any]) -> tuple[str, str, str]:
    """Accuracy, its interval and the executable rate of a score, as table cells."""
    low, high = item["interval"]
    return f"{item['accuracy']:.1%}", f"{low:.1%} to {high:.1%}", f"{item['executable_rate']:.1%}"


def _say_pairs(run: "Run", pairs: Sequence[Mapping[str, Any]]) -> None:
    """Print paired tests; if there are several, also the p-values adjusted as one family."""
    from pad_ray.evaluation.claims import ONE_TRAINING
    from pad_ray.evaluation.families import holm

    for pair, p_adjusted in zip(pairs, holm([pair["p_value"] for pair in pairs]), strict=True):
        low, high = pair["interval"]
        adjusted = f", {p_adjusted:.2g} by Holm's adjustment for {len(pairs)} comparisons" if len(pairs) > 1 else ""
        run.progress.say(
            f"{pair['task']}: {pair['b']} - {pair['a']} = {pair['difference']:+.1%} ({low:+.1%} to {high:+.1%}), "
            f"{pair['fixed']} fixed, {pair['broken']} broken, {pair['test']} p = {pair['p_value']:.2g}{adjusted}"
        )
    if pairs:
        run.progress.say(ONE_TRAINING)
