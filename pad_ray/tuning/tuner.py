"""Run a campaign's trials with Ray Tune: their processes, the recording of their reports, and progress."""

import json
import os
from collections.abc import Mapping
from typing import Any

import ray
from ray import tune
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from pad_ray.errors import DeadEndError, InputError, NodeLossError, StageError, reason
from pad_ray.run import ray_internals
from pad_ray.run.campaign import CAMPAIGN, FINISHED, Trial
from pad_ray.run.folder import RunDir
from pad_ray.run.progress import ProgressBar
from pad_ray.run.workers import configure_pipelines
from pad_ray.tuning.config import DIRECTIONS, TuningConfig
from pad_ray.tuning.measuring import MANY_VALIDATIONS, Bench, Report, Reports
from pad_ray.tuning.search import Halving, Suggestions
from pad_ray.tuning.trials import ERROR, LAST, MEASURED, Trials, best

SCRATCH = f"{CAMPAIGN}/tune"
CUT_SHORT = "cut_short"
"""In a report with an error: the type of an error that the trial's parameters did not cause."""
# The engines and trainers of a trial reserve their own resources, but Tune requires the trial to reserve something too.
TRIAL_RESOURCES = {"memory": 1}
# Restarts of a trial whose process or node was lost.
RESTARTS = 3
# Number of calls that the same error may end in the same trial before its parameters are considered the cause.
CUTS = 3
# Settings for which Tune has no argument.
ENVIRONMENT = {
    # An interrupt must end the job, which can continue later; Tune would finish with its current trials.
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    # A recipe may name files relative to the job's folder.
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    # The run stores all reports; Tune would write each of them three more times.
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    # Tune's newer output prints a table even with verbose=0.
    "RAY_AIR_NEW_OUTPUT": "0",
}


class Steps:
    """Runs one trial after the other, report by report."""

    def __init__(self, bench: Bench) -> None:
        # Trials that train run pipelines in this process.
        configure_pipelines()
        self.bench = bench
        self.reports: Reports | None = None

    def begin(self, trial: str, parameters: Mapping[str, Any]) -> None:
        """Begin another trial."""
        self.end()
        self.reports = self.bench.reports(trial, parameters)

    def step(self) -> Report:
        """The next report.

        If a trial fails because of its parameters, the report says why, and the campaign continues without it. Any other error
        would end the next trials too, so it ends this call of the job (cuts it short).
        """
        assert self.reports is not None
        try:
            report = next(self.reports)
            return {**report, "done": report[LAST]}
        except (InputError, DeadEndError) as error:
            return {ERROR: f"{type(error).__name__}: {reason(error)}", "done": True}
        except StageError as error:
            return {ERROR: str(error), CUT_SHORT: type(error).__name__, "done": True}
        except Exception as error:  # noqa: BLE001  # The driver raises it again.
            message = f"{type(error).__name__}: {reason(error)}; the same command continues"
            return {ERROR: message, CUT_SHORT: type(error).__name__, "done": True}

    def end(self) -> None:
        """End everything that the trial has started."""
        if self.reports is not None:
            self.reports.close()
            self.reports = None


class BenchTrial(tune.Trainable):  # type: ignore[misc]
    """The process of one trial, or of several in turn.

    Tune puts the process and all actors that it starts into a placement group, which has no room for actors. A trial that
    starts actors therefore runs in another process, on the same node and outside the group.
    """

    def setup(self, config: dict[str, Any], bench: Bench) -> None:
        """Begin the first trial."""
        self.steps: Any = Steps(bench)
        self.apart = not bench.running
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
        """End everything that the trial has started."""
        self._do("end")

    def _do(self, what: str, *arguments: object) -> Any:
        method = getattr(self.steps, what)
        return ray.get(method.remote(*arguments)) if self.apart else method(*arguments)


