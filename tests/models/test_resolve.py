"""Names of models are resolved to folders, or to an error that says what to do."""

import shutil
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

from pad_ray.errors import InputError
from pad_ray.models.catalog import CATALOG, model_names
from pad_ray.models.resolve import resolve

PARAGRAPH = "def solution():\n    total = 12 * 3\n\n    # two  spaces\n\treturn total\n"


def retrain(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    save_file({name: weight + 0.01 for name, weight in weights.items()}, folder / "model.safetensors", {"format": "pt"})


def test_a_local_folder_is_used_unchanged(local_model):
    model = resolve(str(local_model))
    assert model.path == local_model
    assert AutoModelForCausalLM.from_pretrained(model.path).config.vocab_size == 64


def test_the_revision_of_a_local_folder_depends_on_content_and_not_location(local_model, tmp_path):
    before = resolve(str(local_model)).revision
    copy = shutil.copytree(local_model, tmp_path / "elsewhere")
    assert resolve(str(copy)).revision == before
    retrain(copy)
    assert resolve(str(copy)).revision != before


def test_a_folder_without_config_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"has no config\.json"):
        resolve(str(tmp_path))


def test_a_truncated_local_weight_file_is_named(local_model):
    weights = local_model / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"corrupted weight file .*model\.safetensors"):
        resolve(str(local_model))


@pytest.mark.parametrize("name", ["no-such-model", "./no/such/folder"])
def test_an_unknown_name_lists_the_known_ones(name):
    with pytest.raises(InputError) as caught:
        resolve(name)
    assert all(known in str(caught.value) for known in [name, "hub id", *model_names()])


def test_the_error_for_an_unreachable_hub_id_gives_the_reason(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    with pytest.raises(InputError, match=r"nobody/nothing.*OfflineModeIsEnabled"):
        resolve("nobody/nothing")


def test_names_and_folders_in_the_catalog_are_unique():
    assert len({model.folder for model in CATALOG}) == len(set(model_names())) == len(CATALOG)


def test_smollm_tokenizes_code_and_splits_digits():
    model = resolve("smollm2-135m")
    tokenizer = AutoTokenizer.from_pretrained(model.path)
    assert tokenizer.decode(tokenizer(PARAGRAPH).input_ids) == PARAGRAPH
    assert tokenizer.tokenize("\n\n12")[0] == "\u010a\u010a"  # one token for both line breaks, as in training
    assert model.licence == "apache-2.0"


def test_smollm_ends_its_turn():
    path = resolve("smollm2-135m").path
    tokenizer = AutoTokenizer.from_pretrained(path)
    model = AutoModelForCausalLM.from_pretrained(path, dtype="bfloat16")
    messages = [{"role": "user", "content": "What is the capital of France? One word."}]
    prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, return_tensors="pt", return_dict=True)
    completion = model.generate(**prompt, max_new_tokens=40, do_sample=False)[0, prompt["input_ids"].shape[1] :]
    assert "Paris" in tokenizer.decode(completion)
    assert completion[-1] == tokenizer.eos_token_id
