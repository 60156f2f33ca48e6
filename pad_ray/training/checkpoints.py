"""Checkpoints of the training loop: saving, loading, and conversion to another number of workers.

A checkpoint is a DeepSpeed checkpoint, one file per worker, plus the history of the run; the checkpoint of the best validation
also has the student's weights. For Ray Train, a checkpoint is valid once every worker has written its part.
"""

import json
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filelock import FileLock

from pad_ray.training.config import STUDENT
from pad_ray.training.deepspeed_config import Placement
from pad_ray.training.deepspeed_internals import gathered_weights
from pad_ray.training.history import History
from pad_ray.training.tokens import scratch_folder
from pad_ray.training.transformers_internals import tied_weights

if TYPE_CHECKING:
    from pad_ray.training.worker import WorkerState

STATE = "state"
META = "meta.json"
SCORE = "best_step"


@dataclass(frozen=True)
class StoredCheckpoint:
    """A stored checkpoint, with its step, number of workers, placement and history."""

    checkpoint: Any
    step: int
    workers: int
    placement: Placement
    history: History

    def must_convert(self, workers: int) -> bool:
        """True if the state is partitioned for another number of workers."""
        return self.placement.stage > 0 and self.workers != workers

    def load_into(self, engine: Any, workers: int) -> History:
        """Load weights, optimiser state and step number into the engine; returns the history."""
        import deepspeed.comm

        convert = self.must_convert(workers)
        with self.checkpoint.as_directory() as folder:
            place = _converted(Path(folder), self.step, workers) if convert else Path(folder)
            engine.load_checkpoint(str(place), tag=STATE, load_module_strict=False)
        deepspeed.comm.barrier()
        if convert:
            # All workers have read the converted copy, which is as large as the checkpoint.
            shutil.rmtree(place, ignore_errors=True)
        engine.global_steps = self.step
        return self.history


def latest() -> StoredCheckpoint | None:
    """The last checkpoint of this run according to Ray Train; None if there is none.

    The run continues at the ZeRO stage of the checkpoint: DeepSpeed can convert state to another number of workers, but not
    to another stage.
    """
    import ray.train

    checkpoint = ray.train.get_checkpoint()
    if checkpoint is None:
        return None
    with checkpoint.as_directory() as folder:
        meta = json.loads((Path(folder) / META).read_text())
    return StoredCheckpoint(
        checkpoint, meta["step"], meta["workers"], Placement(**meta["placement"]), History(**meta["history"])
    )


def _converted(folder: Path, step: int, workers: int) -> Path:
    """DeepSpeed's universal form of a checkpoint for `workers` workers, written by the first worker of each node."""
    place = scratch_folder() / f"universal-{folder.name}-{step}"
    done = place / "done"
    place.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{place}.lock"):
        if not done.exists():
            command = [sys.executable, "-m", "deepspeed.checkpoint.ds_to_universal", "--inject_missing_state"]
            paths = ["--input_folder", str(folder / STATE), "--output_folder", str(place / STATE)]
            processes = ["--num_extract_workers", "1", "--num_merge_workers", "1"]
            subprocess.run([*command, *paths, *processes], check=True, capture_output=True)
            _name_for_all(place / STATE, workers)
            done.touch()
    return place


def _name_for_all(folder: Path, workers: int) -> None:
    """At stage 3, each worker expects a file under its own rank with the model state; link the missing ones."""
    for rank in range(workers):
        name = folder / f"zero_pp_rank_{rank}_mp_rank_00_model_states.pt"
        if not name.exists():
            name.hardlink_to(min(folder.glob("*_model_states.pt")))


def save(worker: "WorkerState", folder: Path, *, best: bool) -> None:
    """Save this worker's part of a checkpoint, and with `best` the student's weights in the Hugging Face layout."""
    adapters = worker.config.lora is not None
    worker.engine.save_checkpoint(str(folder), tag=STATE, exclude_frozen_parameters=adapters)
    if best:
        _save_student(worker, folder / STUDENT)
    if worker.rank == 0:
        meta = {
            "step": worker.engine.global_steps,
            "workers": worker.workers,
            "placement": asdict(worker.placement),
            "history": asdict(worker.history),
        }
        (folder / META).write_text(json.dumps(meta))


def _save_student(worker: "WorkerState", folder: Path) -> None:
    """Save the weights, or only the adapters if there are any. All workers take part, because ZeRO-3 gathers the weights."""
    engine = worker.engine
    if worker.placement.stage == 3:
        # Do not gather frozen weights: an adapter is saved without them.
        state = gathered_weights(engine, learnt_alone=worker.config.lora is not None)
    else:
        state = engine.module.state_dict()
    if worker.rank == 0:
        if engine.module.config.tie_word_embeddings and worker.config.lora is None:
            tied = tied_weights(engine.module)
            state = {name: tensor for name, tensor in state.items() if name not in tied}
        engine.module.save_pretrained(folder, state_dict=state)
