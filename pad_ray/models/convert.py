"""Convert one GGUF file to a Hugging Face folder: `python -m pad_ray.models.convert GGUF OUT`.

This runs in a separate process, because it needs several times the size of the model in memory and imports torch, and the
caller should keep neither. It restores what transformers' GGUF reader omits or changes, so that the folder behaves like the
original repository:

- tied embeddings, which quantizers store twice at two precisions, are tied again from the more precise copy;
- the digit splitting of SmolLM's tokenizer and the leading token of Gemma's are restored;
- the stop tokens of `generation_config.json` include the end of a turn and the end of a text.

Not restored: sampling defaults of the original `generation_config.json`, and the precision lost in quantization.
"""

import sys
from pathlib import Path
from typing import Any

import torch
from gguf import GGUFReader
from tokenizers import pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

STOP_TOKENS = ("<|im_end|>", "<|endoftext|>", "<eos>", "<end_of_turn>")
SAMPLE = "def f(x):\n    if x > 12345.67:\n\t\treturn x\n\n\n    # caf\u00e9,  two  spaces 'it's'\n    return -x\n"
SAME_MATRIX = 0.2
"""Two quantized copies of a matrix differ by a few percent of its norm, two different matrices by about 140 percent."""


def convert(gguf: Path, out: Path) -> None:
    """Write the dequantized bfloat16 weights, the tokenizer and the chat template of `gguf` to the folder `out`.

    Raises ValueError if the saved tokenizer does not reproduce a text.
    """
    model = AutoModelForCausalLM.from_pretrained(
        gguf.parent,
        gguf_file=gguf.name,
        dtype=torch.bfloat16,
        quantization_config=GgufConfig(dequantize=True),
    )
    tie_twin_embeddings(model)
    tokenizer = AutoTokenizer.from_pretrained(gguf.parent, gguf_file=gguf.name)
    restore_tokenizer(tokenizer, GGUFReader(gguf))
    tokenizer.model_max_length = model.config.max_position_embeddings
    model.generation_config.eos_token_id = stop_token_ids(tokenizer)
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    check_round_trip(out)


def tie_twin_embeddings(model: Any) -> None:
    """Tie input and output embeddings again if they are two quantizations of the same matrix."""
    first, last = model.get_input_embeddings().weight, model.get_output_embeddings().weight
    if first.data_ptr() == last.data_ptr() or first.shape != last.shape:
        return
    rows = slice(0, 4096)
    difference = (first[rows].float() - last[rows].float()).norm() / last[rows].float().norm()
    if difference > SAME_MATRIX:
        return
    # llama.cpp stores the output matrix with more bits than the input matrix, so the output's copy is kept.
    first.data.copy_(last.data)
    model.config.tie_word_embeddings = True
    model.all_tied_weights_keys = model.get_expanded_tied_weights_keys(all_submodels=True)
    model.tie_weights()


def restore_tokenizer(tokenizer: Any, reader: GGUFReader) -> None:
    """Apply the settings of the GGUF metadata that transformers does not read."""
    if _field(reader, "tokenizer.ggml.pre") == "smollm":
        # As in the original tokenizer.json: otherwise "\n\n1" and indented numbers are split differently than in training.
        backend = tokenizer.backend_tokenizer
        digits = pre_tokenizers.Digits(individual_digits=True)
        backend.pre_tokenizer = pre_tokenizers.Sequence([digits, backend.pre_tokenizer])
    if _field(reader, "tokenizer.ggml.add_bos_token"):
        tokenizer.add_bos_token = True
        tokenizer.update_post_processor()


def stop_token_ids(tokenizer: Any) -> list[int]:
    """The tokens that end a text, the tokenizer's own first."""
    vocabulary = tokenizer.get_vocab()
    others = [vocabulary[token] for token in STOP_TOKENS if token in vocabulary]
    return list(dict.fromkeys([int(tokenizer.eos_token_id), *others]))


def check_round_trip(folder: Path) -> None:
    """Raise ValueError unless the saved tokenizer preserves code, indentation and line breaks."""
    tokenizer = AutoTokenizer.from_pretrained(folder)
    text = tokenizer.decode(tokenizer(SAMPLE).input_ids, skip_special_tokens=True)
    if text != SAMPLE:
        raise ValueError(f"the converted tokenizer turns {SAMPLE!r} into {text!r}")


def _field(reader: GGUFReader, key: str) -> Any:
    field = reader.get_field(key)
    return None if field is None else field.contents()


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]))
