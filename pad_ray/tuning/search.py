"""Optuna's suggestions and ASHA's decisions for a campaign that may have been interrupted.

Both start from the trials stored in the run. Ray Tune's own snapshot is some seconds old when a driver is killed; a stored
trial counts as soon as it is written, and is never run again.
"""

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import FrozenTrial, TrialState, create_trial
from ray.tune.result import TRAINING_ITERATION
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search import Searcher
from ray.tune.search.optuna import OptunaSearch

from pad_ray.run import ray_internals
from pad_ray.run.campaign import FINISHED, Parameter, as_text
from pad_ray.schema import content_id
from pad_ray.tuning.config import ACCURACY, DIRECTIONS
from pad_ray.tuning.trials import ERROR, LAST, MEASURED, Trials

STUDY = "campaign"
STATES = {"completed": TrialState.COMPLETE, "stopped": TrialState.PRUNED, "failed": TrialState.FAIL}


class TrialByTrial(optuna.samplers.BaseSampler):  # type: ignore[misc]
    """TPE (Bergstra et al. 2011) seeded by the `name` of each trial, so that an interrupted campaign draws the same points
    as an uninterrupted one.
    """

    def __init__(self, seed: int) -> None:
        self.seed, self.name = seed, ""
        self.drawing: tuple[int, optuna.samplers.BaseSampler] = (-1, self)

    def infer_relative_search_space(self, study: optuna.Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        """Same as TPE."""
        space: dict[str, BaseDistribution] = self._of(trial).infer_relative_search_space(study, trial)
        return space

    def sample_relative(
        self, study: optuna.Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        """Same as TPE."""
        values: dict[str, Any] = self._of(trial).sample_relative(study, trial, search_space)
        return values

    def sample_independent(
        self, study: optuna.Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        """Same as TPE."""
        return self._of(trial).sample_independent(study, trial, param_name, param_distribution)

    def _of(self, trial: FrozenTrial) -> optuna.samplers.BaseSampler:
        if self.drawing[0] != trial.number:
            seed = int(content_id("suggest", self.seed, self.name)[:8], 16)
            self.drawing = trial.number, optuna.samplers.TPESampler(seed=seed)
        return self.drawing[1]


class Suggestions(Searcher):  # type: ignore[misc]
    """Trials for Ray Tune: first the given ones, then Optuna's suggestions based on all finished trials.

    Optuna sees a stopped trial as pruned, with its accuracies by number of questions; TPE ranks it below every completed trial.
    As a completed trial, its accuracy on few questions would be compared with accuracies on all questions.

    A suggestion is `{"trial": name, "parameters": JSON}`. Given trials are pairs of name and parameters; parameters outside
    the space are tried too, but Optuna does not learn from them.
    """

    def __init__(
        self,
        parameters: Sequence[Parameter],
        objectives: Sequence[str],
        trials: Trials,
        given: Sequence[tuple[str, Mapping[str, Any]]],
        seed: int,
    ) -> None:
        metric, mode = list(objectives), [DIRECTIONS[name] for name in objectives]
        single = len(metric) == 1
        super().__init__(metric=metric[0] if single else metric, mode=mode[0] if single else mode)
        self.parameters = {parameter.name: parameter for parameter in parameters}
        self.space = {name: distribution(parameter) for name, parameter in self.parameters.items()}
        self.objectives, self.waiting = list(objectives), list(given)
        numbers = itertools.count(1 + max(map(int, [*trials.by_name, *(name for name, _ in given), "0"])))
        self.names = (f"{number:03}" for number in numbers)
        self.given: dict[str, Mapping[str, Any]] = {}
        self.rungs: dict[str, dict[int, float]] = {}
        storage = optuna.storages.InMemoryStorage()
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        directions = ["maximize" if one == "max" else "minimize" for one in mode]
        self.study = optuna.create_study(storage=storage, study_name=STUDY, directions=directions)
        for trial in trials.of(*FINISHED):
            self._learn(trial.parameters, trial.values, STATES[trial.state], trials.rungs.get(trial.trial, {}))
        self.sampler = TrialByTrial(seed)
        self.optuna = OptunaSearch(
            self.space, self.metric, self.mode, sampler=self.sampler, storage=storage, study_name=STUDY
        )

    def __getstate__(self) -> dict[str, Any]:
        # Tune pickles its settings, but nothing reads the copy: the run holds all necessary state.
        return {}

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        """The next trial."""
        if self.waiting:
            name, parameters = self.waiting.pop(0)
            self.given[trial_id] = parameters
            return {"trial": name, "parameters": json.dumps(parameters)}
        self.sampler.name = next(self.names)
        suggestion = self.optuna.suggest(trial_id)
        if suggestion is None:
            return None
        return {"trial": self.sampler.name, "parameters": json.dumps(self._values(suggestion))}

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None:
        """Record an intermediate report."""
        if ACCURACY not in result or MEASURED not in result:
            return
        self.rungs.setdefault(trial_id, {})[result[MEASURED]] = result[ACCURACY]
        if trial_id not in self.given:
            self.optuna.on_trial_result(trial_id, {ACCURACY: result[ACCURACY], TRAINING_ITERATION: result[MEASURED]})

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Record the end of a trial, which may have failed or been stopped."""
        failed = error or result is None or bool(result.get(ERROR))
        stopped = not failed and not (result or {}).get(LAST, True)
        if stopped and result is not None:
            self.on_trial_result(trial_id, result)
        rungs = self.rungs.pop(trial_id, {})
        if trial_id not in self.given:
            # Without a result and an error, Ray's search reports the trial to Optuna as pruned.
            self.optuna.on_trial_complete(trial_id, None if failed or stopped else result, failed)
        else:
            state = TrialState.FAIL if failed else TrialState.PRUNED if stopped else TrialState.COMPLETE
            self._learn(self.given.pop(trial_id), result or {}, state, rungs)

    def save(self, checkpoint_path: str) -> None:
        """Save nothing: the run holds all necessary state."""
        Path(checkpoint_path).touch()

    def restore(self, checkpoint_path: str) -> None:
        """Restore nothing, because `save` saves nothing."""

    def _learn(
        self, parameters: Mapping[str, Any], values: Mapping[str, float], state: TrialState, rungs: Mapping[int, float]
    ) -> None:
        """Add a trial that Optuna did not suggest to its study, if it is a point of the space."""
        known = self.parameters
        if parameters.keys() != known.keys() or not all(known[name].holds(value) for name, value in parameters.items()):
            return
        objective_values = [float(values[name]) for name in self.objectives] if state is TrialState.COMPLETE else None
        way = {int(at): float(accuracy) for at, accuracy in rungs.items()} if state is TrialState.PRUNED else None
        internal = {name: as_text(v) if known[name].kind == "choice" else v for name, v in parameters.items()}
        self.study.add_trial(
            create_trial(
                state=state, values=objective_values, params=internal, distributions=self.space, intermediate_values=way
            )
        )

    def _values(self, drawn: Mapping[str, Any]) -> dict[str, Any]:
        return {n: json.loads(v) if self.parameters[n].kind == "choice" else v for n, v in drawn.items()}


class Halving(ASHAScheduler):  # type: ignore[misc]
    """ASHA (1810.05934) that also compares with the trials of earlier calls."""

    def recall(self, trials: Trials) -> None:
        """Load the reports of the finished trials. Interrupted trials report again."""
        for name, rungs in trials.rungs.items():
            if not trials.by_name[name].finished:
                continue
            for measured, accuracy in sorted(rungs.items()):
                ray_internals.recall(self, name, measured, accuracy)


def halving(first: int, last: int, reduction: int, trials: Trials) -> Halving:
    """ASHA with rungs from `first` to `last`, in units of `measured`; the best 1/`reduction` of the trials pass a rung."""
    scheduler = Halving(MEASURED, ACCURACY, "max", max_t=last, grace_period=first, reduction_factor=reduction)
    scheduler.recall(trials)
    return scheduler


def distribution(parameter: Parameter) -> BaseDistribution:
    """The Optuna distribution of a parameter. Values of a choice, which may be lists or mappings, are drawn as texts."""
    if parameter.values is not None:
        return CategoricalDistribution(tuple(map(as_text, parameter.values)))
    assert parameter.low is not None and parameter.high is not None
    log = bool(parameter.log)
    if parameter.kind == "int":
        return IntDistribution(int(parameter.low), int(parameter.high), log=log)
    return FloatDistribution(parameter.low, parameter.high, log=log)
