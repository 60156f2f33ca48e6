"""Train a student on a corpus: Ray Train runs the DeepSpeed loop, and the best checkpoint becomes `student/`."""

import itertools
import json
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from pad_ray.errors import DeadEndError, StageError, reason
from pad_ray.models import resolve
from pad_ray.run.folder import RunDir
from pad_ray.run.progress import Progress, ProgressBar
from pad_ray.sandbox import SandboxConfig
from pad_ray.schema import content_id
from pad_ray.training.config import MEANS, STUDENT, TrainingConfig
from pad_ray.training.probes import choose_probes
from pad_ray.training.tokens import TokenizedCorpus, tokenise
from pad_ray.words import counted

CHECKPOINTS = "checkpoints"
PUBLISHER_CPUS = 1.0
# Seconds between Ray Train's polls of its workers. Its default is 2 s, and checkpoints and the end wait for a poll.
WORKER_POLL_S = 0.5


@dataclass(frozen=True)
class TrainingResult:
    """A finished training run; `curve` and `validation` hold the losses by step and by validation, in nats per token.

    The loss of each objective is `loss_<objective>`. `corpus` is the hash of the corpus, `config` the training section of the
    recipe.
    """

    key: str
    rows: int
    left_out: int
    steps: int
    best_validation_loss: float
    best_accuracy: float | None
    curve: list[dict[str, float]]
    validation: list[dict[str, float]]
    seconds: float
    corpus: str
    seed: int
    config: dict[str, Any]
    workers: int
    zero_stage: int
    offload: str


@dataclass(frozen=True)
class Watch:
    """Follows a training run and can end it early.

    `validated` is called with each validation (`step`, `epoch`, `loss`, and `accuracy` if there are probes). Once `ended` is
    set, the workers stop after the current step and `train` raises; the last checkpoint is kept.
    """

    validated: Callable[[Mapping[str, float]], None]
    ended: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True)
class _FitResult:
    """The result of Ray Train: the checkpoint of the best validation, and the metadata of the last checkpoint."""

    best: Any
    meta: Mapping[str, Any]


class _Board:
    """An actor that passes the first worker's progress to the driver, which displays it."""

    def __init__(self) -> None:
        self.entries: list[tuple[int, str, dict[str, float]]] = []
        self.stopped: str | None = None
        self.faulty: str | None = None

    def add(self, total: int, prefix: str, entry: dict[str, float]) -> None:
        self.entries.append((total, prefix, entry))

    def stop(self, why: str) -> None:
        """Record that training cannot continue, not even after a restart."""
        self.stopped = why

    def fault(self, why: str) -> None:
        """Record the reason for which a worker is about to fail."""
        self.faulty = why

    def take(self) -> list[tuple[int, str, dict[str, float]]]:
        """The entries added since the last call."""
        taken, self.entries = self.entries, []
        return taken

    def reasons(self) -> tuple[str | None, str | None]:
        return self.stopped, self.faulty


@dataclass(frozen=True)
class TrainingRun:
    """What is trained, and on what: the student of `config` on the corpus in `folders`, whose hash is `corpus`.

    `folders` names the folders of the splits `train` and `validation` in `run`, `into` the folder of the result, and `stage` is
    the name in the progress display.
    """

    run: RunDir
    folders: dict[str, str]
    corpus: str
    config: TrainingConfig
    seed: int
    into: str = STUDENT
    stage: str = "training"
    sandbox: SandboxConfig = field(default_factory=SandboxConfig)

    @property
    def key(self) -> str:
        """Runs with the same corpus, student and settings have the same key and continue each other."""
        student = resolve(self.config.student)
        # Leave out `objective_weights` if empty, so that runs from before this setting keep their key.
        unset = set() if self.config.objective_weights else {"objective_weights"}
        settings = self.config.model_dump(exclude=MEANS | unset)
        return content_id("training", settings, self.corpus, f"{student.name}@{student.revision}", self.seed)


