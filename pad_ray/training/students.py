"""The student as it is trained: decoder-only or encoder-decoder, whole or with adapters, packed where it can be."""

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

# Layers that compute a token from the tokens that attention shows it, and from nothing else of the sequence.
ATTENTION_LAYERS = {"full_attention", "sliding_attention"}


@dataclass(frozen=True)
class Student:
    """A model with its tokenizer. `encodes`: it has an encoder; `packs`: rows can share a sequence."""

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
        """A pass as tensors; `weights` are those of one target token by objective code. No examples weigh nothing."""
        if not examples:
            examples, weights = [nothing(self.pad_id)], weights * 0.0
        if self.packs:
            return pack(examples, weights)
        if self.encodes:
            return pad_pairs(examples, weights, self.pad_id, self.model.config.decoder_start_token_id)
        return pad(examples, weights, self.pad_id, keeps=self.keeps)


def load_student(weights: Path, config: TrainingConfig) -> Student:
    """The student of a folder in the Hugging Face layout, with new adapters where `config.lora` asks for them."""
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
    """transformers' class that loads the model that a configuration describes."""
    from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM

    return AutoModelForSeq2SeqLM if described.is_encoder_decoder else AutoModelForCausalLM


def can_pack(described: Any, auto: Any) -> bool:
    """True where a model's tokens see others through transformers' attention alone, which can be told about rows."""
    layers = set(getattr(described, "layer_types", None) or ())
    return takes_attention(model_class(auto, described)) and layers <= ATTENTION_LAYERS


def _attention() -> str:
    from transformers.utils import is_flash_attn_2_available

    if torch.cuda.is_available() and is_flash_attn_2_available():
        return "flash_attention_2"
    from pad_ray.training.attention import register

    return register()


def with_adapters(model: Any, lora: LoraConfig, *, encodes: bool) -> Any:
    """The model with its weights frozen and new adapters beside them."""
    import peft

    adapters = peft.LoraConfig(
        r=lora.rank,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules=lora.target_modules,
        task_type=peft.TaskType.SEQ_2_SEQ_LM if encodes else peft.TaskType.CAUSAL_LM,
    )
    if model.is_gradient_checkpointing:
        # Without a weight before it that learns, the first layer would be computed again without gradients.
        model.enable_input_require_grads()
    # In the precision of the model: DeepSpeed keeps the masters.
    return peft.get_peft_model(model, adapters, autocast_adapter_dtype=False)


def parameter_count(weights: Path) -> int:
    """Parameters of a model, from its description alone."""
    from transformers import AutoConfig

    described = AutoConfig.from_pretrained(weights)
    with torch.device("meta"):
        model = auto_model(described).from_config(described)
    return sum(parameter.numel() for parameter in model.parameters())
