"""Self-refinement data (PaD, arXiv 2305.13888, section 3.2): wrong programs with feedback, and their repair.

`pad_ray.refinement.pipeline` generates the same data on Ray, at any scale.
"""

from pad_ray.refinement.config import RefinementConfig
from pad_ray.refinement.feedback import reveals, told
from pad_ray.refinement.histogram import SideBySide, mix_from, side_by_side
from pad_ray.refinement.inject import CorrectProgram, Variant, inject
from pad_ray.refinement.mutations import CLASSES, MUTATIONS
from pad_ray.refinement.rows import Failure, RepairRows, injected_rows, on_policy_rows, repair_source

__all__ = [
    "CLASSES",
    "MUTATIONS",
    "CorrectProgram",
    "Failure",
    "RefinementConfig",
    "RepairRows",
    "SideBySide",
    "Variant",
    "inject",
    "injected_rows",
    "mix_from",
    "on_policy_rows",
    "repair_source",
    "reveals",
    "side_by_side",
    "told",
]
