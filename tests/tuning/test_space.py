"""Search spaces: allowed fields, ranges, and changed recipes."""

import json

import pytest
import yaml

from pad_ray.errors import InputError
from pad_ray.recipe import load_recipe
from pad_ray.run.campaign import CampaignSummary
from pad_ray.tuning.space import changed, changed_values, default_point, parameters_of

BEAM = "evaluation.strategies.0"
MIXED = {"synthesis": {"paths": ["program", "rationale"]}}


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("decode", ["kind", "beams", "proposals", "weight", "temperature", "verifiers"]),
        ("refine", ["variants_per_program", "smoothing", "repair_share", "rounds"]),
        ("train", ["rationale_weight", "learning_rate", "lora"]),
    ],
)
def test_every_kind_of_campaign_has_a_space_that_its_recipe_accepts(recipe_with, kind, names):
    parameters = parameters_of(recipe_with(MIXED, kind=kind))
    assert [parameter.name.rpartition(".")[2] for parameter in parameters] == names


def test_the_rationale_weight_is_varied_only_in_mixed_corpora(recipe_with):
    parameters = parameters_of(recipe_with(kind="train"))
    assert "training.rationale_weight" not in [parameter.name for parameter in parameters]


def test_an_integer_field_is_searched_in_integers(recipe_with):
    ranges = {"training.epochs": {"low": 1, "high": 4}, "training.warmup_share": {"low": 0, "high": 0.5}}
    epochs, warmup = parameters_of(recipe_with(kind="train", space=ranges))
    assert epochs.described() == {"name": "training.epochs", "kind": "int", "low": 1, "high": 4, "log": False}
    assert warmup.kind == "float"


@pytest.mark.parametrize(
    ("kind", "space", "said"),
    [
        ("train", {"training.lerning_rate": [0.1]}, r"training\.lerning_rate: unknown field"),
        ("train", {"training.learning_rate": {"low": -1, "high": 1}}, r"training\.learning_rate.*greater than 0.*-1"),
        ("train", {"training.epochs": {"low": 1.5, "high": 4}}, r"training\.epochs.*integer.*1\.5"),
        ("refine", {"refinement.repair_share": {"low": 0.5, "high": 1}}, r"repair_share.*less than 1"),
        ("train", {"teacher.model": ["a", "b"]}, r"teacher\.model: a train campaign varies"),
        ("train", {"corpus.validation_share": [0.1, 0.2]}, r"validation_share: a train campaign varies"),
        ("decode", {f"{BEAM}.beams": [2]}, r"beams: no strategy here has a field beams; greedy has"),
        ("decode", {f"{BEAM}.kind": ["gready"]}, r"strategies\.0\.kind.*gready"),
        ("decode", {f"{BEAM}.kind": ["step_beam"], f"{BEAM}.verifiers": [["exec"]]}, r"'exec' is not a step verifier"),
        ("decode", {f"{BEAM}.kind": ["greedy", "vote"], f"{BEAM}.samples": {"low": 0, "high": 4}}, r"samples.*1"),
    ],
)
def test_a_path_or_range_that_the_recipe_does_not_accept_is_rejected_by_name(recipe_with, kind, space, said):
    with pytest.raises(InputError, match=said):
        parameters_of(recipe_with(kind=kind, space=space))


def test_a_reversed_range_is_rejected(recipe_with):
    with pytest.raises(InputError, match="`low` is 3 and has to be below `high`, 2"):
        recipe_with(kind="train", space={"training.epochs": {"low": 3, "high": 2}})


def test_a_first_point_outside_its_range_is_rejected(recipe_with):
    space = {"training.epochs": {"low": 1, "high": 4}}
    with pytest.raises(InputError, match=r"tuning\.first: training\.epochs: 9 is not in its range"):
        parameters_of(recipe_with(kind="train", space=space, first=[{"training.epochs": 9}]))


def test_a_strategy_of_another_kind_keeps_only_the_fields_of_that_kind(recipe_with):
    recipe = recipe_with({"evaluation": {"strategies": [{"kind": "vote", "samples": 5}, "greedy"]}}, kind="decode")
    beam, greedy = changed(
        recipe, {f"{BEAM}.kind": "step_beam", f"{BEAM}.samples": 3, f"{BEAM}.beams": 2}
    ).evaluation.strategies
    assert (beam.kind, beam.beams, greedy.kind) == ("step_beam", 2, "greedy")
    assert changed(recipe, {f"{BEAM}.kind": "vote"}).evaluation.strategies[0].samples == 5


def test_a_missing_section_is_created(recipe_with):
    recipe = recipe_with(kind="train")
    assert recipe.training.lora is None
    assert changed(recipe, {"training.lora.rank": 4}).training.lora.rank == 4


def test_the_file_of_a_changed_recipe_loads_as_the_same_recipe(recipe_with, tmp_path):
    recipe = recipe_with({**MIXED, "training": {"epochs": 2}}, kind="train")
    point = {"training.learning_rate": 1e-3, "training.lora": {"rank": 4}, f"{BEAM}.kind": "vote"}
    values = changed_values(recipe, point)
    (tmp_path / "changed.yaml").write_text(yaml.safe_dump(values))
    assert load_recipe(tmp_path / "changed.yaml") == changed(recipe, point)
    assert "learning_rate" not in values.get("refinement", {}) and "sandbox" not in values


def test_the_unchanged_recipe_is_a_point_if_it_has_all_fields(recipe_with):
    recipe = recipe_with(kind="train")
    parameters = parameters_of(recipe)
    point = default_point(recipe, parameters)
    assert point == {"training.learning_rate": 2e-4, "training.lora": None}
    assert all(parameter.holds(point[parameter.name]) for parameter in parameters)
    decode = recipe_with(kind="decode")
    assert default_point(decode, parameters_of(decode)) == {f"{BEAM}.kind": "greedy"}


def test_a_summary_keeps_whole_limits_whole():
    stored = {
        "name": "a",
        "kind": "decode",
        "objectives": [{"name": "accuracy", "direction": "max"}],
        "parameters": [
            {"name": "samples", "kind": "int", "low": 1, "high": 16, "log": True},
            {"name": "rate", "kind": "float", "low": 0.5, "high": 2.0, "log": False},
            {"name": "kind", "kind": "choice", "values": ["vote", None, 3]},
        ],
    }
    again = CampaignSummary.model_validate(stored).model_dump(mode="json")
    assert json.dumps(again["parameters"]) == json.dumps(stored["parameters"])
