"""Names of a user's own modules and classes, as a recipe gives them."""

import pytest

from pad_ray import extensions
from pad_ray.engines.config import EngineConfig
from pad_ray.engines.kinds import fingerprint, open_engine
from pad_ray.errors import InputError
from pad_ray.recipe import load_recipe


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module with an engine in the working directory."""
    (tmp_path / "own_engine.py").write_text(
        "class Own:\n    def __init__(self, config):\n        self.config = config\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["/nowhere"])
    return "own_engine"


def test_an_engine_of_one_s_own_is_found_in_the_working_directory_and_named_in_the_drafts_ids(module):
    config = EngineConfig(kind=f"{module}:Own", model="m-1")
    assert open_engine(config, on_gpu=False).config is config
    assert fingerprint(config) == "m-1@own_engine:Own"
    assert not config.uses_gpu(8)


@pytest.mark.parametrize(("name", "said"), [("own_engine:Nobody", "Nobody"), ("no_module:Own", "No module named")])
def test_a_class_that_is_not_there_is_bad_input(module, name, said):
    with pytest.raises(InputError, match=f"engine {name}: .*{said}.*module:Class"):
        open_engine(EngineConfig(kind=name), on_gpu=False)


def test_a_kind_of_engine_that_nobody_knows_is_refused():
    with pytest.raises(ValueError, match="'vlm' is no kind of engine: take one of vllm, openai"):
        EngineConfig(kind="vlm")


def test_workers_get_nothing_where_a_recipe_names_nothing():
    assert extensions.runtime_env([]) is None


def test_an_extension_that_cannot_be_imported_is_bad_input(tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("extensions: [nothing_of_that_name]\nquestions: {task: of_that_module}\n")
    with pytest.raises(InputError, match="extension nothing_of_that_name: No module named 'nothing_of_that_name'"):
        load_recipe(recipe)
