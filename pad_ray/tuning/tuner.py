"""A campaign's trials under Ray Tune: their processes, what is kept of their reports, and how far they are."""

import json
import os
from collections.abc import Mapping
from typing import Any

import ray
from ray.tune import (
    Callback,
    CheckpointConfig,
    FailureConfig,
    RunConfig,
    Stopper,
    Trainable,
    TuneConfig,
    Tuner,
    with_parameters,
    with_resources,
)
from ray.tune.execution import class_cache
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from pad_ray.errors import DeadEndError, InputError, NodeLossError, StageError, reason
from pad_ray.run.folder import RunDir
from pad_ray.run.progress import Bar
from pad_ray.run.workers import configure_pipelines
from pad_ray.tuning.config import DIRECTIONS, TuningConfig
from pad_ray.tuning.measuring import MANY_VALIDATIONS, Bench, Report, Reports
from pad_ray.tuning.search import Suggestions, halving
from pad_ray.tuning.trials import CAMPAIGN, ERROR, FINISHED, LAST, MEASURED, Trial, Trials, best

SCRATCH = f"{CAMPAIGN}/tune"
CUT_SHORT = "cut_short"
"""In a report with an error: what ended the trial was no matter of its parameters, and this is what kind of error it was."""
# A trial asks engines and trainers, which reserve what they need; Tune wants it to reserve something too.
TRIAL_RESOURCES = {"memory": 1}
# Times that a trial is started again whose process or node was lost.
RESTARTS = 3
# Calls that the same error may end in the same trial, before it is taken for a matter of its parameters.
CUTS = 3
ENVIRONMENT = {
    # An interrupt ends the job, which continues; Tune would go on with what it has.
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    # A recipe may name files relative to the job's folder.
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    # Its newer output prints a table however quiet it is asked to be.
    "RAY_AIR_NEW_OUTPUT": "0",
    # A trial that failed reports its reason and no objective.
    "TUNE_DISABLE_STRICT_METRIC_CHECKING": "1",
}
# Tune would send them to its trials with what every node logs; a node has its own.
SECRETS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN")


class Steps:
    """One trial after the other, report by report."""

    def __init__(self, bench: Bench) -> None:
        # Trials that train have pipelines of their own, in this process.
        configure_pipelines()
        self.bench = bench
        self.reports: Reports | None = None

    def begin(self, trial: str, parameters: Mapping[str, Any]) -> None:
        """Begin another trial."""
        self.end()
        self.reports = self.bench.reports(trial, parameters)

    def step(self) -> Report:
        """The next report.

        A trial that its parameters let fail says why, and the campaign goes on without it. Whatever else ends it would end
        the next ones too.
        """
        assert self.reports is not None
        try:
            report = next(self.reports)
            return {**report, "done": report[LAST]}
        except (InputError, DeadEndError) as error:
            return {ERROR: f"{type(error).__name__}: {reason(error)}", "done": True}
        except StageError as error:
            return {ERROR: str(error), CUT_SHORT: type(error).__name__, "done": True}
        except Exception as error:  # noqa: BLE001  # Raised again by the driver, whatever it is.
            said = f"{type(error).__name__}: {reason(error)}; the same command continues"
            return {ERROR: said, CUT_SHORT: type(error).__name__, "done": True}

    def end(self) -> None:
        """End what the trial has started."""
        if self.reports is not None:
            self.reports.close()
            self.reports = None


class BenchTrial(Trainable):  # type: ignore[misc]
    """The process of a trial, or of one after the other.

    Tune puts it into a placement group, and with it all actors that it starts, for which that has no room. So a trial that
    starts some is in another process, on the same node and in no group.
    """

    def setup(self, config: dict[str, Any], bench: Bench) -> None:
        """Begin the first trial."""
        self.steps: Any = Steps(bench)
        self.apart = not bench.actors
        if self.apart:
            here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
            self.steps = ray.remote(num_cpus=0, scheduling_strategy=here)(Steps).remote(bench)
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Begin another trial."""
        self._do("begin", new_config["trial"], json.loads(new_config["parameters"]))
        return True

    def step(self) -> Report:
        """The next report."""
        return dict(self._do("step"))

    def cleanup(self) -> None:
        """End what the trial has started."""
        self._do("end")

    def _do(self, what: str, *arguments: object) -> Any:
        method = getattr(self.steps, what)
        return ray.get(method.remote(*arguments)) if self.apart else method(*arguments)


class Recorder(Callback):  # type: ignore[misc]
    """Writes each report to the run before Tune goes on, and moves the bar."""

    def __init__(self, trials: Trials, bar: Bar, cut: "Cut") -> None:
        self.trials, self.bar, self.cut = trials, bar, cut

    def __getstate__(self) -> dict[str, Any]:
        # Tune keeps a copy of its settings, which nobody reads: the run holds all that is needed.
        return {}

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial begins, or begins again."""
        name = trial.config["trial"]
        before = self.trials.by_name.get(name)
        error, cuts = (before.error, before.cuts) if before else (None, 0)
        self.trials.write(Trial(name, "running", json.loads(trial.config["parameters"]), error=error, cuts=cuts))

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """A report. Tune has set `done` where its scheduler ends the trial."""
        name = trial.config["trial"]
        if result.get(CUT_SHORT) and not self.cut.gives_up(result):
            # It stays `running`, and the next call begins it again.
            self.trials.change(name, error=result[ERROR], cuts=self.cut.count(result))
            return
        if result.get(ERROR):
            self.trials.change(name, state="failed", error=result[ERROR], seconds=result["time_total_s"])
        else:
            self._keep(name, result)
        self._show()

    def _keep(self, name: str, result: Mapping[str, Any]) -> None:
        state = "completed" if result[LAST] else "stopped" if result["done"] else "running"
        values = {objective: result[objective] for objective in DIRECTIONS if objective in result}
        reused = list(result.get("reused", ()))
        self.trials.change(
            name, result[MEASURED], state=state, values=values, seconds=result["seconds"], reused=reused, error=None
        )

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """A trial's process was lost once too often."""
        name = trial.config["trial"]
        self.trials.change(name, state="failed", error=f"its process was lost {RESTARTS + 1} times")
        self._show()

    def _show(self) -> None:
        finished = self.trials.of(*FINISHED)
        leader = best(finished)
        if leader is None:
            self.bar.update(len(finished))
            return
        accuracy = leader.values["accuracy"]
        self.bar.update(
            len(finished), f"best accuracy {accuracy:.1%}, trial {leader.trial}", {"best_accuracy": accuracy}
        )


