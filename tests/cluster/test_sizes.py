"""The README's table of sizes matches the code, and its commands name files that exist."""

import re

from pad_ray.recipe import load_recipe
from pad_ray.stages.sizing import cells, sizes
from tests.cluster.conftest import CLUSTER, REPOSITORY

README = (CLUSTER / "README.md").read_text()
RECIPES = ("one-gpu", "four-nodes", "hundred-million")


def row(name):
    recipe = load_recipe(CLUSTER / "sizes" / f"{name}.yaml")
    asked = recipe.questions
    size = sizes(recipe, asked.limit, asked.test_limit, gpus=0)
    return f"| `sizes/{name}.yaml` | {recipe.sizing.gpus} | {' | '.join(cells(size))} |"


def test_the_table_matches_the_code():
    (table,) = re.findall(r"<!-- sizes:.*?\|---\|\n(.*?)<!-- end of sizes -->", README, re.DOTALL)
    assert table.splitlines() == [row(name) for name in RECIPES]
    assert sorted(path.stem for path in (CLUSTER / "sizes").iterdir()) == sorted(RECIPES)


def test_every_file_that_the_readme_names_exists():
    named = set(re.findall(r"\b(?:cluster|jobs|tests|pad_ray)/[\w./-]*\w", README)) - {"pad_ray"}
    named |= {
        f"cluster/{path}" for path in re.findall(r"`((?:observability|sizes|kuberay|launcher|locks)/[\w./-]+)`", README)
    }
    assert len(named) > 12
    assert [name for name in sorted(named) if not (REPOSITORY / name).exists()] == []
