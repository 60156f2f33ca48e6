"""Print the tables at the end of a job: the ledger, the scores and the comparisons."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.table import Table

from pad_ray.run import ledger, metrics
from pad_ray.run.folder import RunDir
from pad_ray.run.metrics import Metrics
from pad_ray.run.progress import Progress
from pad_ray.run.records import Interval, Paired, Score, Yield
from pad_ray.words import counted

if TYPE_CHECKING:
    from pad_ray.stages.base import Run


def closing_table(run: "Run") -> None:
    """Print the ledger and the scores."""
    stages = Table("stage", "in", "out", "rejected", "failed", "seconds", title="ledger")
    for entry in ledger.entries(run.folder):
        counts = (entry.rows_in, entry.rows_out, sum(entry.rejected.values()), entry.failed, round(entry.seconds))
        stages.add_row(f"{entry.stage} ({entry.unit})", *map(str, counts))
    run.progress.console.print(stages)
    say_faults(run.folder, run.progress)
    results = metrics.read(run.folder)
    if results.synthesis:
        _say_yield(run, results.synthesis)
    if results.evaluation:
        run.progress.console.print(_scores(results.evaluation))
    _say_pairs(run, results.paired)
    _say_general(run, results)


def _scores(scores: Sequence[Score]) -> Table:
    """The scores by task and student, with a column for the strategy if there are several."""
    several = len({score.strategy for score in scores}) > 1
    columns = ["task", "student", *(["strategy"] if several else []), "prompt", "questions"]
    table = Table(*columns, "accuracy", "95 % interval", "executable", title="scores")
    for score in scores:
        strategy = [score.strategy] if several else []
        table.add_row(score.task, score.student, *strategy, score.prompt, str(score.questions), *_shares(score))
    return table


def say_faults(folder: RunDir, progress: Progress) -> None:
    """Print for each stage how many rows have a fault instead of a verdict, and the first reason."""
    for entry in ledger.entries(folder):
        for outcome, fault in entry.faults.items():
            first = f"; the first: {fault.first}" if fault.first else ""
            progress.say(
                f"{entry.stage}: {counted(fault.rows, entry.unit.removesuffix('s'))} ended as {outcome}{first}"
            )


def _say_yield(run: "Run", synthesis: Yield) -> None:
    run.progress.say(
        f"yield: {synthesis.accepted} of {synthesis.drafts} drafts were right, "
        f"{synthesis.share or 0:.1%} {_limits(synthesis.interval)}"
    )
    if len(synthesis.by_path) > 1:
        for path, counts in synthesis.by_path.items():
            run.progress.say(f"yield of {path}: {counts.accepted} of {counts.drafts}, {counts.share:.1%}")


def strategies_table(run: "Run", student: str) -> None:
    """Print a student's scores and costs by strategy, and the paired tests between strategies."""
    results = metrics.read(run.folder)
    table = Table(
        "task", "strategy", "questions", "accuracy", "95 % interval", "executable", title=f"student: {student}"
    )
    table.add_column("tokens/question", justify="right")
    table.add_column("s/question", justify="right")
    of_student = [score for score in results.evaluation if score.student == student]
    for score in of_student:
        costs = (score.completion_tokens / score.questions, score.seconds / score.questions)
        row = (score.task, score.strategy, str(score.questions), *_shares(score))
        table.add_row(*row, f"{costs[0]:.0f}", f"{costs[1]:.2f}")
    run.progress.console.print(table)
    for score in of_student:
        for at in score.at_k:
            values = " and ".join(
                f"{name}@{at.k} {rate.value:.1%} {_limits(rate.interval)}"
                for name, rate in (("pass", at.passed), ("maj", at.maj))
            )
            run.progress.say(f"{score.task}, samples of {score.strategy}: {values}")
    for pooled in results.pooled:
        figures = (
            f"{pooled.accuracy:.1%} {_limits(pooled.interval)}, deviation between seeds {pooled.seed_deviation:.1%}"
        )
        run.progress.say(f"{pooled.task}: {pooled.seeds} seeds of {pooled.strategies[0]} pooled: {figures}")
    say_faults(run.folder, run.progress)
    _say_pairs(run, [pair for pair in results.paired_strategies if pair.student == student])
    _say_general(run, results)


def _limits(interval: Interval) -> str:
    low, high = interval
    return f"({low:.1%} to {high:.1%})"


def _say_general(run: "Run", results: Metrics) -> None:
    """Print macro averages over sub-tasks, their change by training, and the sub-tasks that changed."""
    from pad_ray.evaluation.claims import SIGNIFICANCE

    for one in results.general:
        share = f"{one.macro:.1%} {_limits(one.interval)}"
        run.progress.say(f"{one.task}, {one.student}, {one.strategy}: mean of {len(one.subtasks)} sub-tasks {share}")
    for change in results.general_change:
        low, high = change.interval
        changed = [name for name, p_value in change.adjusted.items() if p_value < SIGNIFICANCE]
        run.progress.say(
            f"{change.task}: mean of sub-tasks, {change.b} - {change.a} = {change.difference:+.1%} "
            f"({low:+.1%} to {high:+.1%}), p = {change.p_value:.2g}; changed sub-tasks: {', '.join(changed) or 'none shown'}"
        )


def _shares(score: Score) -> tuple[str, str, str]:
    """Accuracy, its interval and the executable rate of a score, as table cells."""
    low, high = score.interval
    executable = "" if score.executable_rate is None else f"{score.executable_rate:.1%}"
    return f"{score.accuracy:.1%}", f"{low:.1%} to {high:.1%}", executable


def _say_pairs(run: "Run", pairs: Sequence[Paired]) -> None:
    """Print paired tests; if there are several, also the p-values adjusted as one family."""
    from pad_ray.evaluation.claims import ONE_TRAINING
    from pad_ray.evaluation.families import holm

    for pair, p_adjusted in zip(pairs, holm([pair.p_value for pair in pairs]), strict=True):
        low, high = pair.interval
        adjusted = f", {p_adjusted:.2g} by Holm's adjustment for {len(pairs)} comparisons" if len(pairs) > 1 else ""
        run.progress.say(
            f"{pair.task}: {pair.b} - {pair.a} = {pair.difference:+.1%} ({low:+.1%} to {high:+.1%}), "
            f"{pair.fixed} fixed, {pair.broken} broken, {pair.test} p = {pair.p_value:.2g}{adjusted}"
        )
    if pairs:
        run.progress.say(ONE_TRAINING)
