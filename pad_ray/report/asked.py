"""The settings of a run for the page: recipe, versions and protections."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pad_ray.report import text
from pad_ray.report.data import Papers
from pad_ray.run.records import CorpusSummary, Environment

_SECRET = re.compile(r"(api_key|password|secret|access_token|auth_token)$", re.IGNORECASE)


@dataclass(frozen=True)
class Setting:
    key: str
    value: str


def recipe(data: Papers) -> list[tuple[str, list[Setting]]]:
    """The settings of the recipe by section; top-level values come first, under an empty name."""
    plain = {key: value for key, value in data.recipe.items() if not isinstance(value, dict)}
    nested = [(str(key), value) for key, value in data.recipe.items() if isinstance(value, dict)]
    groups = [("", plain), *nested]
    return [(name, list(_settings(values))) for name, values in groups if values]


def flat_recipe(data: Papers) -> dict[str, str]:
    """Every setting of the recipe by its dotted name, with its displayed value."""
    return {setting.key: setting.value for setting in _settings(data.recipe)}


def protections(data: Papers) -> list[Setting]:
    return list(_settings(data.metrics.sandbox.protections)) if data.metrics.sandbox else []


def versions(data: Papers) -> list[Setting]:
    installed = data.environment.versions if data.environment else {}
    return [Setting(name, version) for name, version in sorted(installed.items())]


def facts(data: Papers) -> list[Setting]:
    """The facts under the title that identify the run."""
    environment, corpus = data.environment or Environment(), data.metrics.corpus or CorpusSummary()
    values = {
        "Task": _setting(data.recipe, "questions", "task"),
        "Teacher": _setting(data.recipe, "teacher", "model"),
        "Student": _setting(data.recipe, "training", "student"),
        "Seed": _setting(data.recipe, "seed"),
        "Started": text.moment(environment.started),
        "Commit": (environment.commit or "")[:20],
        "Python": environment.python,
        "Corpus": corpus.hash[:12],
    }
    return [Setting(name, value) for name, value in values.items() if value]


def _setting(recipe: Any, *path: str) -> str:
    """A plain value of the recipe as text; empty if there is none."""
    for name in path:
        recipe = recipe.get(name) if isinstance(recipe, dict) else None
    return "" if recipe is None or isinstance(recipe, dict | list) else text.shorten(str(recipe), 80)


def _settings(values: Mapping[Any, Any], prefix: str = "") -> Iterator[Setting]:
    for name, value in values.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict) and value:
            yield from _settings(value, f"{key}.")
        else:
            yield Setting(key, _displayed(key, value))


def _displayed(key: str, value: Any) -> str:
    """The displayed value. Keys and passwords in a recipe are hidden, because pages are shared."""
    if value is None or value in ("", [], {}):
        return "none"
    if _SECRET.search(key):
        return "(hidden)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return text.shorten(", ".join(str(item) for item in value), 400)
    return text.shorten(str(value), 400)
