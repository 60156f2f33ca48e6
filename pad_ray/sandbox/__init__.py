"""Runs model-written programs safely and fast, and says what happened to each.

`Sandbox` executes; `judge` gives one verdict a candidate, from parsing to comparison. See `Sandbox` for what is
covered and what is not.
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
