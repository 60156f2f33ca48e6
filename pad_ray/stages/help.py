"""`--help` of the jobs: one screen with what people change most, and `--help SECTION` with every option of a section."""

import os
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_settings import CliPositionalArg

from pad_ray.errors import InputError

COLUMNS = 100
# Column at which descriptions begin; maximum lengths of a shown default, and of an option with its choices.
INDENT, LONGEST_DEFAULT, LONGEST_HEAD = 36, 40, 70
GENERAL = "general"
EVERYTHING = "all"
SCALARS = {int: "N", float: "X", str: "TEXT"}
POSITIONAL = get_args(CliPositionalArg[str])[1]


@dataclass(frozen=True)
class Guide:
    """The content of a job's docstring: purpose, examples, and the names of the options that people change most."""

    purpose: str
    examples: Sequence[str] = ()
    options: Sequence[str] = ()

    @classmethod
    def read(cls, docstring: str) -> "Guide":
        """Read a docstring: its first paragraph is the purpose; the others begin with `Examples:` or `Options:`."""
        purpose, *paragraphs = docstring.strip().split("\n\n")
        found = {title: body for title, _, body in (paragraph.partition(":") for paragraph in paragraphs)}
        examples = [line.strip() for line in found.get("Examples", "").splitlines() if line.strip()]
        return cls(" ".join(purpose.split()), examples, found.get("Options", "").split())


def door() -> str:
    """The words with which the user started this job: `pad-ray JOB` or `python PATH`."""
    started = sys.argv[0]
    if started.startswith("pad-ray "):
        return started
    near = os.path.relpath(started)
    return f"python {started if near.startswith('..') else near}"


def screen(kind: type[BaseModel], guide: Guide, usage: str) -> str:
    """Purpose, examples, the options that people change most, and the names of the sections."""
    options = dict(_options(kind))
    parts = [usage, _wrapped(guide.purpose)]
    if guide.examples:
        parts.append("\n".join(["Examples:", *map(_example, guide.examples)]))
    chosen = {name: options[name] for name in guide.options or options}
    several = _sections(kind)
    title = "Options that people change most:" if several else "Options:"
    parts.append("\n".join([title, *(line for pair in chosen.items() for line in _lines(*pair))]))
    if several:
        said = ", ".join(f"{name} ({text})" if text else name for name, text in several.items())
        parts.append(_wrapped(f"All options of a section by --help SECTION, or of all: {said}"))
    return "\n\n".join(parts) + "\n"


def section(kind: type[BaseModel], asked: str) -> str:
    """Every option of a section, or the one option of this name; all options for `all`.

    Raises:
        InputError: no section and no option has this name.
    """
    options, sections = dict(_options(kind)), _sections(kind)
    if asked == EVERYTHING:
        chosen = options
    elif asked == GENERAL:
        chosen = {name: field for name, field in options.items() if "." not in name}
    else:
        chosen = {name: field for name, field in options.items() if f"{name}.".startswith(f"{asked}.")}
    if not chosen:
        similar = get_close_matches(asked, [*sections, *options], 1)
        meant = f"did you mean {similar[0]}? " if similar else ""
        raise InputError(
            f"--help {asked}: there is no such section; {meant}sections: {', '.join([*sections, EVERYTHING])}"
        )
    title = f"{asked}: {sections[asked]}" if sections.get(asked) else f"{asked}:"
    return "\n".join([title, *(line for pair in chosen.items() for line in _lines(*pair))]) + "\n"


def _wrapped(text: str) -> str:
    return textwrap.fill(text, COLUMNS, subsequent_indent="  ", break_on_hyphens=False)


def _example(line: str) -> str:
    """An example as the user would type it: `door()` replaces `python jobs/JOB.py`."""
    command, _, comment = line.partition("#")
    words = command.split()
    command = f"  {' '.join([door(), *words[2:]])}"
    said = f"{command:{COLUMNS - 45}}  # {comment.strip()}"
    return said if comment and len(said) <= COLUMNS else command


def _options(kind: type[BaseModel], before: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in kind.model_fields.items():
        model = _model(field.annotation)
        if model is None:
            yield before + name, field
        else:
            yield from _options(model, f"{before}{name}.")


def _sections(kind: type[BaseModel]) -> Mapping[str, str]:
    """The description of each section, by its name; empty if there are no sections."""
    named = {name: field.description or "" for name, field in kind.model_fields.items() if _model(field.annotation)}
    return {GENERAL: "the options without a section", **named} if named else {}


def _model(annotation: Any) -> type[BaseModel] | None:
    """The config class of a section; None for an option."""
    (alone,) = kinds if len(kinds := _alternatives(annotation)) == 1 else (None,)
    return alone if isinstance(alone, type) and issubclass(alone, BaseModel) else None


def _alternatives(annotation: Any) -> list[Any]:
    """The types in a union, without None."""
    if get_origin(annotation) is Annotated:
        return _alternatives(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return [one for part in get_args(annotation) for one in _alternatives(part)]
    return [] if annotation is NoneType else [annotation]


def _lines(name: str, field: FieldInfo) -> Iterator[str]:
    """The lines of an option: its name and possible values, its description and its default."""
    described = (field.description or "").rstrip(".")
    if field.annotation is bool:
        before, _, last = name.rpartition(".")
        head = f"--{name}, --no-{before}.{last}" if before else f"--{name}, --no-{last}"
    else:
        takes = _takes(field.annotation)
        head = f"{name.upper()} ..." if POSITIONAL in field.metadata else f"--{name} {takes}"
        if len(head) > LONGEST_HEAD:
            head, described = f"--{name} CHOICE", f"{described}; choices: {takes.replace('|', ' ')}"
    if default := _default(field):
        described = f"{described} ({default})"
    wrapped = textwrap.wrap(described, COLUMNS - INDENT, break_on_hyphens=False) or [""]
    if len(head) + 4 > INDENT:
        yield f"  {head}"
        yield from (" " * INDENT + line for line in wrapped)
    else:
        yield f"  {head:{INDENT - 2}}{wrapped[0]}"
        yield from (" " * INDENT + line for line in wrapped[1:])


def _takes(annotation: Any) -> str:
    """The values that an option accepts: its choices, or a placeholder such as `N`."""
    return "|".join(dict.fromkeys(map(_takes_one, _alternatives(annotation))))


def _takes_one(kind: Any) -> str:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Literal:
        return "|".join(map(str, arguments))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return "|".join(str(one.value) for one in kind)
    if origin in (list, tuple):
        inner = _takes(arguments[0])
        return inner if inner == "JSON" else f"{inner},..."
    if origin is dict and arguments[1] is not Any:
        value = _takes(arguments[1])
        return "JSON" if value == "JSON" else f"{_takes(arguments[0])}={value},..."
    if isinstance(kind, type) and issubclass(kind, BaseModel) and "kind" in kind.model_fields:
        return "NAME"
    return SCALARS.get(kind, "JSON")


def _default(field: FieldInfo) -> str:
    """The default of an option as text; empty if its description states the default, or if the default is None."""
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True, validated_data={})
    if value is None or "default" in (field.description or ""):
        return ""
    return f"default: {textwrap.shorten(_written(value), LONGEST_DEFAULT, placeholder=' ...')}"


def _written(value: Any) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, BaseModel):
        return str(getattr(value, "kind", value))
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_written, value)) or "none"
    return "none" if value == {} else str(value)
