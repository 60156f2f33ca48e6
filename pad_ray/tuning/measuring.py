"""The work of a trial: it decodes, or trains and decodes, on validation questions, and reports intermediate results.

A `Bench` is sent to the processes of all trials. A report is a mapping with the objectives, the `seconds` so far, and
`measured`, the number of questions or validations that it is based on; the `last` report also names the `reused` stages.
"""

import math
import os
import queue
import threading
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock
from rich.console import Console

from pad_ray.decoding.base import Strategy
from pad_ray.decoding.refine import Refine
from pad_ray.decoding.solver import RunningEngines, Solver, SolveResult
from pad_ray.errors import InputError
from pad_ray.evaluation.scores import score
from pad_ray.recipe import Recipe
from pad_ray.run.folder import RunDir
from pad_ray.run.progress import Progress
from pad_ray.run.records import StudentRole
from pad_ray.schema import Question, content_id
from pad_ray.stages.base import Run
from pad_ray.stages.chains import TO_REFINED, TO_STUDENT
from pad_ray.stages.graph import SHARED, SharedStages, Stage
from pad_ray.stages.solutions import open_solver
from pad_ray.training.train import Watch
from pad_ray.tuning.config import ACCURACY, STRATEGY, TOKENS, Kind
from pad_ray.tuning.space import changed
from pad_ray.tuning.trials import LAST, MEASURED

Report = dict[str, Any]
Reports = Generator[Report, None, None]
# The number of validations of a training run is unknown, so its end is reported at this number, above every reachable rung.
MANY_VALIDATIONS = 1000
CHAINS: dict[Kind, tuple[Stage, ...]] = {"decode": (), "train": TO_STUDENT, "refine": TO_REFINED}
TRAINED_STUDENTS = {"train": StudentRole.AFTER.folder, "refine": StudentRole.REFINED.folder}


def strategy_of(recipe: Recipe) -> Strategy:
    """The strategy of a trial's student: the recipe's first; in a refine campaign with `refinement.rounds` repairs.

    Raises:
        InputError: `refinement.rounds` is set, but the strategy's answers cannot be repaired.
    """
    first, rounds = recipe.evaluation.strategies[0], recipe.refinement.rounds
    if recipe.tuning.kind != "refine" or not rounds:
        return first
    if isinstance(first, Refine):
        return first.model_copy(update={"rounds": rounds})
    if not first.repairable:
        raise InputError(
            f"{STRATEGY}: answers of {first.kind} cannot be repaired; put another strategy first, or set refinement.rounds to 0"
        )
    return Refine(first=first, rounds=rounds, name=first.name)


@dataclass(frozen=True)
class Bench:
    """The data that all trials of a campaign share. `questions` are the validation questions in a fixed order.

    A decode campaign has a `model`, the student, and `running`, its engines, which write to `solutions`.
    """

    recipe: Recipe
    location: str
    questions: Sequence[Question]
    model: str = ""
    solutions: str = ""
    running: RunningEngines | None = None

    def reports(self, name: str, parameters: Mapping[str, Any]) -> Reports:
        """The reports of a trial; closing the generator early ends everything that the trial has started.

        Raises:
            InputError, StageError: raised by the stages of the recipe.
        """
        started = time.monotonic()
        recipe = changed(self.recipe, parameters)
        salt = "" if recipe.tuning.share else name
        reports_of_kind = self._decode(recipe, salt) if recipe.tuning.kind == "decode" else self._train(recipe, salt)
        with closing(reports_of_kind):
            for report in reports_of_kind:
                yield {**report, "seconds": time.monotonic() - started}

    def solver(self, recipe: Recipe, salt: str = "", progress: Progress | None = None) -> Solver:
        """A solver of a decode campaign: on the campaign's engines, or with a salt on separate engines."""
        folder = RunDir(f"{self.solutions}-{salt}" if salt else self.solutions)
        running = None if salt else self.running
        return open_solver(Run(recipe, folder, progress or silent()), self.model, running=running)

    def shared(self, salt: str = "") -> SharedStages:
        """The shared folders, for one trial."""
        return SharedStages(RunDir(self.location), silent(), salt)

    def trained_solver(self, recipe: Recipe, folder: RunDir, progress: Progress | None = None) -> Solver:
        """A solver with its own engines for the student in a folder."""
        weights = folder.local_path(TRAINED_STUDENTS[recipe.tuning.kind])
        return open_solver(Run(recipe, folder, progress or silent()), str(weights))

    def _decode(self, recipe: Recipe, salt: str) -> Reports:
        solver, strategy = self.solver(recipe, salt), strategy_of(recipe)
        rungs = recipe.tuning.rungs(len(self.questions))
        seconds = 0.0
        try:
            for count in rungs:
                report, solved = measure_trial(solver, strategy, recipe.questions.task, self.questions[:count])
                seconds += solved.seconds
                reused = ["student"] if seconds or salt else ["student", "solutions"]
                yield {**report, "reused": [] if salt else reused, LAST: count == rungs[-1]}
        finally:
            if salt:
                solver.close(at_once=True)

    def _train(self, recipe: Recipe, salt: str) -> Reports:
        shared = self.shared(salt)
        making = _StudentTraining(shared, recipe)
        with closing(making.validations()) as validations:
            for report in validations:
                if recipe.tuning.stops:
                    yield {**report, "reused": list(shared.reused)}
        with self.trained_solver(recipe, making.folder) as solver:
            report, _ = measure_trial(solver, strategy_of(recipe), recipe.questions.task, self.questions)
        # Do not compare this report with validations of other trials, which use other questions (probes).
        yield {**report, MEASURED: MANY_VALIDATIONS, "reused": list(shared.reused), LAST: True}


