"""Runs model-written programs safely and fast, and reports the result of each.

`Sandbox` executes; `judge` returns one verdict per candidate, from parsing to comparison. `Sandbox` documents the threats
that are covered and those that are not.
"""

from pad_ray.sandbox.config import SandboxConfig
from pad_ray.sandbox.duplicates import normalised_program_hash
from pad_ray.sandbox.judge import Candidate, judge
from pad_ray.sandbox.protections import Protections, weakest
from pad_ray.sandbox.results import Execution
from pad_ray.sandbox.sandbox import Sandbox

__all__ = [
    "Candidate",
    "Execution",
    "Protections",
    "Sandbox",
    "SandboxConfig",
    "judge",
    "normalised_program_hash",
    "weakest",
]
