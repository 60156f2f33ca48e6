"""What the job of the whole way says before it begins, and what it refuses. The whole way is in `test_readme_commands.py`."""

import json

import pytest

from jobs import distill as whole_way
from jobs import evaluate, train
from pad_ray.errors import InputError
from pad_ray.preview import preview_distillation, preview_evaluation, preview_training
from pad_ray.progress import Progress
from pad_ray.recipe import load_recipe
from pad_ray.rundir import RunDir
from pad_ray.stages import Run
from tests.jobs.conftest import call_job, run_job


def test_a_dry_run_shows_the_prompt_and_the_size_and_writes_nothing(write_recipe):
    recipe = write_recipe()
    shown = call_job("distill", recipe, "--dry-run", "--synthesis.samples", "2", "--teacher.cpus", "64")
    assert shown.returncode == 0, shown.stderr
    assert "samples: 2" in shown.stdout
    assert "def solution():" in shown.stdout
    assert "24 questions, 48 drafts" in shown.stdout
    assert "lacking: synthesis asks for 64.5 CPUs" in shown.stdout
    assert all(f"\n{found}: " in shown.stdout for found in ("time", "CPU cores for sandboxes", "storage"))
    assert not (recipe.parent / "run").exists()


def test_help_names_every_field():
    shown = call_job("distill", "--help")
    assert shown.returncode == 0
    for field in ("--questions.limit", "--run_dir", "--evaluation.engine.model", "--training.zero_stage"):
        assert field in shown.stdout


def _damaged_cache(folder):
    """A cache of models whose weights have lost a byte."""
    import shutil

    from pad_ray.models import resolve

    good = resolve("smollm2-135m").path
    copy = folder / "models" / good.name
    shutil.copytree(good, copy)
    with (copy / "model.safetensors").open("r+b") as weights:
        weights.seek(-1, 2)
        byte = weights.read(1)
        weights.seek(-1, 2)
        weights.write(bytes([byte[0] ^ 1]))
    return {"PAD_RAY_CACHE": str(folder)}


def _broken_questions(folder):
    (folder / "gsm8k").mkdir(parents=True)
    good = json.dumps({"question": "How many?", "answer": "2 + 2\n#### 4"})
    broken = json.dumps({"question": "How many?", "answer": "no final answer"})
    (folder / "gsm8k" / "train.jsonl").write_text(f"{good}\n{good}\n{broken}\n")
    return {"PAD_RAY_DATA": str(folder)}


@pytest.mark.parametrize(
    ("arguments", "prepare", "named"),
    [
        (["--questions.limt", "4"], None, ["questions.limt"]),
        (["--synthesis.samples", "many"], None, ["synthesis.samples", "many"]),
        (["--questions.task", "gsm8k", "--data-dir", "/nowhere"], None, ["/nowhere"]),
        (["--training.student", "smollm9"], None, ["smollm9", "smollm2-135m"]),
        (["--training.student", "smollm2-135m"], _damaged_cache, ["model.safetensors"]),
        (["--questions.task", "gsm8k"], _broken_questions, ["train.jsonl", "3"]),
    ],
    ids=["unknown field", "wrong value", "missing data", "unknown model", "damaged weights", "broken row"],
)
def test_bad_input_is_one_clear_error_and_leaves_nothing(write_recipe, tmp_path, arguments, prepare, named):
    recipe = write_recipe()
    environment = prepare(tmp_path / "prepared") if prepare else {}
    # What weights a process has checked it does not check again.
    run = run_job if prepare is _damaged_cache else call_job
    done = run("distill", recipe, *arguments, **environment)
    errors = [line for line in done.stdout.splitlines() if line.startswith("error: ")]
    assert done.returncode == 2, done.stdout + done.stderr
    assert len(errors) == 1
    assert all(word in done.stdout for word in named), done.stdout
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    "job",
    [whole_way.distill, train.train, evaluate.evaluate, preview_distillation, preview_training, preview_evaluation],
)
def test_what_needs_a_path_refuses_an_object_store(write_recipe, job):
    run = Run(load_recipe(write_recipe()), RunDir("s3://bucket/run?region=eu-west-1"), Progress())
    with pytest.raises(InputError, match=r"s3://bucket/run.* needs a local or shared path for its run_dir"):
        job(run)


def test_a_teacher_that_is_never_right_fails_with_the_reason(write_recipe, tmp_path):
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps({"*": ["def solution():\n    apples = 3\n    return apples - 9999\n"]}))
    done = run_job("distill", write_recipe(teacher={"kind": "scripted", "script": str(wrong)}))
    assert done.returncode == 1
    assert "0 rows to train on" in done.stdout
    assert "wrong_answer" in done.stdout
