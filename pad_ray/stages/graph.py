"""Run a list of stages: in a job's own run folder, or in folders that all trials of a campaign share.

`run_stages` runs them in one folder. `SharedStages` runs each in a folder named by the settings that determine its result,
`shared/<stage>-<hash>/`, which is a separate run folder. The hash covers all settings of the stage and of the stages before it,
so trials with equal settings use the same folder: the first trial runs the stage while the others wait. Results of earlier
stages are linked into the folder. Results in the campaign's own run are hard-linked as a start; the stages detect by their ids
and keys whether these are still valid.
"""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from filelock import FileLock

from pad_ray.recipe import Recipe
from pad_ray.run.folder import RunDir
from pad_ray.run.progress import Progress
from pad_ray.schema import content_id
from pad_ray.stages.base import Run
from pad_ray.stages.questions import RunInputs, read_run_inputs
from pad_ray.training.tokens import TOKENS
from pad_ray.training.train import Watch

SHARED = "shared"
DONE = "shared.json"
FACTS = ("ledger.json", "metrics.json")


@dataclass(frozen=True)
class Context:
    """What a stage works with: its run, the facts of earlier stages, and what follows a training.

    `given` are the run's inputs if the caller has read them already.
    """

    run: Run
    facts: dict[str, Any] = field(default_factory=dict)
    watch: Watch | None = None
    given: RunInputs | None = None

    @property
    def inputs(self) -> RunInputs:
        """The run's inputs. Raises InputError like `read_run_inputs`."""
        return self.given or read_run_inputs(self.run.recipe)


@dataclass(frozen=True)
class StageResult:
    """A stage's result: whether this call had to compute it, and the facts that later stages need."""

    new: bool = True
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Stage:
    """One stage: its work, the recipe's settings that it depends on, and the parts of earlier folders that it reads.

    `adopts` names the parts of the campaign's own run with which the stage starts, `scratch` the parts that a shared result
    does not keep. A stage without `depends` runs only in the folder of a job.
    """

    name: str
    work: Callable[[Context], StageResult]
    depends: Callable[[Recipe], object] | None = None
    reads: tuple[str, ...] = ()
    adopts: tuple[str, ...] = ()
    scratch: tuple[str, ...] = ()


def run_stages(context: Context, stages: Sequence[Stage]) -> None:
    """Run stages in turn in one run folder. Each continues what an earlier call has left.

    Raises:
        InputError, StageError: raised by a stage; committed work is kept.
    """
    for stage in stages:
        context.facts.update(stage.work(context).facts)


@dataclass(frozen=True)
class SharedStages:
    """The shared folders of a campaign, for one trial, on a path that all nodes can access.

    With a unique `salt`, a trial shares and adopts nothing. `reused` collects the names of the stages that already existed.
    """

    root: RunDir
    progress: Progress
    salt: str = ""
    reused: list[str] = field(default_factory=list)

    def provide(self, recipe: Recipe, chain: Sequence[Stage], watch: Watch | None = None) -> RunDir:
        """Run the missing stages of a recipe, and wait for those that another trial is running.

        `watch` follows the training of the last stage, whose folder is returned.

        Raises:
            InputError, StageError: raised by the stages; committed work is kept.
        """
        key = self.salt
        facts: dict[str, Any] = {}
        earlier: list[RunDir] = []
        for stage in chain:
            assert stage.depends is not None, f"{stage.name} cannot be shared"
            key = content_id("shared", stage.name, key, stage.depends(recipe))
            folder = RunDir(self.root.path(f"{SHARED}/{stage.name}-{key}"))
            folder.local_path("").mkdir(parents=True, exist_ok=True)
            # A lock of the operating system, which releases it if the process dies.
            with FileLock(f"{folder.root}.lock"):
                run, watching = Run.tracked(recipe, folder, self.progress), watch if stage is chain[-1] else None
                made = self._make(Context(run, facts, watching), stage, earlier)
            facts |= made.facts
            earlier.append(folder)
            self.reused.extend([] if made.new else [stage.name])
        return earlier[-1]

    def _make(self, context: Context, stage: Stage, earlier: Sequence[RunDir]) -> StageResult:
        folder = context.run.folder
        done = folder.read_json(DONE)
        if done is not None:
            return StageResult(False, done)
        if not self.salt:
            _adopt(self.root, folder, stage.adopts)
        _link(folder, stage.reads, earlier)
        made = stage.work(context)
        for name in stage.scratch:
            folder.delete(name)
        folder.write_json(DONE, made.facts)
        return made


def _adopt(root: RunDir, folder: RunDir, parts: Sequence[str]) -> None:
    """Start a stage from the campaign's own run. Files are replaced and never modified, so hard links are safe."""
    for part in parts:
        source, target = root.local_path(part), folder.local_path(part)
        if source.is_dir() and not target.exists():
            scratch = target.with_name(f"{target.name}.partial")
            shutil.rmtree(scratch, ignore_errors=True)
            shutil.copytree(source, scratch, copy_function=_hard_link)
            scratch.rename(target)


def _hard_link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def _link(folder: RunDir, parts: Sequence[str], earlier: Sequence[RunDir]) -> None:
    """Link the parts to the last earlier folder that wrote them, and copy the ledger and metrics so far."""
    for part in parts:
        sources = [
            one.local_path(part) for one in earlier if one.exists(part) and not one.local_path(part).is_symlink()
        ]
        if part == TOKENS:
            # Tokens are named by corpus, model and length, so all trainings on a corpus share one folder.
            sources = [earlier[-1].local_path(TOKENS)]
            sources[0].mkdir(exist_ok=True)
        link = folder.local_path(part)
        if sources and not link.is_symlink():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(os.path.relpath(sources[-1], link.parent))
    for name in FACTS:
        if earlier and earlier[-1].exists(name) and not folder.exists(name):
            folder.write_bytes(name, earlier[-1].read_bytes(name))
