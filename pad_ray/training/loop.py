"""The loop of one training worker: a plain DeepSpeed loop under Ray Train.

A step's rows, weights, random numbers and learning rate depend only on its number and the seed, so a loop that continues from
a checkpoint computes the same as without the interruption.
"""

import math
import resource
import tempfile
import time
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import ray
import torch
from torch.nn import functional

from pad_ray.schema import content_id
from pad_ray.training import checkpoints
from pad_ray.training.answering import accuracies
from pad_ray.training.batches import Batch, Rows, deal, epoch_steps, steps_in_epoch
from pad_ray.training.config import TrainingConfig
from pad_ray.training.objectives import OBJECTIVES, Numbers, losses, token_weights, tokens_by_objective
from pad_ray.training.set_up import set_up
from pad_ray.training.tokens import TokenTable, discard_copy
from pad_ray.training.worker import WorkerState

# Validation rows that are distributed to the workers at once.
VALIDATION_ROWS = 1024


def train_worker(arguments: dict[str, Any]) -> None:
    """The function that Ray Train runs on every worker."""
    worker = set_up(arguments["task"])
    _train(worker)
    discard_copy(worker.task.tokens)


def _train(worker: WorkerState) -> None:
    total = total_steps(worker.config, len(worker.train))
    for number, rows in _steps_left(worker, total):
        started = time.monotonic()
        entry = _step(worker, rows, number, total)
        if not all(map(math.isfinite, entry.values())):
            # All workers see the same loss and stop; a restart would fail in the same way.
            worker.task.board.stop.remote(_diverged(entry))
            return
        worker.history.curve.append(entry)
        _tell(worker, {**entry, **_speed(worker, rows, time.monotonic() - started)}, total)
        done = number + 1
        validate = done % _validate_every(worker) == 0 or done == total
        if validate or done % (worker.config.checkpoint_every_steps or total) == 0:
            _checkpoint(worker, validate=validate)
        if worker.history.without_better() >= worker.config.patience or _ended(worker):
            return


def _ended(worker: WorkerState) -> bool:
    """Whether the watcher has ended the run; all workers get the same result in the same step."""
    if not worker.task.watched:
        return False
    stopped = worker.rank == 0 and ray.get(worker.task.board.reasons.remote())[0] is not None
    return bool(worker.over_workers(torch.tensor(float(stopped))).item())


def total_steps(config: TrainingConfig, rows: int) -> int:
    steps = config.epochs * steps_in_epoch(rows, config.rows_per_step)
    return min(steps, config.max_steps or steps)


def _validate_every(worker: WorkerState) -> int:
    return worker.config.validate_every_steps or steps_in_epoch(len(worker.train), worker.config.rows_per_step)


