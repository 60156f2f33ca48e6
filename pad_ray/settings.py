"""Options from a YAML file and the command line into checked fields; a mistake names the field, the value and what to do."""

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, SettingsError

from pad_ray.errors import InputError

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
        """Given values alone, below the command line: a stray environment variable SEED must not change a run."""
        return (init_settings,)


S = TypeVar("S", bound=Settings)


def read_settings(kind: type[S], words: Sequence[str], values: Mapping[str, Any], where: str) -> S:
    """`values` with command-line `words` such as `--questions.limit 48` or `--run-dir runs/a` over them.

    Raises:
        InputError: a field is unknown or wrong; it begins with `where` and names field and value.
    """
    try:
        return kind(_cli_parse_args=[_option(word) for word in words], **values)
    except ValidationError as error:
        raise InputError(f"{where}: " + "; ".join(_explain(kind, item) for item in error.errors())) from None
    except SettingsError as error:
        said = f"{' '.join(words)}: {error.__cause__ or error}; see --help for the fields"
        for secret in _secrets(words):
            said = said.replace(secret, "(hidden)")
        raise InputError(said) from None


def print_help(kind: type[Settings], usage: str) -> None:
    """Print every field as a command-line option."""
    sys.stdout.write(f"{usage}\n\n")
    try:
        kind(_cli_parse_args=["--help"], _cli_prog_name="options")
    except SystemExit:
        return


def _option(word: str) -> str:
    """`--data-dir` as `--data_dir`: both spellings are taken. `--no-` before a switch stays."""
    if not word.startswith("--"):
        return word
    name, equals, value = word.partition("=")
    before = "--no-" if name.startswith("--no-") else "--"
    return before + name.removeprefix(before).replace("-", "_") + equals + value


def _secrets(words: Sequence[str]) -> Iterator[str]:
    """Values of options whose names say that somebody takes them for the place of a key."""
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
        return f"{where}: {error['msg']} (given: {error['input']!r})"
    model: type[BaseModel] = kind
    for part in error["loc"][:-1]:
        annotation = model.model_fields[str(part)].annotation
        if not (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
            break
        model = annotation
    return f"{where}: unknown field; allowed here: {', '.join(model.model_fields)}"
