"""Export the best checkpoint as a student in the Hugging Face layout, for transformers and vLLM, with a model card."""

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pad_ray.models import resolve
from pad_ray.run.folder import RunDir
from pad_ray.training.config import STUDENT, TrainingConfig
from pad_ray.training.model_card import TRAINED, write_model_card


def publish(location: str, checkpoint: Any, into: str, config: TrainingConfig, trained: Mapping[str, Any]) -> None:
    """Write the student of `checkpoint` to the folder `into` of the run and replace its content.

    Adapters are merged into the weights, or, if `lora.merge` is off, exported in peft's format. `training.json` is written last
    and marks the export as complete.
    """
    run = RunDir(location)
    with checkpoint.as_directory() as folder, tempfile.TemporaryDirectory() as scratch:
        source = Path(folder) / STUDENT
        if config.lora is not None and config.lora.merge:
            source = merge(source, Path(scratch), config)
        run.delete(into)
        run.put_folder(source, into)
    with tempfile.TemporaryDirectory() as scratch:
        _save_tokenizer(resolve(config.student).path, Path(scratch))
        for file in Path(scratch).iterdir():
            run.write_bytes(f"{into}/{file.name}", file.read_bytes())
    run.write_json(f"{into}/{TRAINED}", trained)
    write_model_card(run, into)


def merge(adapters: Path, folder: Path, config: TrainingConfig) -> Path:
    """Merge adapters into the weights and save them in `folder`. Uses float32: bfloat16 would round most of an adapter away."""
    import torch
    from peft import PeftModel
    from transformers import AutoConfig

    from pad_ray.training.students import auto_model

    weights = resolve(config.student).path
    model = auto_model(AutoConfig.from_pretrained(weights)).from_pretrained(weights, dtype=torch.float32)
    merged = PeftModel.from_pretrained(model, adapters).merge_and_unload()
    merged.to(getattr(torch, config.precision)).save_pretrained(folder)
    return folder


def _save_tokenizer(weights: Path, folder: Path) -> None:
    """Save the tokenizer and its chat template."""
    from transformers import AutoTokenizer

    AutoTokenizer.from_pretrained(weights).save_pretrained(folder)
