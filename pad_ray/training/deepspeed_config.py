"""Choose the ZeRO stage for a student and the available memory, and DeepSpeed's settings (ZeRO: arXiv 1910.02054)."""

from dataclasses import dataclass
from typing import Any

from pad_ray.training.config import TrainingConfig

# Share of a worker's memory for weights, gradients and optimiser; the rest is for activations and torch's caches.
STATE_SHARE = 0.6
ADAM_BYTES = 8
MASTER_BYTES = 4


@dataclass(frozen=True)
class Placement:
    """The placement of weights, gradients and optimiser state: the ZeRO stage, and `none` or `cpu` for offloading."""

    stage: int
    offload: str


def state_bytes(parameters: int, trained: int, config: TrainingConfig, workers: int, placement: Placement) -> float:
    """Bytes of weights, gradients and optimiser state on one worker's device.

    Stage 1 partitions the optimiser's state over the workers, stage 2 also the gradients, stage 3 also the weights.
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

    Values set in the recipe are kept. Offloading is only for GPUs; on the CPU it moves nothing. If no placement fits, the
    last one is used.
    """
    stages = [1, 2, 3] if config.zero_stage == "auto" else [config.zero_stage]
    offloads = [config.offload] if config.offload != "auto" else ["none", *(["cpu"] if on_gpu else [])]
    candidates = [Placement(stage, offload) for offload in offloads for stage in stages]
    # Offloading needs a partitioned optimiser state, so stage 0 cannot offload.
    possible = [c for c in candidates if c.offload == "none" or c.stage > 0] or [Placement(stages[0], "none")]
    fitting = (
        candidate
        for candidate in possible
        if state_bytes(parameters, trained, config, workers, candidate) <= STATE_SHARE * memory_bytes
    )
    return next(fitting, possible[-1])


def deepspeed_settings(config: TrainingConfig, placement: Placement, *, universal: bool = False) -> dict[str, Any]:
    """DeepSpeed's settings. `universal` loads a checkpoint of another number of workers."""
    zero: dict[str, Any] = {"stage": placement.stage, "stage3_gather_16bit_weights_on_model_save": True}
    if placement.offload == "cpu":
        zero["offload_optimizer"] = {"device": "cpu"}
    optimizer = {"lr": config.learning_rate, "weight_decay": config.weight_decay, "torch_adam": True}
    return {
        # The loop marks the last pass of a step; DeepSpeed's count is not used.
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
