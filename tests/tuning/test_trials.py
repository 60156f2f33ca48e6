"""The storage of trials, and the choice of the best."""

from pad_ray.run.campaign import Trial
from pad_ray.run.folder import RunDir
from pad_ray.tuning.search import Halving
from pad_ray.tuning.trials import Trials, best, pareto
from tests.tuning.conftest import finished

BOTH = ["accuracy", "tokens_per_question"]


def test_the_next_driver_reads_the_stored_trials(tmp_path):
    run = RunDir(str(tmp_path))
    trials = Trials.read(run)
    trials.write(Trial("000", "running", {"training.lora": {"rank": 4}}))
    trials.change("000", 8, values={"accuracy": 0.5})
    trials.change("000", 24, state="completed", values={"accuracy": 0.25}, seconds=3.0)
    trials.write(finished("001", 0.5))
    again = Trials.read(run)
    assert again.by_name == trials.by_name
    assert again.rungs == {"000": {8: 0.5, 24: 0.25}}
    assert [trial.trial for trial in again.of("completed")] == ["000", "001"]


def test_the_best_trial_is_completed_and_the_cheapest_of_its_accuracy():
    trials = [
        finished("000", 0.5, 20),
        finished("001", 0.9, state="stopped"),
        finished("002", 0.5, 10),
        finished("003", 0.5, 10),
        Trial("004", "failed", {}),
    ]
    assert best(trials).trial == "002"
    assert best(trials[1:2]) is None


def test_the_front_holds_the_trials_that_no_other_dominates():
    trials = [
        finished("000", 0.5, 20),
        finished("001", 0.4, 10),
        finished("002", 0.4, 15),
        finished("003", 0.5, 20),
        finished("004", 0.3, 5, state="stopped"),
    ]
    assert [trial.trial for trial in pareto(trials, BOTH)] == ["000", "001", "003"]


def test_forgotten_failed_trials_leave_nothing(tmp_path):
    run = RunDir(str(tmp_path))
    trials = Trials.read(run)
    trials.write(finished("000", 0.5), measured=8)
    trials.change("000", state="failed", error="the engine is gone")
    Trials.read(run).forget_failed()
    again = Trials.read(run)
    assert (again.by_name, again.rungs) == ({}, {})
    Halving(8, 24, 3, again)
