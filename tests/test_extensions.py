"""User modules and classes that a recipe names."""

import pytest

from pad_ray import extensions
from pad_ray.engines.config import EngineConfig
from pad_ray.engines.kinds import fingerprint, open_engine
from pad_ray.errors import InputError
from pad_ray.recipe import load_recipe


@pytest.fixture
def module(tmp_path, monkeypatch):
    """A module in the working directory that defines an engine."""
    (tmp_path / "own_engine.py").write_text(
        "class Own:\n    def __init__(self, config):\n        self.config = config\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["/nowhere"])
    return "own_engine"


def test_a_user_engine_is_found_in_the_working_directory_and_named_in_draft_ids(module):
    config = EngineConfig(kind=f"{module}:Own", model="m-1")
    assert open_engine(config, on_gpu=False).config is config
    assert fingerprint(config) == "m-1@own_engine:Own"
    assert not config.uses_gpu(8)


@pytest.mark.parametrize(("name", "said"), [("own_engine:Nobody", "Nobody"), ("no_module:Own", "No module named")])
def test_a_missing_class_is_bad_input(module, name, said):
    with pytest.raises(InputError, match=f"engine {name}: .*{said}.*module:Class"):
        open_engine(EngineConfig(kind=name), on_gpu=False)


def test_an_unknown_kind_of_engine_is_rejected():
    with pytest.raises(ValueError, match="'vlm' is not a kind of engine: use one of vllm, openai"):
        EngineConfig(kind="vlm")


def test_without_extensions_workers_get_no_runtime_env():
    assert extensions.runtime_env([]) is None


def test_an_extension_that_cannot_be_imported_is_bad_input(tmp_path):
    recipe = tmp_path / "recipe.yaml"
    recipe.write_text("extensions: [nothing_of_that_name]\nquestions: {task: of_that_module}\n")
    with pytest.raises(InputError, match="extension nothing_of_that_name: No module named 'nothing_of_that_name'"):
        load_recipe(recipe)
