"""Which ZeRO stage a student needs on the memory at hand, and DeepSpeed's settings for it (arXiv 1910.02054)."""

from dataclasses import dataclass
from typing import Any

from pad_ray.training.config import TrainingConfig

# Of a worker's memory for weights, gradients and optimiser; the rest is for activations and what torch keeps.
STATE_SHARE = 0.6
ADAM_BYTES = 8
MASTER_BYTES = 4


@dataclass(frozen=True)
class Placement:
    """Where weights, gradients and optimiser state are: the ZeRO stage, and `none` or `cpu` for the optimiser's."""

    stage: int
    offload: str


def state_bytes(parameters: int, trained: int, config: TrainingConfig, workers: int, placement: Placement) -> float:
    """Bytes of weights, gradients and optimiser state on one worker's device.

    Stage 1 divides the optimiser's state among the workers, stage 2 the gradients too, stage 3 also the weights.
    """
    width = 2 if config.precision == "bfloat16" else 4
    optimiser = trained * (ADAM_BYTES + (MASTER_BYTES if width == 2 else 0))
    gradients, weights = trained * width, parameters * width
    if placement.offload == "cpu":
        optimiser = 0
    parts = (optimiser, gradients, weights)
    return float(sum(part / workers if placed < placement.stage else part for placed, part in enumerate(parts)))


def place(
    config: TrainingConfig, parameters: int, trained: int, workers: int, memory_bytes: int, *, on_gpu: bool
) -> Placement:
    """The first placement that fits into `memory_bytes` of each worker: stages 1, 2, 3, then 2 and 3 with offloading.

    What the recipe names is not changed. Offloading is for GPUs: on the CPU it moves nothing. Where nothing fits, the
    last one is tried all the same.
    """
    stages = [1, 2, 3] if config.zero_stage == "auto" else [config.zero_stage]
    offloads = [config.offload] if config.offload != "auto" else ["none", *(["cpu"] if on_gpu else [])]
    candidates = [Placement(stage, offload) for offload in offloads for stage in stages]
    # Without a partition of its own there is no optimiser state to move.
    possible = [c for c in candidates if c.offload == "none" or c.stage > 0] or [Placement(stages[0], "none")]
    fitting = (
        candidate
        for candidate in possible
        if state_bytes(parameters, trained, config, workers, candidate) <= STATE_SHARE * memory_bytes
    )
    return next(fitting, possible[-1])


def deepspeed_settings(config: TrainingConfig, placement: Placement, *, universal: bool = False) -> dict[str, Any]:
    """DeepSpeed's own settings. `universal` reads a checkpoint of another number of workers."""
    zero: dict[str, Any] = {"stage": placement.stage, "stage3_gather_16bit_weights_on_model_save": True}
    if placement.offload == "cpu":
        zero["offload_optimizer"] = {"device": "cpu"}
    optimizer = {"lr": config.learning_rate, "weight_decay": config.weight_decay, "torch_adam": True}
    return {
        # The loop says itself which pass is a step's last; DeepSpeed's own count of them is not used.
        "train_micro_batch_size_per_gpu": 1,
        "gradient_accumulation_steps": 1,
        "bf16": {"enabled": config.precision == "bfloat16"},
        "zero_optimization": zero,
        "zero_allow_untested_optimizer": True,
        "zero_force_ds_cpu_optimizer": False,
        "gradient_clipping": config.gradient_clip,
        "optimizer": {"type": "AdamW", "params": optimizer},
        "checkpoint": {"load_universal": universal},
        "steps_per_print": 2**31,
    }
