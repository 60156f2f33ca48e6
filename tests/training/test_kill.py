"""Whatever is killed, the repeated run ends with the same weights, bit for bit.

These tests take minutes and run only if PAD_RAY_KILLS is set.
"""

import os

import pytest
import torch
import yaml
from safetensors.torch import load_file

from pad_ray.run.folder import RunDir
from pad_ray.schema import Objective
from tests.disks import fill, small_disk
from tests.jobs.conftest import change_nodes, command_line, kill_driver, run_job, start_job, wait_until
from tests.training.conftest import corpus_rows, write_corpus
from tests.watch import steps_done

STEPS = 30
EVERY = 2

pytestmark = pytest.mark.skipif(not int(os.environ.get("PAD_RAY_KILLS", "0")), reason="PAD_RAY_KILLS is not set")


def write_recipe(folder, student):
    """30 steps with two workers and a checkpoint every two steps."""
    run = RunDir(str(folder / "run"))
    objectives = (Objective.PROGRAM, Objective.RATIONALE)
    write_corpus(run, corpus_rows(40, objectives=objectives), corpus_rows(4, "test", objectives))
    training = {"student": str(student), "epochs": 9, "max_steps": STEPS, "rows_per_step": 8, "learning_rate": 2e-3}
    training |= {"checkpoint_every_steps": EVERY, "validate_every_steps": 10, "patience": 9, "workers": 2}
    training |= {"precision": "float32", "zero_stage": 2, "tokens_per_pass": 600}
    recipe = {"run_dir": run.location, "training": training}
    path = folder / "recipe.yaml"
    path.write_text(yaml.safe_dump(recipe))
    return path


def outcome(folder):
    run = RunDir(str(folder / "run"))
    return load_file(run.local_path("student/model.safetensors")), run.read_json("student/training.json")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory, tiny_student):
    folder = tmp_path_factory.mktemp("undisturbed")
    done = run_job("train", write_recipe(folder, tiny_student))
    assert done.returncode == 0, done.stdout + done.stderr
    return outcome(folder)


def start(recipe, folder, steps, *options):
    """Start the job and wait until `steps` steps are done."""
    job = start_job("train", recipe, *options)
    wait_until(lambda: steps_done(RunDir(str(folder / "run"))) >= steps, job)
    return job


def assert_same(folder, undisturbed):
    weights, trained = outcome(folder)
    expected, reference = undisturbed
    assert trained["curve"] == reference["curve"]
    assert weights.keys() == expected.keys()
    assert all(torch.equal(weights[name], expected[name]) for name in expected)


def assert_alike(folder, undisturbed, workers):
    """Check for equal results up to rounding, because the order of summation differs."""
    _, trained = outcome(folder)
    assert (trained["workers"], trained["steps"]) == (workers, STEPS)
    losses, expected = ([entry["loss"] for entry in one["curve"]] for one in (trained, undisturbed[1]))
    assert losses == pytest.approx(expected, rel=1e-3)


def test_a_killed_driver_continues(tmp_path, tiny_student, undisturbed):
    recipe = write_recipe(tmp_path, tiny_student)
    kill_driver(start(recipe, tmp_path, 12))
    done = run_job("train", recipe)
    assert done.returncode == 0, done.stdout + done.stderr
    assert_same(tmp_path, undisturbed)


def test_a_killed_worker_is_replaced(tmp_path, tiny_student, undisturbed):
    job = start(write_recipe(tmp_path, tiny_student), tmp_path, 12)
    victims = [process for process in job.children(recursive=True) if is_worker(process)]
    assert len(victims) == 2
    victims[1].kill()
    output, _ = job.communicate(timeout=200)
    assert job.returncode == 0, output
    assert_same(tmp_path, undisturbed)


def is_worker(process):
    return "RayTrainWorker" in command_line(process)


@pytest.mark.parametrize("stage", [2, 3])
@pytest.mark.parametrize(("first", "then"), [(2, 1), (1, 2)])
def test_another_number_of_workers_continues_the_run(tmp_path, tiny_student, undisturbed, stage, first, then):
    recipe, options = write_recipe(tmp_path, tiny_student), ("--training.zero-stage", str(stage), "--training.workers")
    kill_driver(start(recipe, tmp_path, 12, *options, str(first)))
    done = run_job("train", recipe, *options, str(then))
    assert done.returncode == 0, done.stdout + done.stderr
    assert_alike(tmp_path, undisturbed, workers=then)
    assert outcome(tmp_path)[1]["zero_stage"] == stage


def test_training_continues_after_the_loss_of_a_node(tmp_path, tiny_student, undisturbed):
    recipe = write_recipe(tmp_path, tiny_student)
    done = change_nodes("replace", "train", recipe, 12, 1)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "node removed" in done.stdout
    assert_same(tmp_path, undisturbed)


def test_fewer_workers_continue_without_a_lost_node(tmp_path, tiny_student, undisturbed):
    recipe = write_recipe(tmp_path, tiny_student)
    done = change_nodes("lose", "train", recipe, 12, 1, "--training.min-workers", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "node removed" in done.stdout
    assert_alike(tmp_path, undisturbed, workers=1)


def test_a_full_disk_is_a_clear_error_and_the_rerun_continues(tmp_path, tiny_student, undisturbed):
    with small_disk(tmp_path, "400m") as disk:
        recipe = write_recipe(disk, tiny_student)
        filler = fill(disk, leave_bytes=2_000_000)
        failed = run_job("train", recipe)
        assert failed.returncode == 1, failed.stdout + failed.stderr
        assert "No space left" in failed.stdout
        filler.unlink()
        done = run_job("train", recipe)
        assert done.returncode == 0, done.stdout + done.stderr
        assert_same(disk, undisturbed)