def _steps_left(worker: WorkerState, total: int) -> Iterator[tuple[int, Rows]]:
    """Number and rows of each step from the engine's current step; empty if training had already stopped early."""
    first: int = worker.engine.global_steps
    if worker.history.without_better() >= worker.config.patience:
        return
    in_epoch = steps_in_epoch(len(worker.train), worker.config.rows_per_step)
    paired = worker.train.mixed and worker.config.rows_per_step > 1
    plan = lru_cache(maxsize=1)(
        lambda epoch: epoch_steps(worker.train, worker.config.rows_per_step, worker.task.seed, epoch, paired=paired)
    )
    for number in range(first, total):
        yield number, plan(number // in_epoch)[number % in_epoch]


def learning_rate(config: TrainingConfig, step: int, total: int) -> float:
    """The learning rate of a step, counted from 0: it rises during the warm-up, then follows the schedule."""
    warmup = max(1, round(config.warmup_share * total))
    rising = (step + 1) / warmup
    left = (total - step) / max(1, total - warmup)
    falling = {"linear": left, "cosine": 0.5 - 0.5 * math.cos(math.pi * min(1.0, left)), "constant": 1.0}
    return config.learning_rate * min(1.0, rising, falling[config.schedule])


def _step(worker: WorkerState, rows: Rows, number: int, total: int) -> dict[str, float]:
    """Run one optimiser step; returns its losses in nats per token, total and by objective."""
    rate = learning_rate(worker.config, number, total)
    for group in worker.engine.optimizer.param_groups:
        group["lr"] = rate
    torch.manual_seed(int(content_id("step", worker.task.seed, number, worker.rank)[:15], 16))
    worker.engine.train()
    tokens = tokens_by_objective(worker.train.objectives[rows], worker.train.target_tokens[rows])
    weighing = worker.weighing(worker.train)
    weights = token_weights(tokens, weighing)
    passes = _own_passes(worker, worker.train, rows)
    sums = torch.zeros(len(OBJECTIVES), dtype=torch.float64)
    for place, shared in enumerate(passes, 1):
        worker.engine.set_gradient_accumulation_boundary(place == len(passes))
        # DeepSpeed averages over the workers, but the sum is needed.
        loss, summed = _pass(worker, worker.train, shared, weights * worker.workers)
        sums += summed
        worker.engine.backward(loss)
    norm = gradient_norm(worker.engine)
    worker.engine.step()
    norm = float(worker.engine.get_global_grad_norm()) if norm is None else norm
    means = losses(worker.over_workers(sums).tolist(), tokens, weighing)
    in_epoch = steps_in_epoch(len(worker.train), worker.config.rows_per_step)
    # DeepSpeed returns -1 for a norm that is not a number.
    position = {"step": number + 1, "epoch": (number + 1) / in_epoch}
    return {**position, **means, "learning_rate": rate, "gradient_norm": norm if norm >= 0 else math.inf}


def gradient_norm(engine: Any) -> float | None:
    """The norm of all gradients if DeepSpeed does not report it: in float32 without ZeRO, where each worker has them all."""
    if engine.zero_optimization() or engine.bfloat16_enabled():
        return None
    gradients = [parameter.grad for parameter in engine.module.parameters() if parameter.grad is not None]
    return float(torch.nn.utils.get_total_norm(gradients))


def _own_passes(worker: WorkerState, table: TokenTable, rows: Rows) -> list[Rows]:
    """This worker's rows of each pass."""
    lengths = table.lengths[rows]
    dealt = deal(lengths, worker.workers, worker.config.tokens_per_pass, packed=worker.student.packs)
    return [rows[np.array(shared[worker.rank], np.int64)] for shared in dealt]


def _pass(worker: WorkerState, table: TokenTable, rows: Rows, weights: Numbers) -> tuple[torch.Tensor, torch.Tensor]:
    """The weighted loss of rows, for the backward pass, and their summed losses by objective code."""
    batch = worker.student.batch([table.example(int(row)) for row in rows], weights).to(worker.engine.device)
    each = token_losses(worker.engine, batch)
    sums = torch.zeros(len(OBJECTIVES), dtype=torch.float64)
    if len(rows):
        sums.index_add_(0, batch.objectives.cpu(), each.detach().double().cpu())
    return (each * batch.weights).sum(), sums


def token_losses(model: Any, batch: Batch) -> torch.Tensor:
    """Cross-entropy of each learnt token, in nats."""
    logits = model(**batch.inputs, use_cache=False).logits
    picked = logits[0] if batch.places is None else logits[batch.places[0], batch.places[1]]
    return functional.cross_entropy(picked.float(), batch.labels, reduction="none")


def _diverged(entry: dict[str, float]) -> str:
    return (
        f"training: step {entry['step']:.0f}: the loss is {entry['loss']} and the gradient's norm "
        f"{entry['gradient_norm']}; the last checkpoint is kept. Lower --training.learning_rate or --training.gradient_clip, "
        "raise --training.warmup_share, or train in float32"
    )


def _speed(worker: WorkerState, rows: Rows, seconds: float) -> dict[str, float]:
    """Figures of a step that vary from run to run; memory is this worker's peak."""
    on_gpu = torch.cuda.is_available()
    peak = torch.cuda.max_memory_allocated() if on_gpu else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    tokens = int(worker.train.target_tokens[rows].sum())
    return {"seconds": seconds, "target_tokens_per_s": tokens / seconds, "peak_memory_mib": peak / 2**20}


def _tell(worker: WorkerState, entry: dict[str, float], total: int) -> None:
    if worker.rank == 0:
        worker.task.board.add.remote(total, "", entry)


def _checkpoint(worker: WorkerState, *, validate: bool) -> None:
    """Report a checkpoint, after a validation if `validate`; Ray Train keeps the last one and that of the best validation."""
    import ray.train

    step = worker.engine.global_steps
    best = False
    if validate:
        entry = {"step": step, "epoch": worker.history.curve[-1]["epoch"], **_validate(worker)}
        best = worker.history.add_validation(entry)
        if worker.rank == 0:
            worker.task.board.add.remote(0, "validation_", entry)
    try:
        with tempfile.TemporaryDirectory() as folder:
            checkpoints.save(worker, Path(folder), best=best)
            reported = ray.train.Checkpoint.from_directory(folder)
            ray.train.report({checkpoints.SCORE: step if best else -1}, checkpoint=reported)
    except (OSError, RuntimeError) as error:
        worker.task.board.fault.remote(
            f"training: step {step}: the checkpoint cannot be written: {error}; the last one is kept. Make room at "
            f"{worker.task.location} and in {tempfile.gettempdir()}; the same command continues"
        )
        raise


def _validate(worker: WorkerState) -> dict[str, float]:
    """Losses over the validation rows in nats per token, and the accuracies if there are probes."""
    worker.engine.eval()
    table = worker.validation
    sums = torch.zeros(len(OBJECTIVES), dtype=torch.float64)
    with torch.no_grad():
        for start in range(0, len(table), VALIDATION_ROWS):
            rows = np.arange(start, min(start + VALIDATION_ROWS, len(table)))
            for shared in _own_passes(worker, table, rows):
                sums += _pass(worker, table, shared, np.zeros(len(OBJECTIVES)))[1]
    tokens = tokens_by_objective(table.objectives, table.target_tokens)
    means = losses(worker.over_workers(sums).tolist(), tokens, worker.weighing(table))
    return {**means, **accuracies(worker)} if worker.task.probes else means