def train(training: TrainingRun, progress: Progress, watch: Watch | None = None) -> TrainingResult:
    """Fine-tune the student and write it to the folder `into`.

    Called again with the same corpus, student and settings, it continues, even with another number of workers; it does nothing
    if `into` is already the result.

    Raises:
        DeadEndError: a split has no row that fits into `max_tokens`, or the loss is not finite.
        StageError: a checkpoint cannot be written, or the workers failed more than `max_failures` times. The last checkpoint
            is kept.
    """
    run, config, stage, into = training.run, training.config, training.stage, training.into
    key = training.key
    finished = run.read_json(f"{into}/training.json", {})
    if finished.get("key") == key:
        return TrainingResult(**finished)
    started = time.monotonic()
    with progress.wait(f"{stage}: the corpus as tokens"):
        tokens = tokenise(run, training.folders, training.corpus, config.student, config.max_tokens)
    probes = choose_probes(run, training.folders["validation"], config.validation_questions)
    fitted = _fit(training, key, tokens, probes, progress, watch)
    trained = _trained(training, key, tokens, fitted, time.monotonic() - started)
    with progress.wait(f"{stage}: the best checkpoint as {into}/"):
        _publish(run, fitted.best, into, config, trained)
    return trained


def _trained(
    training: TrainingRun, key: str, tokens: TokenizedCorpus, fitted: _FitResult, seconds: float
) -> TrainingResult:
    history, placement = fitted.meta["history"], fitted.meta["placement"]
    best = next(entry for entry in history["validation"] if entry["step"] == history["best_step"])
    return TrainingResult(
        key=key,
        rows=tokens.rows["train"],
        left_out=tokens.left_out["train"],
        steps=len(history["curve"]),
        best_validation_loss=best["loss"],
        best_accuracy=best.get("accuracy"),
        curve=history["curve"],
        validation=history["validation"],
        seconds=seconds,
        corpus=training.corpus,
        seed=training.seed,
        config=training.config.model_dump(mode="json"),
        workers=fitted.meta["workers"],
        zero_stage=placement["stage"],
        offload=placement["offload"],
    )


def _fit(
    training: TrainingRun, key: str, tokens: TokenizedCorpus, probes: list[Any], progress: Progress, watch: Watch | None
) -> _FitResult:
    from ray.train import CheckpointConfig, FailureConfig, RunConfig, ScalingConfig
    from ray.train.torch import TorchTrainer

    from pad_ray.training.checkpoints import SCORE
    from pad_ray.training.loop import train_worker
    from pad_ray.training.worker import WorkerTask

    run, config = training.run, training.config
    gpus = int(ray.cluster_resources().get("GPU", 0))
    workers = config.worker_count(gpus)
    # Place the board on this node, not on one that may be lost.
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    board = ray.remote(num_cpus=0, scheduling_strategy=here)(_Board).remote()
    os.environ.setdefault("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", str(WORKER_POLL_S))
    where = (run.location, tokens.folder, board)
    task = WorkerTask(config, training.seed, *where, probes, training.sandbox, watched=watch is not None)
    trainer = TorchTrainer(
        train_worker,
        train_loop_config={"task": task},
        scaling_config=ScalingConfig(
            num_workers=(min(config.min_workers, workers), workers) if config.min_workers else workers,
            use_gpu=gpus > 0,
            resources_per_worker={"CPU": config.cpus_per_worker},
        ),
        run_config=RunConfig(
            name=key,
            storage_path=f"{run.location}/{CHECKPOINTS}" if "://" in run.location else run.path(CHECKPOINTS),
            checkpoint_config=CheckpointConfig(
                num_to_keep=1, checkpoint_score_attribute=SCORE, checkpoint_score_order="max"
            ),
            failure_config=FailureConfig(max_failures=config.max_failures),
            worker_runtime_env={"env_vars": _worker_environment(workers, gpus)},
        ),
    )
    group = f"{counted(workers, 'worker')} ({config.student})"
    return _fitted(_watched(trainer, board, progress, training.stage, watch, group), SCORE)


