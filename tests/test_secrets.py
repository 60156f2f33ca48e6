"""No recipe, and nothing that is written from one, can hold a key."""

import re

import pytest
from pydantic import BaseModel

from pad_ray import job
from pad_ray.errors import InputError
from pad_ray.progress import Progress
from pad_ray.recipe import Recipe, load_recipe
from pad_ray.rundir import RunDir
from pad_ray.stages import Run

KEY = "sk-proj-9f8e7d6c5b4a"
SERVER = "http://127.0.0.1:8000/v1"


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("seed: 3\n")
    return path


def fields(model, prefix=""):
    """Names of all fields of a config, with those of its sections."""
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}"
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from fields(field.annotation, f"{prefix}{name}.")


def test_no_field_of_a_recipe_is_for_a_secret():
    named = [name for name in fields(Recipe) if re.search("key|token$|secret|password|credential", name)]
    assert named == ["teacher.api_key_env", "evaluation.engine.api_key_env"]


@pytest.mark.parametrize(
    "options",
    [
        ["--teacher.api-key-env", KEY],
        ["--teacher.api-key", KEY],
        [f"--teacher.api-key={KEY}"],
        ["--teacher.kind", "openai", "--teacher.base-url", f"https://user:{KEY}@h/v1"],
        ["--teacher.kind", "openai", "--teacher.base-url", f"https://h/v1?api_key={KEY}"],
    ],
)
def test_a_key_in_a_recipe_is_refused(recipe, options):
    with pytest.raises(InputError) as refused:
        load_recipe(recipe, options)
    assert KEY not in str(refused.value)


@pytest.mark.parametrize(
    "location",
    [
        f"s3://user:{KEY}@bucket/run",
        f"s3://bucket/run?secret_key={KEY}",
        f"gs://bucket/run?access_token={KEY}",
        f"abfs://container:{KEY}@account/run",
        f"hdfs://user:{KEY}@host/run",
        f"https://account/run?sig={KEY}",
    ],
)
def test_a_key_in_the_location_of_a_run_is_refused_and_not_repeated(location):
    with pytest.raises(InputError, match=r"credentials|secret_key") as refused:
        RunDir(location)
    assert KEY not in str(refused.value)


def test_what_a_run_writes_down_about_itself_holds_no_key(local_ray, recipe, tmp_path, monkeypatch):
    monkeypatch.setenv("TEACHER_API_KEY", KEY)
    options = ["--teacher.kind", "openai", "--teacher.base-url", SERVER, "--teacher.api-key-env", "TEACHER_API_KEY"]
    loaded = load_recipe(recipe, [*options, "--run-dir", str(tmp_path / "run")])
    assert loaded.teacher.api_key() == KEY
    job.start(Run(loaded, RunDir(loaded.run_dir), Progress()))
    written = [path for path in (tmp_path / "run").rglob("*") if path.is_file()]
    assert {path.name for path in written} == {"recipe.yaml", "environment.json"}
    assert not [path for path in written if KEY.encode() in path.read_bytes()]
