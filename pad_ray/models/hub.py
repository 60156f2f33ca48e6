"""Models from the Hugging Face hub, or from earlier downloads on this machine."""

import json
import logging
from pathlib import Path

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import httpx  # type: ignore[attr-defined]  # in its __all__, which is computed

log = logging.getLogger("pad_ray.models")

TIMEOUT_S = 5.0
FILES = ["*.json", "*.safetensors", "*.model", "*.txt", "*.jinja"]
"""Only safetensors: loading pickled weights runs code."""


class HubUnavailableError(Exception):
    """The hub or the repository cannot be reached, or has no complete model; the message says which."""


def hub_snapshot(hub_id: str) -> Path:
    """The folder of the model's current snapshot, named by its commit.

    If the hub does not answer within seconds, or if `HF_HUB_OFFLINE` is set, an earlier download is used.

    Raises HubUnavailableError.
    """
    try:
        # snapshot_download requests the commit without a time limit, so an unresponsive proxy would block it forever.
        commit = HfApi().model_info(hub_id, timeout=TIMEOUT_S).sha
        return _snapshot(hub_id, commit, local_only=False)
    except (OSError, httpx.HTTPError, HFValidationError) as error:
        reason = _one_line(error)
    folder = local_snapshot(hub_id)
    if folder is None:
        raise HubUnavailableError(reason)
    log.info("%s: using the earlier download %s (%s)", hub_id, folder.name, reason)
    return folder


def local_snapshot(hub_id: str) -> Path | None:
    """The folder of an earlier complete download on this machine, or None; uses no network."""
    try:
        return _snapshot(hub_id, None, local_only=True)
    except (OSError, HFValidationError, HubUnavailableError):
        return None


def missing_file(folder: Path) -> str | None:
    """The first file that `folder` lacks as a model in the Hugging Face layout, or None."""
    if not (folder / "config.json").is_file():
        return "config.json"
    index = folder / "model.safetensors.index.json"
    if not index.is_file():
        return None if any(folder.glob("*.safetensors")) or any(folder.glob("*.bin")) else "*.safetensors"
    try:
        shards = set(json.loads(index.read_text(encoding="utf-8"))["weight_map"].values())
    except (ValueError, KeyError):
        return f"readable {index.name}"
    return next((shard for shard in sorted(shards) if not (folder / shard).is_file()), None)


def _snapshot(hub_id: str, commit: str | None, *, local_only: bool) -> Path:
    path = snapshot_download(
        hub_id,
        revision=commit,
        allow_patterns=FILES,
        ignore_patterns=["*/*"],
        etag_timeout=TIMEOUT_S,
        local_files_only=local_only,
    )
    if missing := missing_file(Path(path)):
        raise HubUnavailableError(f"{hub_id} has no {missing}")
    return Path(path)


def _one_line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