def _fitted(result: Any, score: str) -> _FitResult:
    from pad_ray.training.checkpoints import META

    best = max(result.best_checkpoints, key=lambda pair: pair[1][score])[0]
    with result.checkpoint.as_directory() as folder:
        return _FitResult(best, json.loads((Path(folder) / META).read_text()))


def _worker_environment(workers: int, gpus: int) -> dict[str, str]:
    if gpus:
        return {}
    threads = max(1, (os.cpu_count() or 1) // workers)
    return {"DS_ACCELERATOR": "cpu", "OMP_NUM_THREADS": str(threads)}


def _watched(trainer: Any, board: Any, progress: Progress, stage: str, watch: Watch | None, group: str) -> Any:
    """Run `trainer.fit()` with progress. Because it blocks, it runs in a thread while this thread polls the board.

    `group` describes the workers, for messages about waiting.
    """
    outcome: dict[str, Any] = {}

    def fit() -> None:
        try:
            outcome["result"] = trainer.fit()
        except Exception as error:  # noqa: BLE001  # Raised again below, in the waiting thread.
            outcome["error"] = error

    def ended() -> Any:
        stopped, faulty = ray.get(board.reasons.remote())
        if stopped:
            raise DeadEndError(stopped)
        if "error" in outcome:
            why = reason(outcome["error"])
            raise StageError(faulty or f"training failed: {why}; the same command continues from the last checkpoint")
        return outcome["result"]

    thread = threading.Thread(target=fit, daemon=True)
    thread.start()
    batches = _batches(thread, board, watch)
    with progress.wait(f"{stage}: {group} to find room, start and load the student"):
        entries = next(batches, None)
    if entries is None:
        return ended()
    total, _, first = entries[0]
    with progress.stage(stage, "steps", total, done=int(first["step"]) - 1) as bar:
        later = progress.each(batches, f"{stage}: the next step, validation or checkpoint of {group}")
        for entry in itertools.chain(entries, itertools.chain.from_iterable(later)):
            _show(entry, bar, watch)
        return ended()


def _batches(
    thread: threading.Thread, board: Any, watch: Watch | None
) -> Iterator[list[tuple[int, str, dict[str, float]]]]:
    """Yield the first worker's new entries until the training thread has ended."""
    going = True
    while going:
        going = thread.is_alive()
        if entries := _take(thread, board, watch):
            yield entries


def _show(step: tuple[int, str, dict[str, float]], bar: ProgressBar, watch: Watch | None) -> None:
    """Pass the first worker's entry of a step to the display and the watcher."""
    _, prefix, entry = step
    values = {f"{prefix}{name}": value for name, value in entry.items() if name != "step"}
    bar.update(int(entry["step"]), f"{prefix}loss {entry['loss']:.3f}", values)
    if watch is not None and prefix:
        watch.validated(entry)


def _take(thread: threading.Thread, board: Any, watch: Watch | None) -> list[tuple[int, str, dict[str, float]]]:
    """Wait up to a second and return the first worker's new entries."""
    thread.join(1.0)
    if watch is not None and watch.ended.is_set():
        ray.get(board.stop.remote("training: ended from outside before it was done; the last checkpoint is kept"))
    entries: list[tuple[int, str, dict[str, float]]] = ray.get(board.take.remote())
    return entries


def _publish(run: RunDir, best: Any, into: str, config: TrainingConfig, trained: TrainingResult) -> None:
    from pad_ray.training.export import publish

    # As a task on a node with torch loaded and memory for a model; the driver's node may have neither.
    task = ray.remote(num_cpus=PUBLISHER_CPUS)(publish)
    try:
        ray.get(task.remote(run.location, best, into, config, vars(trained)))
    except (RayError, OSError) as error:
        raise StageError(f"training: {into} cannot be written: {reason(error)}; the same command continues") from error
