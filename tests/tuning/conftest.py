"""Shared fixtures of the tuning tests: a recipe with a campaign, and finished trials."""

import pytest
import yaml

from pad_ray.recipe import load_recipe
from pad_ray.run.campaign import Trial


@pytest.fixture
def recipe_with(tmp_path):
    """Builds a recipe with a campaign and changes to its other sections."""

    def build(sections=None, **tuning):
        path = tmp_path / "recipe.yaml"
        path.write_text(yaml.safe_dump({"run_dir": str(tmp_path / "run"), **(sections or {}), "tuning": tuning}))
        return load_recipe(path)

    return build


def finished(name, accuracy, tokens=10.0, state="completed", **parameters):
    """A finished trial."""
    return Trial(name, state, parameters, {"accuracy": accuracy, "tokens_per_question": tokens}, 1.0, ["student"])
