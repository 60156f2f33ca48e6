"""Optuna's suggestions and ASHA's decisions for a campaign that may have been interrupted.

Both start from the trials that the run stores; a stored trial counts as soon as it is written, and never runs again. Ray
saves and restores nothing here. `Tuner.restore` was tried with Ray 2.60 after a killed driver: it read a snapshot that was
some seconds old, so finished trials ran again under other ids; its ASHA had no reports, so a stopped trial ran to its end;
and it kept the number of trials, which a campaign may raise between two calls.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

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


class Suggestion(NamedTuple):
    """A trial to run; `drawn` if Optuna has drawn its parameters."""

    name: str
    parameters: Mapping[str, Any]
    drawn: optuna.Trial | None = None


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
        self.objectives, self.trials, self.seed = objectives, trials, seed
        self.last = max(map(int, [*trials.by_name, *(name for name, _ in given), "0"]))
        self.waiting = [Suggestion(*trial) for trial in given]
        self.suggested: dict[str, Suggestion] = {}
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self.study = optuna.create_study(directions=[OPTUNA_DIRECTIONS[DIRECTIONS[name]] for name in objectives])
        for trial in trials.of(*FINISHED):
            self._learn(trial, None)

    def suggest(self, trial_id: str) -> dict[str, Any]:
        """The next trial."""
        suggestion = self._lost_or_given() or self._ask()
        self.suggested[trial_id] = suggestion
        return {"trial": suggestion.name, "parameters": json.dumps(suggestion.parameters)}

    def _lost_or_given(self) -> Suggestion | None:
        while self.waiting:
            suggestion = self.waiting.pop(0)
            trial = self.trials.by_name.get(suggestion.name)
            if trial is None or not trial.finished:
                return suggestion
            self._learn(trial, suggestion.drawn)
        return None

    def _ask(self) -> Suggestion:
        self.last += 1
        name = f"{self.last:03}"
        # Seeded by name, TPE (Bergstra et al. 2011) draws the same points in an interrupted campaign as in any other.
        seed = int(content_id("suggest", self.seed, name)[:8], 16)
        self.study.sampler = optuna.samplers.TPESampler(seed=seed)
        drawn = self.study.ask(self.space)
        return Suggestion(name, {n: self._value(n, value) for n, value in drawn.params.items()}, drawn)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Learn from a trial that has ended, as the run has stored it. A trial whose process was lost waits for another start,
        unless the run then stores it as failed.
        """
        suggestion = self.suggested.pop(trial_id)
        if error:
            self.waiting.insert(0, suggestion)
        else:
            self._learn(self.trials.by_name[suggestion.name], suggestion.drawn)

    def _learn(self, trial: Trial, drawn: optuna.Trial | None) -> None:
        """Tell Optuna the result of a trial. A trial that Optuna did not draw has to be a point of the space."""
        state = STATES.get(trial.state, TrialState.FAIL)
        values = [trial.values[name] for name in self.objectives] if state is TrialState.COMPLETE else None
        reports = self.trials.rungs.get(trial.trial, {}) if state is TrialState.PRUNED else {}
        if drawn is not None:
            for measured, accuracy in reports.items():
                drawn.report(accuracy, measured)
            self.study.tell(drawn, values, state)
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

    def _value(self, name: str, value: Any) -> Any:
        return json.loads(value) if self.parameters[name].kind == "choice" else value


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
