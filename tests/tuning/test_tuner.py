"""The end of a trial: it fails because of its parameters, or it is cut short, which ends the call and is retried."""

import json
import os
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import ray.data
from ray.exceptions import RayError
from ray.tune.execution import class_cache

from pad_ray.errors import DeadEndError, InputError, NodeLossError, StageError
from pad_ray.run.campaign import Parameter, Trial
from pad_ray.run.folder import RunDir
from pad_ray.run.ray_internals import CREDENTIALS
from pad_ray.run.workers import PipelineWatch
from pad_ray.tuning.config import TuningConfig
from pad_ray.tuning.search import Suggestions
from pad_ray.tuning.trials import ERROR, LAST, MEASURED, Trials
from pad_ray.tuning.tuner import CUT_SHORT, CUTS, Cut, Steps, run_trials

RATE = "training.learning_rate"
SPACE = [Parameter(RATE, "float", 1e-5, 1e-3)]


class Bench:
    """Trials with one report; the named ones end with an error."""

    questions = running = ("one",)

    def __init__(self, **errors):
        self.errors = {name.removeprefix("trial_"): error for name, error in errors.items()}

    def reports(self, trial, parameters) -> Iterator[dict]:
        if trial in self.errors:
            raise self.errors[trial]
        yield {MEASURED: 1, "accuracy": 0.5, "tokens_per_question": 1.0, "seconds": 0.1, LAST: True}


def first_report(error):
    steps = Steps(Bench(trial_000=error))
    steps.begin("000", {})
    return steps.step()


@pytest.mark.parametrize("error", [InputError("no such model"), DeadEndError("training: step 3: the loss is nan")])
def test_a_trial_fails_by_errors_of_its_parameters(error):
    report = first_report(error)
    assert report == {ERROR: f"{type(error).__name__}: {error}", "done": True}


@pytest.mark.parametrize(
    "error", [StageError("the engine is gone"), NodeLossError("a node"), OSError(28, "No space left"), RayError("gone")]
)
def test_any_other_error_cuts_a_trial_short(error):
    report = first_report(error)
    assert report[CUT_SHORT] == type(error).__name__
    assert str(error) in report[ERROR]


def test_pipelines_in_a_trials_process_are_configured_like_the_drivers(monkeypatch):
    context = SimpleNamespace(custom_execution_callback_classes=[])
    monkeypatch.setattr(ray.data.DataContext, "get_current", lambda: context)
    Steps(Bench())
    assert context.custom_execution_callback_classes == [PipelineWatch]


def run_some(folder, bench, trials=4):
    result = Trials.read(folder)
    given = [(one.trial, one.parameters) for one in result.of("running")]
    config = TuningConfig(trials=trials, concurrent=1)
    suggestions = Suggestions(SPACE, ["accuracy"], result, given, seed=0)
    run_trials(folder, config, bench, suggestions, result, SimpleNamespace(update=lambda *what: None))


def cut(error):
    """The report of a trial that ends with this error."""
    return {**first_report(error), "config": {"trial": "000"}}


@pytest.mark.parametrize(
    ("error", "given_up"),
    [
        (StageError("out of memory"), True),
        (StageError("evaluation: OSError: [Errno 28] No space left on device"), False),
        (NodeLossError("a node"), False),
    ],
    ids=str,
)
def test_an_error_that_repeats_in_several_calls_is_attributed_to_the_parameters(tmp_path, error, given_up):
    trials, result = Trials(RunDir(str(tmp_path))), []
    trials.write(Trial("000", "running", {}))
    for _ in range(CUTS):
        report, call = cut(error), Cut(trials)
        result.append(call.gives_up(report))
        call("000", report)
        assert (call.error is None) == result[-1]
        trials.change("000", error=report[ERROR], cuts=call.count(report))
    assert result == [False, False, given_up]


def test_another_error_restarts_the_count(tmp_path):
    trials = Trials(RunDir(str(tmp_path)))
    trials.write(Trial("000", "running", {}, error="out of memory", cuts=CUTS - 1))
    assert Cut(trials).gives_up(cut(StageError("out of memory")))
    assert not Cut(trials).gives_up(cut(StageError("the engine is gone")))


def test_credentials_are_not_sent_to_trials(local_ray, tmp_path):
    run_some(RunDir(str(tmp_path)), Bench(), trials=1)
    assert not class_cache.ENV_VARS_TO_PROPAGATE & set(CREDENTIALS)


def states(folder):
    return {name: trial.state for name, trial in Trials.read(folder).by_name.items()}


@pytest.mark.parametrize("error", [NodeLossError("2 nodes were lost"), StageError("the engine is gone")])
def test_a_trial_that_is_cut_short_ends_the_call_and_is_restarted_by_the_next(local_ray, tmp_path, error):
    folder = RunDir(str(tmp_path))
    with pytest.raises(type(error), match=f"tuning: trial 002: {error}") as raised:
        run_some(folder, Bench(trial_002=error))
    assert type(raised.value) is type(error)
    assert states(folder) == {"001": "completed", "002": "running"}
    cut_short = Trials.read(folder).by_name["002"].parameters
    run_some(folder, Bench(trial_003=InputError("no such model")))
    assert states(folder) == {"001": "completed", "002": "completed", "003": "failed", "004": "completed"}
    assert Trials.read(folder).by_name["002"].parameters == cut_short
    assert json.loads(folder.read_bytes("campaign/rungs.json")).keys() == {"001", "002", "004"}


class Dying(Bench):
    """Trials of which each ends the process that is to run it, once, before it starts."""

    def __init__(self, folder, names):
        super().__init__()
        self.folder, self.names = folder, names

    def reports(self, trial, parameters):
        died = self.folder / f"died-{trial}"
        if trial in self.names and not died.exists():
            died.touch()
            os._exit(1)
        return super().reports(trial, parameters)


def test_a_trial_whose_process_is_lost_before_it_starts_is_started_again(local_ray, tmp_path):
    folder, whole = (RunDir(str(tmp_path / name)) for name in ("run", "whole"))
    run_some(whole, Bench())
    run_some(folder, Dying(tmp_path, ["001", "003"]))
    assert {path.name for path in tmp_path.glob("died-*")} == {"died-001", "died-003"}
    assert states(folder) == states(whole) == dict.fromkeys(("001", "002", "003", "004"), "completed")
    parameters, undisturbed = ([one.parameters for one in Trials.read(run).of("completed")] for run in (folder, whole))
    assert parameters == undisturbed
