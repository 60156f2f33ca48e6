"""Run the loop without Ray in one process: compare each ZeRO stage with the plain loop, and resume from a checkpoint.

`python -m tests.training.one_process` prints a line per stage; the exit status is 1 if a stage is wrong.
"""

import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import torch

from pad_ray.run.folder import RunDir
from pad_ray.schema import Objective
from pad_ray.training import checkpoints, tokens
from pad_ray.training.batches import epoch_steps
from pad_ray.training.checkpoints import StoredCheckpoint
from pad_ray.training.config import TrainingConfig
from pad_ray.training.deepspeed_config import Placement, deepspeed_settings
from pad_ray.training.deepspeed_internals import keep_from_compiling
from pad_ray.training.history import History
from pad_ray.training.loop import _step, total_steps
from pad_ray.training.set_up import _partitioned_loading
from pad_ray.training.students import load_student
from pad_ray.training.worker import WorkerState, WorkerTask
from tests.training.conftest import FOLDERS, corpus_rows, write_corpus
from tests.training.matrix import LARGEST_DIFFERENCE, difference, make_student, plain_losses

STEPS, SAVED_AT = 8, 4


class Folder:
    """A checkpoint with the interface of Ray Train."""

    def __init__(self, path):
        self.path = path

    @contextmanager
    def as_directory(self):
        yield self.path


def ready(task, run, stage, saved=None):
    """A worker at a ZeRO stage, with a loaded checkpoint if one is given."""
    import deepspeed

    settings = deepspeed_settings(task.config, Placement(stage, "none"), universal=False)
    kept = _partitioned_loading(settings) if stage == 3 else None
    student = load_student(Path(task.config.student), task.config)
    learnt = [parameter for parameter in student.model.parameters() if parameter.requires_grad]
    engine, *_ = deepspeed.initialize(model=student.model, model_parameters=learnt, config=settings)
    history = saved.load_into(engine, 1) if saved else History()
    tables = [tokens.open_tokens(run, task.tokens, split) for split in ("train", "validation")]
    return WorkerState(task, 0, 1, engine, student, Placement(stage, "none"), *tables, history, kept)


def steps(worker, until):
    """The losses of the steps up to `until`."""
    plan = epoch_steps(worker.train, worker.config.rows_per_step, 0, 0, paired=True)
    total = total_steps(worker.config, len(worker.train))
    first = worker.engine.global_steps
    return [_step(worker, plan[number], number, total)["loss"] for number in range(first, until)]


def resumed(worker, task, run, stage):
    """The losses of the second half, computed by a new worker at `stage` from the checkpoint of `worker`."""
    with tempfile.TemporaryDirectory() as folder:
        checkpoints.save(worker, Path(folder), best=True)
        saved = StoredCheckpoint(Folder(folder), SAVED_AT, 1, worker.placement, History())
        return steps(ready(task, run, stage, saved), STEPS), sorted(p.name for p in Path(folder, "student").iterdir())


def main() -> None:
    """Run the given stages, or all: each to the half, then to the end, and again from its checkpoint."""
    import deepspeed
    import ray

    os.environ.update(RANK="0", LOCAL_RANK="0", WORLD_SIZE="1", MASTER_ADDR="127.0.0.1", MASTER_PORT="29577")
    os.environ.update(DS_ACCELERATOR="cpu")
    folder = Path(tempfile.mkdtemp())
    ray.init(address="local", num_cpus=1, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    run = RunDir(str(folder / "run"))
    rows = corpus_rows(32, objectives=(Objective.PROGRAM, Objective.RATIONALE))
    write_corpus(run, rows, corpus_rows(2, "test"))
    config = TrainingConfig(
        student=str(make_student(folder)), precision="float32", learning_rate=2e-3, epochs=1, max_steps=STEPS,
        rows_per_step=8, tokens_per_pass=600, rationale_weight=0.3,
    )  # fmt: skip
    expected = plain_losses(run, config, STEPS)
    found = tokens.tokenise(run, FOLDERS, "hash", config.student, config.max_tokens)
    ray.shutdown()
    keep_from_compiling()
    deepspeed.init_distributed(dist_backend="gloo")
    task = WorkerTask(config, 0, run.location, found.folder, None)
    words = sys.argv[1:] or ["0", "1", "2", "3"]
    good = [check(task, run, int(word), expected) for word in words]
    sys.exit(not all(good))


def check(task, run, stage, expected):
    torch.manual_seed(0)
    worker = ready(task, run, stage)
    first = steps(worker, SAVED_AT)
    second, files = resumed(worker, task, run, stage)
    undisturbed = steps(worker, STEPS)
    wrong = difference(first + undisturbed, expected)
    print(
        f"ZeRO {stage}: {wrong:.1e} from the plain loop; resumed exactly: {second == undisturbed}; {files}", flush=True
    )
    return wrong <= LARGEST_DIFFERENCE and second == undisturbed


if __name__ == "__main__":
    main()
