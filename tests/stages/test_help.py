"""`--help`: one screen for every job, whole sections by name, and what the options take as it is accepted."""

import re

import pytest

from pad_ray.recipe import Recipe
from pad_ray.shipped import jobs, recipes
from pad_ray.stages.help import section
from tests.jobs.conftest import REPOSITORY, call_job


@pytest.fixture
def shown(monkeypatch):
    """Runs a job of a checkout with these words; returns its exit status and output."""
    monkeypatch.chdir(REPOSITORY)

    def start(name, *words):
        done = call_job(name, *words)
        return done.returncode, done.stdout

    return start


@pytest.mark.parametrize("name", jobs())
def test_the_help_of_every_job_fits_one_screen(shown, name):
    status, said = shown(name, "--help")
    assert status == 0
    lines = said.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100
    assert lines[0].startswith(f"usage: python jobs/{name}.py ")
    assert len(re.findall(rf"^  python jobs/{name}.py ", said, re.MULTILINE)) == 3
    assert len(re.findall(r"^  (--\w|[A-Z_]+ \.\.\.)", said, re.MULTILINE)) == (2 if name == "report" else 10)


def test_a_section_shows_all_its_options_with_choices_and_defaults(shown):
    status, said = shown("distill", "--help", "training")
    assert status == 0
    assert max(map(len, said.splitlines())) <= 100
    for option in (
        "--training.zero_stage auto|N",
        "--training.lora.rank N",
        "--training.packing, --no-training.packing",
    ):
        assert f"\n  {option}" in said
    assert "--teacher" not in said
    assert "--synthesis.paths program|rationale|socratic,..." in shown("distill", "demo", "--help", "synthesis")[1]


def test_every_option_is_in_a_section():
    leaves = [field for field in section(Recipe, "all").splitlines() if field.startswith("  --")]
    assert len(leaves) == sum(section(Recipe, name).count("\n  --") for name in ("general", *_sections()))


def _sections():
    return [name for name in Recipe.model_fields if name not in ("extensions", "run_dir", "data_dir", "seed")]


def test_help_for_a_section_that_does_not_exist_names_the_others(shown):
    status, said = shown("distill", "--help", "trainin")
    assert status == 2
    assert "did you mean training?" in said
    assert shown("distill", "--help", "demo") == shown("distill", "--help")


def test_a_job_without_a_recipe_lists_those_that_ship(shown):
    status, said = shown("distill")
    assert status == 2
    assert "error: no recipe given" in said
    for name, path in recipes().items():
        assert re.search(
            rf"^  {name} +{re.escape(path.read_text().splitlines()[0].removeprefix('# '))}$", said, re.MULTILINE
        )
