"""YAML without surprises: what YAML 1.1 would silently read as something else is refused, with its line.

A key given twice, a key that is no text, a number with a leading zero (octal), `1:30` (base 60) and a bare date are refused.
"""

import re
from pathlib import Path
from typing import Any

import yaml

from pad_ray.errors import InputError

_PREFIX = "tag:yaml.org,2002:"
_OCTAL = re.compile(r"[-+]?0[0-7_]+")
_MERGE = f"{_PREFIX}merge"


class Refusal(yaml.MarkedYAMLError):
    """YAML that is valid, and means something else than it looks like."""


class StrictLoader(yaml.SafeLoader):
    """The safe loader of YAML, with the refusals of this file."""

    def compose_mapping_node(self, anchor: Any) -> Any:
        """A mapping whose keys are texts, each given once."""
        node = super().compose_mapping_node(anchor)
        lines: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if key.tag == _MERGE:
                continue
            if key.tag != f"{_PREFIX}str":
                _refuse(key, f"the key {key.value!r:.60} is no text; put it in quotes")
            if key.value in lines:
                _refuse(key, f"{key.value!r:.60} is given twice, first in line {lines[key.value]}; keep one of them")
            lines[key.value] = line
        return node

    def compose_scalar_node(self, anchor: Any) -> Any:
        """A scalar that means what it looks like."""
        node = super().compose_scalar_node(anchor)
        kind, text = node.tag.removeprefix(_PREFIX), node.value
        if kind == "int" and _OCTAL.fullmatch(text):
            _refuse(node, f"{text} is an octal number in YAML; write it without the leading zero, or in quotes")
        if kind in ("int", "float") and ":" in text:
            _refuse(node, f"{text} is a number of base 60 in YAML; put it in quotes")
        if kind == "timestamp":
            _refuse(node, f"{text} is a date in YAML; put it in quotes")
        return node


def _refuse(node: Any, problem: str) -> None:
    raise Refusal(problem=problem, problem_mark=node.start_mark)


def read_mapping(path: Path, what: str, hint: str) -> dict[str, Any]:
    """The mapping in a YAML file of UTF-8, with or without a byte order mark. `what` is what an error calls the file.

    Raises:
        InputError: the file is missing, is not UTF-8, or holds no YAML mapping; `hint` says where to find good ones.
    """
    try:
        values = yaml.load(path.read_text(encoding="utf-8-sig"), StrictLoader)
    except UnicodeDecodeError as error:
        raise InputError(f"{what} {path}: not UTF-8 text (byte {error.start}); save the file as UTF-8") from None
    except OSError as error:
        raise InputError(f"{what} {path}: {error.strerror}; give the path of a YAML file, {hint}") from None
    except yaml.MarkedYAMLError as error:
        said = str(error.problem) if isinstance(error, Refusal) else f"not YAML: {_problem(error)}"
        raise InputError(f"{what} {path}{_line(error)}: {said}") from None
    except yaml.YAMLError as error:
        raise InputError(f"{what} {path}: not YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise InputError(f"{what} {path}: not usable: it is nested too deeply") from None
    if values is None:
        raise InputError(f"{what} {path}: is empty; it has to be a mapping of fields, {hint}")
    if not isinstance(values, dict):
        raise InputError(f"{what} {path}: has to be a mapping of fields and is a {type(values).__name__}, {hint}")
    return values


def _line(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return f" line {mark.line + 1}" if mark else ""


def _problem(error: yaml.MarkedYAMLError) -> str:
    said = "; ".join(" ".join(part.split()) for part in (error.context, error.problem) if part)
    return f"{said}; YAML is indented by spaces and not by tabs" if "'\\t'" in said else said
