"""Load a student for training: decoder-only or encoder-decoder, full or with adapters, packed if possible."""

import inspect
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from pad_ray.training.batches import Batch, nothing, pack, pad, pad_pairs
from pad_ray.training.config import LoraConfig, TrainingConfig
from pad_ray.training.objectives import Numbers
from pad_ray.training.tokens import Example
from pad_ray.training.transformers_internals import model_class, takes_attention

# Layers whose tokens depend on other tokens only through attention.
ATTENTION_LAYERS = {"full_attention", "sliding_attention"}


@dataclass(frozen=True)
class Student:
    """A model with its tokenizer. `encodes`: it has an encoder; `packs`: rows can share a sequence; `keeps`: it can compute
    logits for selected tokens only.
    """

    model: Any
    tokenizer: Any
    encodes: bool
    packs: bool
    keeps: bool

    @property
    def pad_id(self) -> int:
        pad_id = self.tokenizer.pad_token_id
        return int(self.tokenizer.eos_token_id if pad_id is None else pad_id)

    def batch(self, examples: list[Example], weights: Numbers) -> Batch:
        """A pass as tensors; `weights` gives the weight of a target token by objective code. Without examples, a dummy row."""
        if not examples:
            examples, weights = [nothing(self.pad_id)], weights * 0.0
        if self.packs:
            return pack(examples, weights)
        if self.encodes:
            return pad_pairs(examples, weights, self.pad_id, self.model.config.decoder_start_token_id)
        return pad(examples, weights, self.pad_id, keeps=self.keeps)


def load_student(weights: Path, config: TrainingConfig) -> Student:
    """The student in a folder in the Hugging Face layout, with new adapters if `config.lora` is set."""
    from transformers import AutoConfig, AutoTokenizer

    described = AutoConfig.from_pretrained(weights)
    encodes, auto = bool(described.is_encoder_decoder), auto_model(described)
    packs = config.packing and not config.compile and not encodes and can_pack(described, auto)
    attention = {"attn_implementation": _attention()} if packs else {}
    model = auto.from_pretrained(weights, dtype=getattr(torch, config.precision), **attention)
    keeps = "logits_to_keep" in inspect.signature(model.forward).parameters
    if config.gradient_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
    if config.lora is not None:
        model = with_adapters(model, config.lora, encodes=encodes)
    return Student(model, AutoTokenizer.from_pretrained(weights), encodes, packs and keeps, keeps)


def auto_model(described: Any) -> Any:
    """The auto class of transformers that loads a model with this configuration."""
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

    return AutoModelForSeq2SeqLM if described.is_encoder_decoder else AutoModelForCausalLM


def can_pack(described: Any, auto: Any) -> bool:
    """True if a model's tokens depend on each other only through transformers' attention, which can separate rows."""
    layers = set(getattr(described, "layer_types", None) or ())
    return takes_attention(model_class(auto, described)) and layers <= ATTENTION_LAYERS


def _attention() -> str:
    from transformers.utils import is_flash_attn_2_available

    if torch.cuda.is_available() and is_flash_attn_2_available():
        return "flash_attention_2"
    from pad_ray.training.attention import register

    return register()


def with_adapters(model: Any, lora: LoraConfig, *, encodes: bool) -> Any:
    """The model with frozen weights and new adapters."""
    import peft

    adapters = peft.LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.target_modules,
        task_type=peft.TaskType.SEQ_2_SEQ_LM if encodes else peft.TaskType.CAUSAL_LM,
    )
    if model.is_gradient_checkpointing:
        # Recomputation needs inputs with gradients, but no trained weight comes before the first layer.
        model.enable_input_require_grads()
    # Use the model's precision: DeepSpeed keeps the master weights.
    return peft.get_peft_model(model, adapters, autocast_adapter_dtype=False)


def parameter_count(weights: Path) -> int:
    """The number of parameters of a model, computed from its configuration."""
    from transformers import AutoConfig

    described = AutoConfig.from_pretrained(weights)
    with torch.device("meta"):
        model = auto_model(described).from_config(described)
    return sum(parameter.numel() for parameter in model.parameters())
