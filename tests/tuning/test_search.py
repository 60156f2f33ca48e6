"""Suggestions and early stopping in an interrupted campaign."""

import json
from dataclasses import replace
from types import SimpleNamespace

from ray.tune.schedulers import TrialScheduler

from pad_ray.run.campaign import Parameter, Trial
from pad_ray.run.folder import RunDir
from pad_ray.tuning.search import Halving, Suggestions
from pad_ray.tuning.trials import Trials
from tests.tuning.conftest import finished

POINT = {"training.learning_rate": 1e-4, "training.lora": None}
SPACE = [
    Parameter("training.learning_rate", "float", 1e-5, 1e-3, True),
    Parameter("training.lora", "choice", values=(None, {"rank": 4}, {"rank": 16})),
]


def make(trials, given=(), objectives=("accuracy",)):
    return Suggestions(SPACE, objectives, trials, given, seed=0)


def ended(suggestions, trials, number, name, state, reports=(), **values):
    """Store the end of a trial, as a campaign does, and report it to the search."""
    for measured, accuracy in reports:
        trials.write(Trial(name, "running", POINT, {"accuracy": accuracy}), measured)
    trials.write(replace(trials.by_name.get(name, Trial(name, "running", POINT)), state=state, values=values))
    suggestions.on_trial_complete(f"tune-{number}")


def asked(suggestions, number):
    result = suggestions.suggest(f"tune-{number}")
    return result["trial"], json.loads(result["parameters"])


def test_given_points_come_first_and_names_continue_after_them(tmp_path):
    suggestions = make(Trials(RunDir(str(tmp_path))), [("000", {}), ("001", {"training.lora": None})])
    assert asked(suggestions, 0) == ("000", {})
    assert asked(suggestions, 1) == ("001", {"training.lora": None})
    name, parameters = asked(suggestions, 2)
    assert name == "002"
    assert parameters.keys() == {"training.learning_rate", "training.lora"}
    assert parameters["training.lora"] in (None, {"rank": 4}, {"rank": 16})
    assert 1e-5 <= parameters["training.learning_rate"] <= 1e-3


def test_a_continued_search_repeats_no_trial(tmp_path):
    trials = Trials(RunDir(str(tmp_path)))
    tried = []
    for number in range(12):
        # Start a new driver each time, as after a kill.
        name, parameters = asked(make(trials), number)
        trials.write(Trial(name, "completed", parameters, {"accuracy": 0.5, "tokens_per_question": 1.0}))
        tried.append(parameters["training.learning_rate"])
    assert len(set(tried)) == 12
    assert sorted(trials.by_name) == [f"{number:03}" for number in range(1, 13)]


def test_an_interrupted_search_draws_the_same_points(tmp_path):
    def search(folder, drivers):
        """The trials of a search that restarts before each number in `drivers`."""
        trials = Trials(RunDir(str(folder)))
        for number in range(14):
            if number in drivers:
                suggestions = make(trials)
            name, parameters = asked(suggestions, number)
            values = {"accuracy": parameters["training.learning_rate"], "tokens_per_question": 1.0}
            trials.write(Trial(name, "completed", parameters, values))
            suggestions.on_trial_complete(f"tune-{number}", values)
        return [dict(trial.parameters) for trial in trials.of("completed")]

    assert search(tmp_path / "a", [0]) == search(tmp_path / "b", [0, 4, 12])


def test_running_trials_are_not_drawn_again(tmp_path):
    trials = Trials(RunDir(str(tmp_path)))
    first = make(trials)
    running = [asked(first, number) for number in range(4)]
    for name, parameters in running:
        trials.write(Trial(name, "running", parameters))
    second = make(trials, running)
    assert [asked(second, number) for number in range(4)] == running
    name, parameters = asked(second, 4)
    assert name == "005"
    assert parameters not in [drawn for _, drawn in running]


