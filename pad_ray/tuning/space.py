"""The search space of a campaign: recipe fields by dotted path, and recipes with changed fields.

A path names a field as on the command line, such as `training.learning_rate`; a number is an index into a list. If a campaign
varies the kind of the strategy, fields that a trial's kind does not have are left out of its recipe.
"""

import copy
from collections.abc import Iterable, Mapping
from typing import Any, get_args

from pad_ray.decoding.base import Strategy
from pad_ray.decoding.config import Known
from pad_ray.errors import InputError
from pad_ray.recipe import Recipe
from pad_ray.run.campaign import Parameter
from pad_ray.schema import PathKind
from pad_ray.settings import read_settings
from pad_ray.tuning.config import DEFAULT_SPACES, STRATEGY, Choice, Domain, Kind, Range, TuningConfig

KIND = f"{STRATEGY}.kind"
STRATEGIES: dict[str, type[Strategy]] = {one.model_fields["kind"].default: one for one in get_args(get_args(Known)[0])}
RATIONALE_WEIGHT = "training.rationale_weight"

_TRAINED = ("synthesis.", "corpus.", "training.", f"{STRATEGY}.")
VARIED: dict[Kind, tuple[str, ...]] = {
    "decode": (f"{STRATEGY}.",),
    "train": _TRAINED,
    "refine": ("refinement.", *_TRAINED),
}
"""The fields that a kind of campaign may vary. Not the questions, because trials must be measured on the same ones."""
# Must not vary because it determines the validation questions.
FIXED = ("corpus.validation_share",)


def parameters_of(recipe: Recipe) -> list[Parameter]:
    """The parameters that the recipe's campaign varies.

    Raises:
        InputError: a path is unknown or not allowed in this campaign, or the recipe does not accept a value; the message
            names it.
    """
    config = recipe.tuning
    parameters = [_parameter(recipe, name, domain) for name, domain in _space(recipe).items()]
    for point in config.first:
        _check_point(recipe, parameters, point)
    return parameters


def _space(recipe: Recipe) -> Mapping[str, Domain]:
    config = recipe.tuning
    if config.space is not None:
        return config.space
    mixed = {PathKind.PROGRAM, PathKind.RATIONALE} <= set(recipe.synthesis.paths)
    return {name: domain for name, domain in DEFAULT_SPACES[config.kind].items() if mixed or name != RATIONALE_WEIGHT}


def _parameter(recipe: Recipe, name: str, domain: Domain) -> Parameter:
    _check_varied(recipe.tuning, name)
    if isinstance(domain, Choice):
        for value in domain.values:
            _check_value(recipe, name, value)
        return Parameter(name, "choice", values=tuple(domain.values))
    whole = not _accepts(recipe, name, (domain.low + domain.high) / 2 + 0.01)
    low, high = (int(value) if whole and value.is_integer() else value for value in (domain.low, domain.high))
    for bound in (low, high):
        _check_value(recipe, name, bound)
    return Parameter(name, "int" if whole else "float", low, high, domain.log)


def _check_varied(config: TuningConfig, name: str) -> None:
    allowed = VARIED[config.kind]
    if not name.startswith(allowed) or name in FIXED:
        fields = ", ".join(f"{prefix}*" for prefix in allowed)
        but = "".join(f", but not {field}" for field in FIXED if field.startswith(allowed))
        raise InputError(f"tuning.space: {name}: a {config.kind} campaign varies {fields}{but}")


def _accepts(recipe: Recipe, name: str, value: object) -> bool:
    try:
        _check_value(recipe, name, value)
    except InputError:
        return False
    return True


def _check_value(recipe: Recipe, name: str, value: object) -> None:
    """Raise InputError if the recipe does not accept a value for any of the strategy's kinds that have the field."""
    field = name.removeprefix(f"{STRATEGY}.").partition(".")[0]
    if name == KIND or not name.startswith(f"{STRATEGY}."):
        changed(recipe, {name: value}, f"tuning.space: {name}")
        return
    kinds = _kinds(recipe)
    having = [kind for kind in kinds if kind not in STRATEGIES or field in STRATEGIES[kind].model_fields]
    if not having:
        raise InputError(f"tuning.space: {name}: no strategy here has a field {field}; {_fields(kinds)}")
    for kind in having:
        changed(recipe, {KIND: kind, name: value}, f"tuning.space: {name}")


