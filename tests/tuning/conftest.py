"""What the tests of tuning share: a recipe with a campaign, and trials that are finished."""

import pytest
import yaml

from pad_ray.recipe import load_recipe
from pad_ray.tuning.trials import Trial


@pytest.fixture
def recipe_with(tmp_path):
    """A recipe with a campaign and changes to its other sections."""

    def build(sections=None, **tuning):
        path = tmp_path / "recipe.yaml"
        path.write_text(yaml.safe_dump({"run_dir": str(tmp_path / "run"), **(sections or {}), "tuning": tuning}))
        return load_recipe(path)

    return build


def finished(name, accuracy, tokens=10.0, state="completed", **parameters):
    """A trial that is not run again."""
    return Trial(name, state, parameters, {"accuracy": accuracy, "tokens_per_question": tokens}, 1.0, ["student"])
