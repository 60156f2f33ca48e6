"""The task of a training worker and the state of its loop."""

from dataclasses import dataclass, field
from typing import Any

import torch

from pad_ray.sandbox import SandboxConfig
from pad_ray.training.config import TrainingConfig
from pad_ray.training.deepspeed_config import Placement
from pad_ray.training.history import History
from pad_ray.training.objectives import ObjectiveWeights
from pad_ray.training.probes import Probe
from pad_ray.training.students import Student
from pad_ray.training.tokens import TokenTable


@dataclass(frozen=True)
class WorkerTask:
    """The task that the driver gives to every worker.

    `tokens` is the run's folder with the tokenised corpus. `watched` is True if the driver may end the run early.
    """

    config: TrainingConfig
    seed: int
    location: str
    tokens: str
    board: Any
    probes: list[Probe] = field(default_factory=list)
    sandbox: SandboxConfig = field(default_factory=SandboxConfig)
    watched: bool = False


@dataclass
class WorkerState:
    """The state of the loop on one worker. `kept` holds an object that must live as long as the engine."""

    task: WorkerTask
    rank: int
    workers: int
    engine: Any
    student: Student
    placement: Placement
    train: TokenTable
    validation: TokenTable
    history: History
    kept: Any = None

    @property
    def config(self) -> TrainingConfig:
        return self.task.config

    def weighing(self, table: TokenTable) -> ObjectiveWeights:
        """The weights of objectives in a split's loss; lambda applies if both splits mix programs and rationales."""
        mixed = self.train.mixed and table.mixed
        return ObjectiveWeights(self.config.rationale_weight if mixed else None, self.config.objective_weights)

    def over_workers(self, values: torch.Tensor) -> torch.Tensor:
        """The sum of each value over all workers."""
        import deepspeed.comm

        summed = values.to(self.engine.device)
        deepspeed.comm.all_reduce(summed)
        return summed.cpu()
