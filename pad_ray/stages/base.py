"""What every stage of a run gets."""

from dataclasses import dataclass
from typing import Any, Self

from pad_ray.recipe import Recipe
from pad_ray.run import ledger
from pad_ray.run.folder import RunDir
from pad_ray.run.progress import Progress
from pad_ray.run.tracking import Tracker


@dataclass(frozen=True)
class Run:
    """What every stage gets."""

    recipe: Recipe
    folder: RunDir
    progress: Progress

    @classmethod
    def tracked(cls, recipe: Recipe, folder: RunDir, progress: Progress) -> Self:
        """One whose progress goes to the backends of `recipe.tracking` too."""
        return cls(recipe, folder, progress.tracked(lambda stage: Tracker(recipe.tracking, folder, stage)))


def seconds_so_far(run: Run, stage: str) -> float:
    """What earlier calls of a stage took, so that a run in several goes reports all of its time."""
    times: list[Any] = [entry["seconds"] for entry in ledger.entries(run.folder) if entry["stage"] == stage]
    return float(times[0]) if times else 0.0
