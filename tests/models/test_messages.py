"""Messages about models: the origin of the weights, once each, and what is missing to read them."""

import logging
import shutil

import pytest

from pad_ray.errors import InputError
from pad_ray.models import ResolvedModel, messages_to, resolve
from pad_ray.models.catalog import CATALOG
from pad_ray.models.resolve import origin
from pad_ray.models.store import fingerprint
from pad_ray.models.wheels import from_wheels


@pytest.mark.parametrize("known", CATALOG, ids=lambda known: known.name)
def test_the_origin_of_a_packaged_model_names_packages_revision_and_checksum(known, tmp_path):
    message = origin(ResolvedModel(tmp_path / known.folder, known.name, known.revision, known.licence))
    assert all(part in message for part in (known.wheels[0], known.wheels[-1], known.sha256, known.revision))
    assert "\n" not in message


@pytest.mark.parametrize("name", ["smollm2-135m", "nobody/something"])
def test_the_origin_of_a_hub_model_names_repository_commit_and_checksum(name, local_model, tmp_path):
    commit = "93efa2f097d58c2a74874c7e644dbc9b0cee75a2"
    snapshot = shutil.copytree(local_model, tmp_path / commit)
    message = origin(ResolvedModel(snapshot, name, commit, None))
    repository = "HuggingFaceTB/SmolLM2-135M-Instruct" if name == "smollm2-135m" else name
    assert all(part in message for part in ("the Hugging Face hub", repository, commit, fingerprint(snapshot)))


def test_a_local_folder_gives_no_message(local_model):
    messages = []
    with messages_to(messages.append):
        resolve(str(local_model))
    assert (origin(resolve(str(local_model))), messages) == ("", [])


def test_each_job_reports_the_origin_of_a_model_once():
    for _ in range(2):
        messages = []
        with messages_to(messages.append):
            resolve("smollm2-135m")
            resolve("smollm2-135m")
        assert [line.partition(" from ")[0] for line in messages] == ["smollm2-135m: weights"]


def test_after_a_job_logging_is_as_before():
    log = logging.getLogger("pad_ray.models")
    before = (log.level, log.propagate, list(log.handlers))
    with pytest.raises(InputError), messages_to(print):
        raise InputError("no good")
    assert (log.level, log.propagate, list(log.handlers)) == before


def test_without_the_gguf_package_the_error_says_what_to_install(tiny_known, tmp_path, monkeypatch):
    monkeypatch.setattr("pad_ray.models.wheels.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"tiny: .*pip install 'gguf.*extra `models`.*nobody/tiny.*local path"):
        from_wheels(tiny_known[0], tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.suffix != ".lock"] == []