class Cut(Stopper):  # type: ignore[misc]
    """Ends Tune once a trial was cut short. An exception of a callback would arrive as text within one of Tune's.

    Not if the same error has cut the same trial short in call after call: then its parameters are the reason, and the campaign
    goes on without it.
    """

    def __init__(self, trials: Trials) -> None:
        self.error: StageError | None = None
        # As the earlier calls have left them: this call's reports change the trials before they are asked about.
        self.before = {trial.trial: (trial.error, trial.cuts) for trial in trials.of("running")}

    def count(self, result: Mapping[str, Any]) -> int:
        """Calls that this error has ended in this trial, this one among them.

        Lost nodes, and what the operating system refuses, a full disk for one, are never its fault.
        """
        error, cuts = self.before.get(result["config"]["trial"], (None, 0))
        outside = result[CUT_SHORT] == NodeLossError.__name__ or "[Errno " in result[ERROR]
        return 0 if outside else 1 + (cuts if error == result[ERROR] else 0)

    def gives_up(self, result: Mapping[str, Any]) -> bool:
        """Whether the trial is done with."""
        return self.count(result) >= CUTS

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Tune asks it with each report; it stops no trial alone."""
        if result.get(CUT_SHORT) and self.error is None and not self.gives_up(result):
            kind = NodeLossError if result[CUT_SHORT] == NodeLossError.__name__ else StageError
            self.error = kind(f"tuning: trial {result['config']['trial']}: {result[ERROR]}")
        return False

    def stop_all(self) -> bool:
        """Whether to end all of them."""
        return self.error is not None


def run_trials(
    run: RunDir, config: TuningConfig, bench: Bench, suggestions: Suggestions, trials: Trials, bar: Bar
) -> None:
    """Run trials until there are as many as the campaign asks for.

    Raises:
        NodeLossError, StageError: a trial was cut short, or Tune ended before; the trials that are finished stay.
    """
    os.environ.update(ENVIRONMENT)
    class_cache.ENV_VARS_TO_PROPAGATE.difference_update(SECRETS)
    left = config.trials - len(trials.of(*FINISHED))
    run.delete(SCRATCH)
    cut = Cut(trials)
    tuner = Tuner(
        with_resources(with_parameters(BenchTrial, bench=bench), TRIAL_RESOURCES),
        tune_config=TuneConfig(
            search_alg=suggestions,
            scheduler=_scheduler(config, bench, trials),
            num_samples=left,
            max_concurrent_trials=min(left, config.concurrency),
            # A process that decodes is there at once for the next trial; one that trains ends with what it started.
            reuse_actors=config.kind == "decode",
            trial_name_creator=_name,
            trial_dirname_creator=_name,
        ),
        run_config=RunConfig(
            name="trials",
            storage_path=run.path(SCRATCH),
            failure_config=FailureConfig(max_failures=RESTARTS),
            # What a trial has made is in the shared folders.
            checkpoint_config=CheckpointConfig(checkpoint_at_end=False),
            callbacks=[Recorder(trials, bar, cut)],
            stop=cut,
            verbose=0,
        ),
    )
    tuner.fit()
    run.delete(SCRATCH)
    if cut.error is not None:
        raise cut.error
    lacking = config.trials - len(trials.of(*FINISHED))
    if lacking > 0:
        raise StageError(f"tuning: Ray Tune ended with {lacking} trials left; the same command continues")


def _scheduler(config: TuningConfig, bench: Bench, trials: Trials) -> Any:
    if not config.stops:
        return None
    if config.kind != "decode":
        return halving(1, MANY_VALIDATIONS, config.reduction, trials)
    rungs = config.rungs(len(bench.questions))
    return halving(rungs[0], rungs[-1], config.reduction, trials)


def _name(trial: Any) -> str:
    return str(trial.config["trial"])
