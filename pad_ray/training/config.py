"""How a student is fine-tuned."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from pad_ray.schema import Objective


class LoraConfig(BaseModel):
    """Low-rank adapters in place of full fine-tuning (LoRA, arXiv 2106.09685), by peft."""

    model_config = ConfigDict(extra="forbid")

    rank: int = Field(16, ge=1, description="rank of the adapters")
    alpha: float = Field(32.0, gt=0, description="their scale is alpha / rank")
    dropout: float = Field(0.0, ge=0, lt=1, description="share of an adapter's inputs that are dropped in training")
    target_modules: str | list[str] = Field("all-linear", description="layers that get one: names, or all-linear")
    merge: bool = Field(
        True, description="put the adapters into the weights of the exported student; or export them apart"
    )


class TrainingConfig(BaseModel):
    """The student, its optimiser and its share of the cluster."""

    model_config = ConfigDict(extra="forbid")

    student: str = Field("smollm2-135m", description="known name, hub id or local folder in the Hugging Face layout")
    epochs: int = Field(3, ge=1, description="passes over the corpus at most")
    max_steps: int | None = Field(None, ge=1, description="optimiser steps at most; default: those of all epochs")
    patience: int = Field(2, ge=1, description="validations without a better one after which training stops")
    learning_rate: float = Field(2e-4, gt=0, description="peak of AdamW's learning rate")
    schedule: Literal["linear", "cosine", "constant"] = Field(
        "linear", description="how the learning rate goes on after its rise: down to 0, or not"
    )
    warmup_share: float = Field(0.05, ge=0, lt=1, description="share of the steps in which the learning rate rises")
    weight_decay: float = Field(0.0, ge=0, description="AdamW's weight decay")
    gradient_clip: float = Field(1.0, gt=0, description="largest gradient norm")
    rationale_weight: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Mixed Distillation's lambda: the rationales' part of the share of the loss that rationales and programs "
        "have together, if the corpus has both",
    )
    objective_weights: dict[Objective, Annotated[float, Field(gt=0)]] = Field(
        {},
        description="how often a target token counts in the loss, for rows that teach neither a program nor a rationale, such "
        "as {repair: 0.5}; default: 1 each",
    )
    rows_per_step: int = Field(16, ge=1, description="corpus rows in one optimiser step, over all workers")
    tokens_per_pass: int = Field(
        2048, ge=8, description="tokens that one worker computes at once; less takes less memory and changes no result"
    )
    packing: bool = Field(
        True,
        description="rows of a pass in one sequence without padding, each seeing itself alone, where the student can",
    )
    max_tokens: int = Field(
        512, ge=8, description="longest row, source and target; longer rows are left out and counted"
    )
    lora: LoraConfig | None = Field(None, description="train adapters; default: all weights")
    precision: Literal["bfloat16", "float32"] = Field(
        "bfloat16", description="weights in the passes; masters are float32"
    )
    gradient_checkpointing: bool = Field(False, description="compute activations twice instead of keeping them")
    compile: bool = Field(False, description="torch.compile the student; switches packing off")
    zero_stage: Literal["auto"] | Annotated[int, Field(ge=0, le=3)] = Field(
        "auto",
        description="DeepSpeed ZeRO stage; auto: the lowest that fits into the memory of the workers; a run that goes on "
        "keeps its stage",
    )
    offload: Literal["auto", "none", "cpu"] = Field(
        "auto", description="where the optimiser's state is; auto: on the CPU where no stage fits on the GPU"
    )
    workers: int | None = Field(None, ge=1, description="processes that train together; default: all GPUs, or 2 on CPU")
    min_workers: int | None = Field(
        None,
        ge=1,
        description="go on with as few where nodes are lost, and with more again when they come; default: wait for nodes",
    )
    cpus_per_worker: float = Field(1.0, gt=0, description="CPUs that Ray reserves for one worker")
    checkpoint_every_steps: int | None = Field(
        None, ge=1, description="steps that a failure costs at most; default: a checkpoint with each validation"
    )
    validate_every_steps: int | None = Field(None, ge=1, description="steps between validations; default: an epoch")
    validation_questions: int = Field(
        0,
        ge=0,
        description="validation questions that each validation answers, for every path that the corpus teaches: the mean of "
        "the paths' accuracies picks the best then",
    )
    validation_tokens: int = Field(256, ge=1, description="longest answer to a validation question")
    max_failures: int = Field(2, ge=0, description="times a failed worker group is restarted from its last checkpoint")

    @field_validator("objective_weights")
    @classmethod
    def _others(cls, weights: dict[Objective, float]) -> dict[Objective, float]:
        if own := sorted({Objective.PROGRAM, Objective.RATIONALE} & weights.keys()):
            raise ValueError(f"{' and '.join(own)}: what programs and rationales weigh is `rationale_weight`")
        return weights

    @model_validator(mode="after")
    def _fewer(self) -> "TrainingConfig":
        if self.workers is not None and (self.min_workers or 0) > self.workers:
            raise ValueError(f"`min_workers` is {self.min_workers}, more than the {self.workers} `workers`")
        return self

    def worker_count(self, gpus: int) -> int:
        """What is asked for, or one worker a GPU, or two on CPU."""
        return self.workers or gpus or CPU_WORKERS


CPU_WORKERS = 2
STUDENT = "student"
"""The folder of a trained student, in a run and in a checkpoint."""
# What makes the same student faster, in less memory or with other machines.
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
