"""Optuna's suggestions and ASHA's decisions for a campaign that may have been interrupted.

Both start from the trials that the run stores; a stored trial counts as soon as it is written, and never runs again. Ray
saves and restores nothing here. `Tuner.restore` was tried with Ray 2.60 after a killed driver: it read a snapshot that was
some seconds old, so finished trials ran again under other ids; its ASHA had no reports, so a stopped trial ran to its end;
and it kept the number of trials, which a campaign may raise between two calls.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.trial import TrialState, create_trial
from ray.tune.experiment import Trial as TuneTrial
from ray.tune.schedulers import ASHAScheduler
from ray.tune.search import Searcher

from pad_ray.run.campaign import FINISHED, Parameter, Trial, as_text
from pad_ray.schema import content_id
from pad_ray.tuning.config import ACCURACY, DIRECTIONS
from pad_ray.tuning.trials import MEASURED, Trials

OPTUNA_DIRECTIONS = {"max": "maximize", "min": "minimize"}
STATES = {"completed": TrialState.COMPLETE, "stopped": TrialState.PRUNED}


class Suggestions(Searcher):  # type: ignore[misc]
    """Trials for Ray Tune: first the given ones, then Optuna's suggestions based on all finished trials.

    Optuna sees a stopped trial as pruned, with its accuracies by number of questions; TPE ranks it below every completed trial.
    As a completed trial, its accuracy on few questions would be compared with accuracies on all questions. Ray's OptunaSearch
    accepts no earlier trials with numbers of questions or with two objectives, so this class asks and tells Optuna itself.

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
        # Without a metric: Ray would expect it in every report, and a failed trial has none.
        super().__init__()
        self.parameters = {parameter.name: parameter for parameter in parameters}
        self.space = {name: distribution(parameter) for name, parameter in self.parameters.items()}
        self.objectives, self.trials, self.waiting, self.seed = objectives, trials, list(given), seed
        self.last = max(map(int, [*trials.by_name, *(name for name, _ in given), "0"]))
        # By Ray's id of a trial: its name, and Optuna's trial if Optuna has suggested it.
        self.started: dict[str, tuple[str, optuna.Trial | None]] = {}
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.study = optuna.create_study(directions=[OPTUNA_DIRECTIONS[DIRECTIONS[name]] for name in objectives])
        for trial in trials.of(*FINISHED):
            self._learn(trial, None)

    def suggest(self, trial_id: str) -> dict[str, Any]:
        """The next trial."""
        if self.waiting:
            (name, parameters), suggested = self.waiting.pop(0), None
        else:
            self.last += 1
            name = f"{self.last:03}"
            # Seeded by name, TPE (Bergstra et al. 2011) draws the same points in an interrupted campaign as in any other.
            seed = int(content_id("suggest", self.seed, name)[:8], 16)
            self.study.sampler = optuna.samplers.TPESampler(seed=seed)
            suggested = self.study.ask(self.space)
            parameters = {field: self._value(field, drawn) for field, drawn in suggested.params.items()}
        self.started[trial_id] = name, suggested
        return {"trial": name, "parameters": json.dumps(parameters)}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Learn from a trial that has ended, as the run has stored it."""
        name, suggested = self.started[trial_id]
        self._learn(self.trials.by_name[name], suggested)

    def _learn(self, trial: Trial, suggested: optuna.Trial | None) -> None:
        """Tell Optuna the result of a trial. A trial that Optuna did not suggest has to be a point of the space."""
        # If a process is lost, Ray calls the search before the run stores the trial as failed.
        state = STATES.get(trial.state, TrialState.FAIL)
        values = [trial.values[name] for name in self.objectives] if state is TrialState.COMPLETE else None
        reports = self.trials.rungs.get(trial.trial, {}) if state is TrialState.PRUNED else {}
        if suggested is not None:
            for measured, accuracy in reports.items():
                suggested.report(accuracy, measured)
            self.study.tell(suggested, values, state)
        elif self._is_point(trial.parameters):
            params = {n: as_text(v) if self.parameters[n].kind == "choice" else v for n, v in trial.parameters.items()}
            self.study.add_trial(
                create_trial(
                    state=state,
                    values=values,
                    params=params,
                    distributions=self.space,
                    intermediate_values=dict(reports),
                )
            )

    def _is_point(self, parameters: Mapping[str, Any]) -> bool:
        known = self.parameters
        return parameters.keys() == known.keys() and all(known[name].holds(v) for name, v in parameters.items())

    def _value(self, name: str, drawn: Any) -> Any:
        return json.loads(drawn) if self.parameters[name].kind == "choice" else drawn


class Halving(ASHAScheduler):  # type: ignore[misc]
    """ASHA (1810.05934) with rungs from `first` to `last`, in units of `measured`; the best 1/`reduction` of the trials pass a
    rung. It also compares with the finished trials of earlier calls. Interrupted trials report again.
    """

    # For Ray, which would expect the metric in every report; a failed trial has none.
    metric = None

    def __init__(self, first: int, last: int, reduction: int, trials: Trials) -> None:
        super().__init__(MEASURED, ACCURACY, "max", max_t=last, grace_period=first, reduction_factor=reduction)
        for trial in trials.of(*FINISHED):
            earlier = TuneTrial("earlier", trial_id=f"earlier-{trial.trial}", stub=True)
            self.on_trial_add(None, earlier)
            for measured, accuracy in sorted(trials.rungs.get(trial.trial, {}).items()):
                self.on_trial_result(None, earlier, {MEASURED: measured, ACCURACY: accuracy})


def distribution(parameter: Parameter) -> BaseDistribution:
    """The Optuna distribution of a parameter. Values of a choice, which may be lists or mappings, are drawn as texts."""
    if parameter.values is not None:
        return CategoricalDistribution(tuple(map(as_text, parameter.values)))
    assert parameter.low is not None and parameter.high is not None
    log = bool(parameter.log)
    if parameter.kind == "int":
        return IntDistribution(int(parameter.low), int(parameter.high), log=log)
    return FloatDistribution(parameter.low, parameter.high, log=log)