def test_the_search_learns_from_earlier_trials(tmp_path):
    trials = Trials(RunDir(str(tmp_path)))
    for number in range(1, 41):
        rate = 5e-4 * (1 + number / 100) if number % 2 else 2e-5
        point = {"training.learning_rate": rate, "training.lora": None}
        trials.write(Trial(f"{number:03}", "completed", point, {"accuracy": 0.9 if number % 2 else 0.1}))
    suggestions = make(trials)
    drawn = [asked(suggestions, number)[1]["training.learning_rate"] for number in range(10)]
    # Random draws would give half of them.
    assert sum(rate > 1e-4 for rate in drawn) >= 8


def test_a_failed_trial_does_not_affect_the_search(tmp_path):
    trials = Trials(RunDir(str(tmp_path)))
    trials.write(Trial("000", "failed", {"training.learning_rate": 1e-4, "training.lora": None}, error="gone"))
    suggestions = make(trials, objectives=("accuracy", "tokens_per_question"))
    asked(suggestions, 0)
    ended(suggestions, trials, 0, "001", "failed")
    assert asked(suggestions, 1)[0] == "002"
    ended(suggestions, trials, 1, "002", "completed", accuracy=0.5, tokens_per_question=9.0)
    assert [trial.state.name for trial in suggestions.study.trials] == ["FAIL", "FAIL", "COMPLETE"]


def test_a_trial_whose_process_is_lost_is_suggested_again_unless_it_has_failed(tmp_path):
    trials = Trials(RunDir(str(tmp_path)))
    suggestions = make(trials, given=[("000", {})])
    first, second = asked(suggestions, 0), asked(suggestions, 1)
    suggestions.on_trial_complete("tune-1", error=True)
    suggestions.on_trial_complete("tune-0", error=True)
    assert [asked(suggestions, number) for number in (2, 3)] == [first, second]
    suggestions.on_trial_complete("tune-3", error=True)
    trials.write(Trial(second[0], "failed", second[1], error="lost"))
    assert asked(suggestions, 4)[0] == "002"
    assert [trial.state.name for trial in suggestions.study.trials] == ["FAIL", "RUNNING"]


def test_a_stopped_trial_is_pruned_with_its_reports(tmp_path):
    trials = Trials(RunDir(str(tmp_path)))
    trials.write(Trial("000", "running", POINT, {"accuracy": 0.3}), measured=50)
    trials.write(Trial("000", "stopped", POINT, {"accuracy": 0.2}), measured=100)
    suggestions = make(trials, given=[("001", POINT)])
    # A given trial and one that Optuna drew; each is stopped at its second report.
    for number in (0, 1):
        name, _ = asked(suggestions, number)
        ended(suggestions, trials, number, name, "stopped", [(50, 0.6), (100, 0.5)], accuracy=0.5)
    asked(suggestions, 2)
    ended(suggestions, trials, 2, "003", "completed", [(50, 0.6), (200, 0.4)], accuracy=0.4)
    result = [(trial.state.name, trial.intermediate_values) for trial in suggestions.study.trials]
    assert result == [
        ("PRUNED", {50: 0.3, 100: 0.2}),
        ("PRUNED", {50: 0.6, 100: 0.5}),
        ("PRUNED", {50: 0.6, 100: 0.5}),
        ("COMPLETE", {}),
    ]
    # The lucky start of a stopped trial is not the best value of the study.
    assert suggestions.study.best_value == 0.4


def test_a_trial_is_stopped_against_trials_of_an_earlier_driver(tmp_path):
    trials = Trials(RunDir(str(tmp_path)))
    for name, accuracy in (("000", 0.5), ("001", 0.6), ("002", 0.7)):
        trials.write(finished(name, accuracy), measured=8)
    trials.write(Trial("003", "running", {}, {"accuracy": 0.99}), measured=8)
    scheduler = Halving(8, 24, 3, trials)
    decisions = []
    for name, accuracy in (("new", 0.1), ("better", 0.9)):
        trial = SimpleNamespace(trial_id=name)
        scheduler.on_trial_add(None, trial)
        decisions.append(scheduler.on_trial_result(None, trial, {"measured": 8, "accuracy": accuracy}))
    assert decisions == [TrialScheduler.STOP, TrialScheduler.CONTINUE]
