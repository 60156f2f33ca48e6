"""Shared fixtures: a local Ray, scripted answers to the generated word problems, and a tiny student."""

import json
import os
from itertools import islice
from pathlib import Path

# Set before Ray, transformers and vLLM are imported, for this process and those that tests start.
os.environ.update(HF_HUB_OFFLINE="1", RAY_AUTH_MODE="disabled", RAY_USAGE_STATS_ENABLED="0", TQDM_DISABLE="1")
# For the object store that tests start; Ray's workers inherit the environment that their driver had when it started.
os.environ.update(AWS_ACCESS_KEY_ID="test", AWS_SECRET_ACCESS_KEY="test", AWS_REGION="us-east-1")

import pytest

from pad_ray.tasks import arithmetic

TRAIN_QUESTIONS = 24
TEST_QUESTIONS = 16
WRONG = "def solution():\n    apples = 3\n    result = apples - 7000\n    return result\n"
CRASHES = "def solution():\n    result = apples * 2\n    return result\n"


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of the published data sets, from PAD_RAY_DATA."""
    named = os.environ.get("PAD_RAY_DATA", "")
    if not named or not Path(named).is_dir():
        pytest.skip("PAD_RAY_DATA does not name a folder of published data sets")
    return Path(named)


@pytest.fixture(scope="session")
def script(tmp_path_factory):
    """Completions for the first train questions (two correct, one wrong, one that crashes) and test questions (correct)."""
    completions = {"*": [WRONG]}
    for problem in islice(arithmetic.generate("train", 0), TRAIN_QUESTIONS):
        right = problem.reference_program
        completions[problem.question.text] = [right, f"{right}\n\nQuestion: next", WRONG, CRASHES]
    for problem in islice(arithmetic.generate("test", 0), TEST_QUESTIONS):
        completions[problem.question.text] = [problem.reference_program]
    path = tmp_path_factory.mktemp("script") / "completions.json"
    path.write_text(json.dumps(completions))
    return path


@pytest.fixture(scope="session")
def local_ray():
    """A Ray of this test process only, with room for an engine, a sandbox and two training workers."""
    import ray

    from pad_ray.run.workers import configure_pipelines

    ray.init(address="local", num_cpus=4, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    configure_pipelines()
    yield ray
    ray.shutdown()


def make_tiny_student(folder):
    """A two-layer Llama with random weights and a real student's tokenizer, in the Hugging Face layout."""
    import torch
    from transformers import AutoTokenizer, LlamaConfig, LlamaForCausalLM

    from pad_ray.models import resolve

    tokenizer = AutoTokenizer.from_pretrained(resolve("smollm2-135m").path)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=2,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        tie_word_embeddings=True,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_student(tmp_path_factory):
    """The tiny student of the tests."""
    return make_tiny_student(tmp_path_factory.mktemp("models") / "tiny-student")