class _StudentTraining:
    """Trains a trial's student in a thread, and ends the training if nobody waits for it any more."""

    def __init__(self, shared: SharedStages, recipe: Recipe) -> None:
        self.shared, self.recipe = shared, recipe
        self.said: queue.Queue[Report | None] = queue.Queue()
        self.watch = Watch(self._validated)
        self.made: RunDir | None = None
        self.error: BaseException | None = None

    def validations(self) -> Reports:
        """A report for each validation with probes, until the student is finished."""
        thread = threading.Thread(target=self._make, daemon=True)
        thread.start()
        try:
            while (report := self.said.get()) is not None:
                yield report
        finally:
            self.watch.ended.set()
            thread.join()

    @property
    def folder(self) -> RunDir:
        """The folder of the student. Raises the exception of its training, if any."""
        if self.error is not None:
            raise self.error
        assert self.made is not None
        return self.made

    def _make(self) -> None:
        try:
            self.made = self.shared.provide(self.recipe, CHAINS[self.recipe.tuning.kind], self.watch)
        except Exception as error:  # noqa: BLE001  # Raised again in the waiting thread.
            self.error = error
        self.said.put(None)

    def _validated(self, entry: Mapping[str, float]) -> None:
        if ACCURACY in entry:
            every = self.recipe.training.validate_every_steps
            number = entry["step"] / every if every else entry["epoch"]
            self.said.put({MEASURED: math.ceil(number), ACCURACY: entry[ACCURACY], LAST: False})


def measure_trial(
    solver: Solver, strategy: Strategy, task: str, questions: Sequence[Question], side: str = ""
) -> tuple[Report, SolveResult]:
    """Accuracy and tokens on questions of a task or test set; `side` separates the solutions of other questions of the task."""
    label = f"{side}{content_id('strategy', strategy.model_dump(mode='json', exclude={'name'}))}"
    solver.run.local_path("").mkdir(parents=True, exist_ok=True)
    # If another trial decodes with the same settings, wait for its solutions.
    with FileLock(solver.run.path(f"{label}.lock")):
        solved = solver.solve(task, label, questions, strategy)
    scored = score(solved.solutions, questions)
    tokens = scored.completion_tokens / scored.samples
    return {MEASURED: scored.questions, ACCURACY: scored.accuracy, TOKENS: tokens}, solved


def campaign_solutions(run: RunDir, model: str) -> str:
    """The folder in which the engines of a decode campaign write; `model` is the student's fingerprint."""
    return run.path(f"{SHARED}/solutions-{content_id('solutions', model)}")


def silent() -> Progress:
    """A progress display without output, for the processes of trials."""
    return Progress(Console(file=Path(os.devnull).open("w")))
