"""What the cluster or this machine has, and what it lacks for a recipe."""

import os

from pad_ray.recipe import Recipe
from pad_ray.sandbox.launcher import find_bwrap
from pad_ray.sandbox.protections import NO_BUBBLEWRAP
from pad_ray.stages.command_line import start_ray
from pad_ray.words import counted


def resources_at_hand() -> dict[str, float]:
    """CPUs and GPUs of the cluster that RAY_ADDRESS names, else of this machine as far as it tells."""
    import ray

    if os.environ.get("RAY_ADDRESS"):
        start_ray()
    resources: dict[str, float] = (
        ray.cluster_resources() if ray.is_initialized() else {"CPU": float(os.cpu_count() or 1)}
    )
    return resources


def lacking(recipe: Recipe, resources: dict[str, float]) -> list[str]:
    """What `resources` do not have for this recipe, in words; none where it can run."""
    wanted = {
        "synthesis": (recipe.teacher.actors or 1) * recipe.teacher.cpus
        + (recipe.synthesis.verifiers or 1) * recipe.synthesis.verifier_cpus,
        "training": recipe.training.worker_count(int(resources.get("GPU", 0))) * recipe.training.cpus_per_worker,
        "evaluation": (recipe.evaluation.engine.actors or 1) * recipe.evaluation.engine.cpus,
    }
    lacks = [
        f"{stage} asks for {counted(cpus, 'CPU')}, there are {resources.get('CPU', 0):g}"
        for stage, cpus in wanted.items()
        if cpus > resources.get("CPU", 0)
    ]
    if recipe.teacher.tensor_parallel > max(1.0, resources.get("GPU", 0)):
        lacks.append(
            f"the teacher asks for {counted(recipe.teacher.tensor_parallel, 'GPU')}, there are {resources.get('GPU', 0):g}"
        )
    if find_bwrap() is None:
        lacks.append(NO_BUBBLEWRAP)
    return lacks
