"""`jobs/train.py`: a student from the corpus in the run, and clear words where there is none."""

from pad_ray.rundir import RunDir
from tests.jobs.conftest import call_job
from tests.training.conftest import corpus_rows, write_corpus


def test_a_corpus_in_the_run_becomes_a_student_with_card_and_ledger(local_ray, write_recipe, tmp_path):
    recipe = write_recipe()
    run = RunDir(str(tmp_path / "run"))
    write_corpus(run, corpus_rows(12), corpus_rows(4, "test"))
    seen = call_job("train", recipe, "--dry-run")
    assert seen.returncode == 0, seen.stdout + seen.stderr
    assert "12 rows to train on, 4 to validate" in seen.stdout
    assert not run.exists("student")

    done = call_job("train", recipe, "--training.workers", "1", "--training.zero_stage", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    (entry,) = run.read_json("ledger.json")["stages"]
    assert (entry["stage"], entry["rows_in"], entry["balanced"]) == ("training", 12, True)
    assert run.read_json("metrics.json")["training"]["steps"] == 1
    assert list(run.local_path("tensorboard/training").iterdir())
    assert {"README.md", "model.safetensors", "tokenizer.json"} <= {f.name for f in run.local_path("student").iterdir()}


def test_a_run_without_a_corpus_says_how_to_get_one(write_recipe):
    done = call_job("train", write_recipe())
    assert done.returncode == 2
    assert "jobs/synthesize.py" in done.stdout
