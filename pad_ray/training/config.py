"""The configuration of training."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pad_ray.schema import Objective


class LoraConfig(BaseModel):
    """Low-rank adapters instead of full fine-tuning (LoRA, arXiv 2106.09685), with peft."""

    model_config = ConfigDict(extra="forbid")

    rank: int = Field(16, ge=1, description="rank of the adapters")
    alpha: float = Field(32.0, gt=0, description="scale of the adapters is alpha / rank")
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout of the adapters' inputs in training")
    target_modules: str | list[str] = Field("all-linear", description="layers with adapters: names, or all-linear")
    merge: bool = Field(True, description="merge the adapters into the exported weights; false: export them separately")


class TrainingConfig(BaseModel):
    """The student, its optimiser and its share of the cluster."""

    model_config = ConfigDict(extra="forbid")

    student: str = Field("smollm2-135m", description="known name, hub id or local folder in the Hugging Face layout")
    epochs: int = Field(3, ge=1, description="maximum number of passes over the corpus")
    max_steps: int | None = Field(None, ge=1, description="maximum number of optimiser steps; default: all epochs")
    patience: int = Field(2, ge=1, description="stop after this many validations without improvement")
    learning_rate: float = Field(2e-4, gt=0, description="peak learning rate of AdamW")
    schedule: Literal["linear", "cosine", "constant"] = Field(
        "linear", description="learning rate after the warm-up: linear or cosine decay to 0, or constant"
    )
    warmup_share: float = Field(0.05, ge=0, lt=1, description="share of the steps for the warm-up of the learning rate")
    weight_decay: float = Field(0.0, ge=0, description="weight decay of AdamW")
    gradient_clip: float = Field(1.0, gt=0, description="maximum gradient norm")
    rationale_weight: float = Field(
        0.5,
        ge=0,
        le=1,
        description="lambda of Mixed Distillation, for a corpus of rationales and programs: the weight of the rationales' "
        "loss; programs get 1 - lambda",
    )
    objective_weights: dict[Objective, Annotated[float, Field(gt=0)]] = Field(
        {},
        description="weight per target token of objectives other than programs and rationales, such as {repair: 0.5}; "
        "default: 1 each",
    )
    rows_per_step: int = Field(16, ge=1, description="corpus rows per optimiser step, over all workers")
    tokens_per_pass: int = Field(
        2048, ge=8, description="tokens per worker and pass; fewer tokens need less memory and give the same result"
    )
    packing: bool = Field(
        True,
        description="pack the rows of a pass into one sequence without padding, if the student supports it",
    )
    max_tokens: int = Field(
        512, ge=8, description="maximum tokens of a row, source plus target; longer rows are left out and counted"
    )
    lora: LoraConfig | None = Field(None, description="train adapters with these settings; default: all weights")
    precision: Literal["bfloat16", "float32"] = Field(
        "bfloat16", description="precision of the passes; master weights are float32"
    )
    gradient_checkpointing: bool = Field(False, description="recompute activations instead of storing them")
    compile: bool = Field(False, description="use torch.compile; turns packing off")
    zero_stage: Literal["auto"] | Annotated[int, Field(ge=0, le=3)] = Field(
        "auto",
        description="DeepSpeed ZeRO stage; auto: the lowest that fits into the workers' memory; a continued run keeps its "
        "stage",
    )
    offload: Literal["auto", "none", "cpu"] = Field(
        "auto", description="offload the optimiser's state; auto: to the CPU if no stage fits on the GPU"
    )
    workers: int | None = Field(
        None, ge=1, description="number of training processes; default: one per GPU, or 2 on CPU"
    )
    min_workers: int | None = Field(
        None,
        ge=1,
        description="minimum after node loss: continue with fewer workers until nodes join; default: wait for nodes",
    )
    cpus_per_worker: float = Field(1.0, gt=0, description="CPUs that Ray reserves per worker")
    checkpoint_every_steps: int | None = Field(
        None, ge=1, description="steps between checkpoints; default: only with each validation"
    )
    validate_every_steps: int | None = Field(None, ge=1, description="steps between validations; default: one epoch")
    validation_questions: int = Field(
        0,
        ge=0,
        description="questions answered in each validation for every path of the corpus; if set, the mean accuracy over paths "
        "selects the best checkpoint",
    )
    validation_tokens: int = Field(256, ge=1, description="maximum tokens of an answer to a validation question")
    max_failures: int = Field(2, ge=0, description="restarts of a failed worker group from its last checkpoint")

    @field_validator("objective_weights")
    @classmethod
    def _others(cls, weights: dict[Objective, float]) -> dict[Objective, float]:
        if own := sorted({Objective.PROGRAM, Objective.RATIONALE} & weights.keys()):
            raise ValueError(f"{' and '.join(own)}: set the weight of programs and rationales with `rationale_weight`")
        return weights

    @model_validator(mode="after")
    def _fewer(self) -> "TrainingConfig":
        if self.workers is not None and (self.min_workers or 0) > self.workers:
            raise ValueError(f"`min_workers` is {self.min_workers}, more than the {self.workers} `workers`")
        return self

    def worker_count(self, gpus: int) -> int:
        """`workers` if set; else one per GPU; else 2 on CPU."""
        return self.workers or gpus or CPU_WORKERS


CPU_WORKERS = 2
STUDENT = "student"
"""The folder of a trained student, in a run and in a checkpoint."""
# Settings that change speed, memory or machines, but not the student; they are not part of a training's key.
MEANS = {
    "compile",
    "cpus_per_worker",
    "checkpoint_every_steps",
    "gradient_checkpointing",
    "max_failures",
    "min_workers",
    "offload",
    "packing",
    "tokens_per_pass",
    "workers",
    "zero_stage",
}
