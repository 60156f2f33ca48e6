"""The kinds of reasoning paths: how a question is asked and how its completion is read."""

from pad_ray.paths.base import ReasoningPath
from pad_ray.paths.program import Program
from pad_ray.paths.rationale import Rationale
from pad_ray.paths.socratic import Socratic
from pad_ray.schema import PathKind

PATHS: dict[PathKind, type[ReasoningPath]] = {path.kind: path for path in (Program, Rationale, Socratic)}

__all__ = ["PATHS", "Program", "Rationale", "ReasoningPath", "Socratic"]
