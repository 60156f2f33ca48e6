"""Strict YAML: values that YAML 1.1 silently reads as something else are rejected, with their line.

Rejected are duplicate keys, keys that are not text, numbers with a leading zero (octal), `1:30` (base 60) and bare dates.
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
    """Valid YAML whose meaning differs from its look."""


class StrictLoader(yaml.SafeLoader):
    """PyYAML's safe loader with the checks of this module."""

    def compose_mapping_node(self, anchor: Any) -> Any:
        """Compose a mapping; reject keys that are not text or occur twice."""
        node = super().compose_mapping_node(anchor)
        lines: dict[str, int] = {}
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if key.tag == _MERGE:
                continue
            if key.tag != f"{_PREFIX}str":
                _refuse(key, f"the key {key.value!r:.60} is not text; put it in quotes")
            if key.value in lines:
                _refuse(key, f"{key.value!r:.60} is given twice, first in line {lines[key.value]}; keep one of them")
            lines[key.value] = line
        return node

    def compose_scalar_node(self, anchor: Any) -> Any:
        """Compose a scalar; reject octal and base 60 numbers and dates."""
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
    """The mapping in a UTF-8 YAML file, with or without a byte order mark. Errors refer to the file as `what`.

    Raises:
        InputError: the file is missing, not UTF-8, or not a YAML mapping; the message includes `hint`.
    """
    try:
        values = yaml.load(path.read_text(encoding="utf-8-sig"), StrictLoader)
    except UnicodeDecodeError as error:
        raise InputError(f"{what} {path}: not UTF-8 text (byte {error.start}); save the file as UTF-8") from None
    except OSError as error:
        raise InputError(f"{what} {path}: {error.strerror}; give the path of a YAML file, {hint}") from None
    except yaml.MarkedYAMLError as error:
        fault = str(error.problem) if isinstance(error, Refusal) else f"not YAML: {_problem(error)}"
        raise InputError(f"{what} {path}{_line(error)}: {fault}") from None
    except yaml.YAMLError as error:
        raise InputError(f"{what} {path}: not YAML: {' '.join(str(error).split())}") from None
    except RecursionError:
        raise InputError(f"{what} {path}: not usable: nested too deeply") from None
    if values is None:
        raise InputError(f"{what} {path}: is empty; it has to be a mapping of fields, {hint}")
    if not isinstance(values, dict):
        raise InputError(f"{what} {path}: has to be a mapping of fields and is a {type(values).__name__}, {hint}")
    return values


def _line(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark or error.context_mark
    return f" line {mark.line + 1}" if mark else ""


def _problem(error: yaml.MarkedYAMLError) -> str:
    parts = "; ".join(" ".join(part.split()) for part in (error.context, error.problem) if part)
    return f"{parts}; indent YAML with spaces, not tabs" if "'\\t'" in parts else parts
