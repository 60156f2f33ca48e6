"""Read options from a YAML file and the command line into validated fields; errors name the field, the value and a remedy."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from reprlib import Repr
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from pad_ray.errors import InputError

# Shortens values in error messages: YAML aliases can expand a small file into a huge value.
_SHOWN = Repr()
_SHOWN.maxlevel, _SHOWN.maxstring, _SHOWN.maxother = 3, 100, 100
SECRET_OPTION = re.compile("key|secret|password|token$", re.IGNORECASE)


class Settings(BaseSettings):
    """Fields that the command line sets as `--field value` and `--section.field value`."""

    model_config = SettingsConfigDict(
        extra="forbid", cli_exit_on_error=False, cli_avoid_json=True, cli_implicit_flags=True, protected_namespaces=()
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Use only given values and the command line: a stray environment variable SEED must not change a run."""
        return (init_settings,)


S = TypeVar("S", bound=Settings)


def read_settings(kind: type[S], words: Sequence[str], values: Mapping[str, Any], where: str) -> S:
    """`values`, overridden by command-line `words` such as `--questions.limit 48` or `--run-dir runs/a`.

    A repeated option replaces the earlier one, so that a script can append to a command.

    Raises:
        InputError: a field is unknown or invalid; the message begins with `where` and names field and value.
    """
    options = [_option(word) for word in words]
    try:
        settings = kind(_cli_parse_args=options, **values)
    except ValidationError as error:
        raise InputError(f"{where}: " + "; ".join(_explain(kind, item) for item in error.errors())) from None
    except SettingsError as error:
        said = f"{' '.join(words)}: {error.__cause__ or error}; see --help for the fields{_meant(kind, options)}"
        for secret in _secrets(words):
            said = said.replace(secret, "(hidden)")
        raise InputError(said) from None
    wrong = [*_unusable(settings, values, "")]
    if wrong:
        raise InputError(f"{where}: " + "; ".join(wrong))
    return settings


def _field(option: str) -> str:
    """The dotted name of the field that an option sets; the prefix `--no-` turns a switch off."""
    return option.partition("=")[0].removeprefix("--").removeprefix("no-")


def _annotation(kind: type[BaseModel], name: str) -> Any:
    """The type of the field with this dotted name; None if there is no such field."""
    annotation: Any = kind
    for part in name.split("."):
        models = [one for one in _models(annotation) if part in one.model_fields]
        if not models:
            return None
        annotation = models[0].model_fields[part].annotation
    return annotation


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The config classes within a type."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for part in get_args(annotation) for model in _models(part)]


def _unusable(value: Any, given: Any, where: str) -> Iterator[str]:
    """Describe values that are invalid for every field: numbers that are not finite, empty texts, booleans given as numbers.

    `given` is the file's value at the same place.
    """
    if isinstance(value, float) and not math.isfinite(value):
        yield f"{where}: has to be a finite number (given: {value})"
    elif isinstance(given, bool) and type(value) in (int, float):
        yield f"{where}: has to be a number (given: {given})"
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            item = getattr(value, name)
            if isinstance(item, str) and not item.strip():
                yield f"{_join(where, name)}: is empty; give a value, or leave the field out"
            yield from _unusable(item, _at(given, name), _join(where, name))
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield from _unusable(item, _at(given, name), _join(where, str(name)))
    elif isinstance(value, (list, tuple)):
        for place, item in enumerate(value):
            yield from _unusable(item, _at(given, place), _join(where, str(place)))


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _at(given: Any, place: Any) -> Any:
    """The item of a mapping or list at a key or index; None if there is none."""
    if isinstance(given, Mapping):
        return given.get(place)
    return given[place] if isinstance(given, list) and isinstance(place, int) and place < len(given) else None


def _option(word: str) -> str:
    """`--data-dir` as `--data_dir`, because both spellings are accepted. The `--no-` of a switch is kept."""
    if not word.startswith("--"):
        return word
    name, equals, value = word.partition("=")
    before = "--no-" if name.startswith("--no-") else "--"
    return before + name.removeprefix(before).replace("-", "_") + equals + value


def _secrets(words: Sequence[str]) -> Iterator[str]:
    """Values of options whose names suggest a credential."""
    for word, following in zip(words, [*words, ""][1:], strict=True):
        name, equals, value = word.partition("=")
        secret = value if equals else following
        if name.startswith("--") and SECRET_OPTION.search(name) and secret:
            yield secret


def _explain(kind: type[Settings], error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"])
    if error["type"] == "missing":
        return f"--{where.replace('_', '-')} is missing"
    if error["type"] != "extra_forbidden":
        return f"{where}: {_said(error)} (given: {_SHOWN.repr(error['input'])})"
    model: type[BaseModel] = kind
    for part in error["loc"][:-1]:
        annotation = model.model_fields[str(part)].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            break
        model = annotation
    allowed = list(model.model_fields)
    return f"{where}: unknown field; allowed here: {', '.join(allowed)}{_similar(str(error['loc'][-1]), allowed)}"


def _said(error: Any) -> str:
    """Pydantic's message, with a remedy if YAML parsed a text as another type."""
    if error["type"] == "model_type":
        return "has to be a mapping of fields"
    quoted = error["type"] == "string_type" and isinstance(error["input"], (bool, int, float))
    return f"{error['msg']}; put it in quotes if it is a text" if quoted else str(error["msg"])


def _meant(kind: type[Settings], options: Sequence[str]) -> str:
    """A suggestion: the field that resembles the first unknown option."""
    names = [_field(option) for option in options if option.startswith("--")]
    unknown = [name for name in names if _annotation(kind, name) is None]
    return _similar(unknown[0], _names(kind)) if unknown else ""


def _names(kind: type[BaseModel], before: str = "") -> list[str]:
    """The dotted names of all fields."""
    names = []
    for name, field in kind.model_fields.items():
        names.append(before + name)
        for model in _models(field.annotation):
            names += _names(model, f"{before}{name}.")
    return names


def _similar(name: str, names: Sequence[str]) -> str:
    found = get_close_matches(name, names, 1)
    return f"; did you mean {found[0]}?" if found else ""
