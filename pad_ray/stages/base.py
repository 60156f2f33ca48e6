"""The arguments that every stage of a run takes."""

from dataclasses import dataclass
from typing import Self

from pad_ray.recipe import Recipe
from pad_ray.run import ledger
from pad_ray.run.folder import RunDir
from pad_ray.run.progress import Progress
from pad_ray.run.tracking import Tracker


@dataclass(frozen=True)
class Run:
    """The arguments of every stage."""

    recipe: Recipe
    folder: RunDir
    progress: Progress

    @classmethod
    def tracked(cls, recipe: Recipe, folder: RunDir, progress: Progress) -> Self:
        """A run whose progress also goes to the backends of `recipe.tracking`."""
        return cls(recipe, folder, progress.tracked(lambda stage: Tracker(recipe.tracking, folder, stage)))


def seconds_so_far(run: Run, stage: str) -> float:
    """The seconds of a stage's earlier calls. With them, an interrupted stage reports its total time."""
    return next((entry.seconds for entry in ledger.entries(run.folder) if entry.stage == stage), 0.0)