class Recorder(tune.Callback):  # type: ignore[misc]
    """Writes each report to the run before Tune continues, and updates the progress bar.

    `lost_starts` counts trials whose process was lost as they started: Tune gives them up, and the search suggests them again.
    """

    def __init__(self, trials: Trials, bar: ProgressBar, cut: "Cut") -> None:
        self.trials, self.bar, self.cut = trials, bar, cut
        self.lost_starts = 0

    def on_trial_start(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        """Record that a trial starts or restarts."""
        name = trial.config["trial"]
        before = self.trials.by_name.get(name)
        error, cuts = (before.error, before.cuts) if before else (None, 0)
        self.trials.write(Trial(name, "running", json.loads(trial.config["parameters"]), error=error, cuts=cuts))

    def on_trial_result(
        self, iteration: int, trials: list[Any], trial: Any, result: dict[str, Any], **info: Any
    ) -> None:
        """Record a report. Tune has set `done` if its scheduler ends the trial."""
        name = trial.config["trial"]
        if result.get(CUT_SHORT) and not self.cut.gives_up(result):
            # The trial stays `running`, and the next call starts it again.
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
        """Record a trial whose process was lost too often."""
        if trial.should_recover():
            self.lost_starts += 1
            return
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


class Cut(tune.Stopper):  # type: ignore[misc]
    """Ends Tune once a trial was cut short. An exception in a callback would arrive only as text in one of Tune's exceptions.

    If the same error has ended the same trial in several calls, its parameters are considered the cause, and the campaign
    continues without it.
    """

    def __init__(self, trials: Trials) -> None:
        self.error: StageError | None = None
        # Keep the state before this call, because its reports change the trials first.
        self.before = {trial.trial: (trial.error, trial.cuts) for trial in trials.of("running")}

    def count(self, result: Mapping[str, Any]) -> int:
        """The number of calls that this error has ended in this trial, including this call.

        0 for lost nodes and errors of the operating system, such as a full disk, which the trial never causes.
        """
        error, cuts = self.before.get(result["config"]["trial"], (None, 0))
        outside = result[CUT_SHORT] == NodeLossError.__name__ or "[Errno " in result[ERROR]
        return 0 if outside else 1 + (cuts if error == result[ERROR] else 0)

    def gives_up(self, result: Mapping[str, Any]) -> bool:
        """Whether the campaign continues without the trial."""
        return self.count(result) >= CUTS

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        """Called by Tune with each report; never stops a single trial."""
        if result.get(CUT_SHORT) and self.error is None and not self.gives_up(result):
            kind = NodeLossError if result[CUT_SHORT] == NodeLossError.__name__ else StageError
            self.error = kind(f"tuning: trial {result['config']['trial']}: {result[ERROR]}")
        return False

    def stop_all(self) -> bool:
        """Whether to end all trials."""
        return self.error is not None


def run_trials(
    run: RunDir, config: TuningConfig, bench: Bench, suggestions: Suggestions, trials: Trials, bar: ProgressBar
) -> None:
    """Run trials until the campaign has `config.trials`.

    Raises:
        NodeLossError, StageError: a trial was cut short, or Tune ended early; finished trials are kept.
    """
    os.environ.update(ENVIRONMENT)
    ray_internals.withhold_credentials()
    recorder = Recorder(trials, bar, Cut(trials))
    left = config.trials - len(trials.of(*FINISHED))
    for _ in range(RESTARTS + 1):
        if left > 0 and recorder.cut.error is None:
            recorder.lost_starts = 0
            _run_round(run, config, bench, suggestions, recorder, left)
            left = recorder.lost_starts
    if recorder.cut.error is not None:
        raise recorder.cut.error
    lacking = config.trials - len(trials.of(*FINISHED))
    if lacking > 0:
        raise StageError(f"tuning: Ray Tune ended with {lacking} trials left; the same command continues")


def _run_round(
    run: RunDir, config: TuningConfig, bench: Bench, suggestions: Suggestions, recorder: Recorder, left: int
) -> None:
    """Run `left` trials, less those lost as they started, or stop as soon as a trial is cut short."""
    run.delete(SCRATCH)
    # Not `Tuner`, which first pickles all arguments for `Tuner.restore`; `search.py` says why that is not used.
    tune.run(
        tune.with_resources(tune.with_parameters(BenchTrial, bench=bench), TRIAL_RESOURCES),
        name="trials",
        storage_path=run.path(SCRATCH),
        search_alg=suggestions,
        scheduler=_scheduler(config, bench, recorder.trials),
        num_samples=left,
        max_concurrent_trials=min(left, config.concurrency),
        max_failures=RESTARTS,
        raise_on_failed_trial=False,
        # A decode process can take the next trial at once; a training process must end with everything that it started.
        reuse_actors=config.kind == "decode",
        trial_name_creator=_name,
        trial_dirname_creator=_name,
        callbacks=[recorder],
        stop=recorder.cut,
        verbose=0,
    )
    run.delete(SCRATCH)


def _scheduler(config: TuningConfig, bench: Bench, trials: Trials) -> Halving | None:
    if not config.stops:
        return None
    rungs = config.rungs(len(bench.questions)) if config.kind == "decode" else [1, MANY_VALIDATIONS]
    return Halving(rungs[0], rungs[-1], config.reduction, trials)


def _name(trial: Any) -> str:
    return str(trial.config["trial"])