def _kinds(recipe: Recipe) -> list[str]:
    """The possible kinds of the tuned strategy."""
    domain = _space(recipe).get(KIND)
    if isinstance(domain, Range):
        raise InputError(f"tuning.space: {KIND} needs a list of kinds: {', '.join(STRATEGIES)}")
    return [recipe.evaluation.strategies[0].kind] if domain is None else list(map(str, domain.values))


def _fields(kinds: Iterable[str]) -> str:
    return "; ".join(f"{kind} has {', '.join(STRATEGIES[kind].model_fields)}" for kind in kinds)


def _check_point(recipe: Recipe, parameters: Iterable[Parameter], point: Mapping[str, Any]) -> None:
    known = {parameter.name: parameter for parameter in parameters}
    if point.keys() != known.keys():
        raise InputError(
            f"tuning.first: a point gives a value to each of {', '.join(known)}; given: {', '.join(point) or 'nothing'}"
        )
    for name, value in point.items():
        if not known[name].holds(value):
            raise InputError(f"tuning.first: {name}: {value!r} is not in its range")


def default_point(recipe: Recipe, parameters: Iterable[Parameter]) -> dict[str, Any]:
    """The values of the unchanged recipe, for the fields that it has."""
    values = recipe.model_dump(mode="json")
    entries = ((parameter.name, *_lookup(values, parameter.name)) for parameter in parameters)
    return {name: value for name, there, value in entries if there}


def _lookup(values: Any, name: str) -> tuple[bool, Any]:
    for part in name.split("."):
        if isinstance(values, list) and part.isdigit() and int(part) < len(values):
            values = values[int(part)]
        elif isinstance(values, dict) and part in values:
            values = values[part]
        else:
            return False, None
    return True, values


def changed(recipe: Recipe, parameters: Mapping[str, Any], where: str = "tuning") -> Recipe:
    """The recipe with changed values.

    Raises:
        InputError: the recipe does not accept a value or has no such field; the message begins with `where`.
    """
    # Set `data_dir`: its default is an environment variable of the driver, which other nodes may lack.
    own = {"data_dir": recipe.data_dir} if recipe.data_dir else {}
    return read_settings(Recipe, [], {**own, **changed_values(recipe, parameters)}, where)


def changed_values(recipe: Recipe, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """The content of a recipe file for the recipe with changed values: only what differs from the defaults."""
    values = recipe.model_dump(mode="json", exclude_unset=True)
    tuned = {name: value for name, value in parameters.items() if name.startswith(f"{STRATEGY}.")}
    if tuned:
        strategies = [one.model_dump(mode="json") for one in recipe.evaluation.strategies]
        strategies[0], tuned = _strategy(strategies[0], tuned)
        values.setdefault("evaluation", {})["strategies"] = strategies
    for name, value in parameters.items():
        if not name.startswith(f"{STRATEGY}.") or name in tuned:
            _set(values, name.split("."), copy.deepcopy(value))
    return values


def _strategy(values: dict[str, Any], tuned: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The tuned strategy, reset if its kind changes, and the parameters that are fields of its kind."""
    kind = str(tuned.get(KIND, values["kind"]))
    if kind not in STRATEGIES:
        return values, tuned
    own = {
        name: value
        for name, value in tuned.items()
        if name.removeprefix(f"{STRATEGY}.").partition(".")[0] in STRATEGIES[kind].model_fields
    }
    return values if kind == values["kind"] else {"kind": kind}, own


def _set(values: Any, parts: list[str], value: object) -> None:
    """Set a field, and create missing sections on the way."""
    for part, following in zip(parts, [*parts[1:], ""], strict=True):
        key: Any = int(part) if isinstance(values, list) else part
        if not following:
            values[key] = value
        elif isinstance(values, list) or values.get(key) is not None:
            values = values[key]
        else:
            values[key] = {}
            values = values[key]
