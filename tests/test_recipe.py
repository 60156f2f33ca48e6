from pathlib import Path

import pytest

from pad_ray.errors import InputError
from pad_ray.recipe import load_recipe

RECIPES = sorted((Path(__file__).parents[1] / "jobs" / "recipes").glob("*.yaml"))


@pytest.fixture
def recipe(tmp_path):
    path = tmp_path / "recipe.yaml"
    path.write_text("seed: 3\nquestions: {limit: 48}\n")
    return path


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_are_valid(path):
    assert load_recipe(path).run_dir == f"runs/{path.stem}"


def test_the_command_line_overrides_only_the_fields_that_it_names(recipe):
    loaded = load_recipe(recipe, ["--questions.test-limit", "7", "--run-dir", "runs/other", "--teacher.model=x"])
    assert (loaded.seed, loaded.questions.limit, loaded.questions.test_limit) == (3, 48, 7)
    assert (loaded.run_dir, loaded.teacher.model) == ("runs/other", "x")


def test_a_switch_is_turned_on_and_off(recipe):
    training = load_recipe(recipe, ["--training.gradient-checkpointing", "--no-training.packing"]).training
    assert (training.gradient_checkpointing, training.packing) == (True, False)
    lora = load_recipe(recipe, ["--training.lora.rank", "8", "--no-training.lora.merge"]).training.lora
    assert (lora.rank, lora.merge) == (8, False)


def test_an_environment_variable_does_not_change_a_run(recipe, monkeypatch):
    monkeypatch.setenv("SEED", "99")
    assert load_recipe(recipe).seed == 3


def test_the_data_folder_comes_from_its_environment_variable(recipe, monkeypatch):
    monkeypatch.setenv("PAD_RAY_DATA", "/data")
    assert load_recipe(recipe).data_dir == "/data"


def test_a_written_recipe_reads_back_equal(recipe, tmp_path):
    import yaml

    loaded = load_recipe(recipe, ["--synthesis.samples", "2"])
    (tmp_path / "again.yaml").write_text(yaml.safe_dump(loaded.model_dump(mode="json")))
    assert load_recipe(tmp_path / "again.yaml") == loaded


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "questoins: {}",
            "questoins: unknown field; allowed here: extensions, run_dir, data_dir, seed, questions, teacher",
        ),
        ("teacher: {modle: x}", "teacher.modle: unknown field; allowed here: kind, model"),
        ("evaluation: {engine: {modle: x}}", "evaluation.engine.modle: unknown field; allowed here: kind, model"),
        ("synthesis: {samples: none}", r"synthesis.samples: .*valid integer.*\(given: 'none'\)"),
        ("synthesis: {samples: 0}", r"synthesis.samples: .*greater than or equal to 1.*\(given: 0\)"),
        ("questions: {task: gsm9k}", "questions.task: .*'gsm9k' is not a task; take one of .*gsm8k"),
        ("teacher: {kind: scripted}", "teacher: .*needs `script`"),
        ("- a list", "has to be a mapping"),
        ("a: [", "not YAML"),
    ],
)
def test_an_invalid_field_is_rejected_by_name(tmp_path, text, message):
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as refused:
        load_recipe(path)
    assert str(path) in str(refused.value)


def test_an_invalid_option_is_rejected_by_name(recipe):
    with pytest.raises(InputError, match=r"questions\.limt"):
        load_recipe(recipe, ["--questions.limt", "4"])


def test_a_missing_recipe_is_rejected_by_name(tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.yaml: No such file"):
        load_recipe(tmp_path / "nowhere.yaml")
