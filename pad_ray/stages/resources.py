"""The resources of the cluster or of this machine, and those that are missing for a recipe."""

import os

from pad_ray.recipe import Recipe
from pad_ray.sandbox.launcher import find_bwrap
from pad_ray.sandbox.protections import NO_BUBBLEWRAP
from pad_ray.stages.command_line import start_ray
from pad_ray.words import counted


def resources_at_hand() -> dict[str, float]:
    """CPUs and GPUs of the cluster that RAY_ADDRESS names; without it, of a running Ray or the CPUs of this machine."""
    import ray

    if os.environ.get("RAY_ADDRESS"):
        start_ray()
    resources: dict[str, float] = (
        ray.cluster_resources() if ray.is_initialized() else {"CPU": float(os.cpu_count() or 1)}
    )
    return resources


def lacking(recipe: Recipe, resources: dict[str, float]) -> list[str]:
    """The resources that this recipe needs beyond `resources`, one sentence each; empty if it can run."""
    wanted = {
        "synthesis": (recipe.teacher.actors or 1) * recipe.teacher.cpus
        + (recipe.synthesis.verifiers or 1) * recipe.synthesis.verifier_cpus,
        "training": recipe.training.worker_count(int(resources.get("GPU", 0))) * recipe.training.cpus_per_worker,
        "evaluation": (recipe.evaluation.engine.actors or 1) * recipe.evaluation.engine.cpus,
    }
    lacks = [
        f"{stage} needs {counted(cpus, 'CPU')}, {resources.get('CPU', 0):g} available"
        for stage, cpus in wanted.items()
        if cpus > resources.get("CPU", 0)
    ]
    if recipe.teacher.tensor_parallel > max(1.0, resources.get("GPU", 0)):
        lacks.append(
            f"the teacher needs {counted(recipe.teacher.tensor_parallel, 'GPU')}, {resources.get('GPU', 0):g} available"
        )
    if find_bwrap() is None:
        lacks.append(NO_BUBBLEWRAP)
    return lacks
