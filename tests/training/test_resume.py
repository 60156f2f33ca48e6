"""A worker is killed in the middle: training resumes at the step and ends with the same result.

Runs only if PAD_RAY_KILLS is set.
"""

import os
import shutil
from contextlib import nullcontext

import psutil
import pytest
import torch
from safetensors.torch import load_file

from pad_ray.errors import StageError
from pad_ray.run.folder import RunDir
from pad_ray.run.progress import Progress
from pad_ray.training.config import TrainingConfig
from pad_ray.training.train import TrainingRun, train
from tests.jobs.conftest import command_line
from tests.training.conftest import FOLDERS, corpus_rows, write_corpus

pytestmark = pytest.mark.skipif(not int(os.environ.get("PAD_RAY_KILLS", "0")), reason="PAD_RAY_KILLS is not set")

# The step at which the worker is killed; it is some steps further by then.
KILLED_AFTER = 2


class Killer:
    """Receives tracked values and kills the training worker at the chosen step."""

    def __init__(self):
        self.killed = 0

    def log(self, step, values):
        if step >= KILLED_AFTER and not self.killed:
            for process in workers():
                process.kill()
                self.killed = step


def workers():
    return [process for process in psutil.Process().children(recursive=True) if is_worker(process)]


def is_worker(process):
    return "RayTrainWorker" in command_line(process)


@pytest.fixture(scope="module")
def config(tiny_t5):
    """A student with dropout, so that random numbers matter too."""
    return TrainingConfig(
        student=str(tiny_t5),
        epochs=20,
        max_steps=60,
        workers=1,
        rows_per_step=4,
        learning_rate=2e-3,
        precision="float32",
        zero_stage=2,
        patience=9,
        validate_every_steps=20,
        checkpoint_every_steps=1,
        cpus_per_worker=0.5,
        max_failures=0,
    )


def make_run(folder):
    run = RunDir(str(folder))
    write_corpus(run, corpus_rows(12), corpus_rows(2, "test"))
    return run


@pytest.fixture(scope="module")
def undisturbed(local_ray, tmp_path_factory, config):
    run = make_run(tmp_path_factory.mktemp("undisturbed"))
    return run, train(
        TrainingRun(run, FOLDERS, "hash", config.model_copy(update={"checkpoint_every_steps": None}), 0), Progress()
    )


@pytest.fixture(scope="module")
def killed(local_ray, tmp_path_factory, config):
    """A run whose worker was killed and that has not continued yet."""
    run = make_run(tmp_path_factory.mktemp("killed"))
    killer = Killer()
    with pytest.raises(StageError, match="the same command continues"):
        train(TrainingRun(run, FOLDERS, "hash", config, 0), Progress(track=lambda stage: nullcontext(killer)))
    assert killer.killed
    assert not run.exists("student")
    return run


def copy_of(run, folder):
    shutil.copytree(run.root, folder, dirs_exist_ok=True)
    return RunDir(str(folder))


def test_the_weights_equal_those_of_an_uninterrupted_run(undisturbed, killed, tmp_path, config):
    reference, expected = undisturbed
    run = copy_of(killed, tmp_path)
    trained = train(
        TrainingRun(run, FOLDERS, "hash", config.model_copy(update={"checkpoint_every_steps": None}), 0), Progress()
    )
    assert trained.curve == expected.curve
    weights, same = (load_file(one.local_path("student/model.safetensors")) for one in (run, reference))
    assert all(torch.equal(weights[name], same[name]) for name in same)


def test_another_number_of_workers_continues(undisturbed, killed, tmp_path, config):
    changes = {"workers": 2, "checkpoint_every_steps": None}
    trained = train(
        TrainingRun(copy_of(killed, tmp_path), FOLDERS, "hash", config.model_copy(update=changes), 0), Progress()
    )
    assert (trained.workers, trained.zero_stage) == (2, 2)
    # Two workers sample separate dropout, so the losses agree only roughly.
    assert trained.best_validation_loss == pytest.approx(undisturbed[1].best_validation_loss, rel=0.02)
