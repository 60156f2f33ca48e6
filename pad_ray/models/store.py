"""The cache folder of converted models, and their checksums."""

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import platformdirs
import xxhash
from safetensors import SafetensorError, safe_open

from pad_ray.errors import InputError

MANIFEST = "MANIFEST.json"
SAMPLED_ABOVE_BYTES = 64 * 2**20
SAMPLE_COUNT = 64
SAMPLE_BYTES = 2**20
MODEL_FILES = ("*.json", "*.jinja", "*.model", "*.txt", "*.safetensors", "*.bin")


def default_cache_dir() -> Path:
    """`models` in `PAD_RAY_CACHE`, or in the user's cache directory if that is not set."""
    base = os.environ.get("PAD_RAY_CACHE") or platformdirs.user_cache_dir("pad_ray")
    return Path(base).expanduser() / "models"


def write_manifest(folder: Path, facts: dict[str, Any]) -> None:
    """Record size and checksum of every file of `folder` in its `MANIFEST.json`, together with `facts`."""
    files = {
        path.name: {"size_bytes": path.stat().st_size, "xxh3_128": _checksum(path)}
        for path in sorted(folder.iterdir())
        if path.is_file()
    }
    (folder / MANIFEST).write_text(json.dumps({**facts, "files": files}, indent=2) + "\n", encoding="utf-8")


def verify(folder: Path) -> None:
    """Compare every byte of a converted model with the checksums recorded after the conversion.

    This takes about 0.2 s per GB if the files are in the page cache, where loading the model puts them anyway.

    Raises InputError with the first file that is missing, truncated or changed.
    """
    for name, recorded in _recorded_files(folder).items():
        path = folder / name
        if not path.is_file():
            raise _damaged(path, "it is missing")
        if path.stat().st_size != recorded["size_bytes"]:
            raise _damaged(path, f"it has {path.stat().st_size} bytes, {recorded['size_bytes']} were written")
        actual = _checksum(path)
        if actual != recorded["xxh3_128"]:
            raise _damaged(path, f"its xxh3_128 is {actual}, {recorded['xxh3_128']} was written")


def check_headers(folder: Path) -> None:
    """Raise InputError with the first safetensors file of `folder` that is truncated or invalid. Reads only headers."""
    for path in sorted(folder.glob("*.safetensors")):
        try:
            with safe_open(path, framework="numpy"):
                pass
        except (SafetensorError, OSError) as error:
            raise InputError(f"corrupted weight file {path}: {error}. Copy or save the model again.") from error


def fingerprint(folder: Path) -> str:
    """A content hash of a local model folder, independent of its location.

    Covers names and sizes of the model's files, and their bytes: all bytes of a file up to 64 MiB; of a larger one 64 blocks
    of 1 MiB, evenly spread from its first to its last byte. Training changes every block, so a retrained student always gets
    a new fingerprint. Not covered: an edit of a few bytes between the blocks of a large file.
    """
    digest = xxhash.xxh3_128()
    paths = {path for pattern in MODEL_FILES for path in folder.glob(pattern) if path.is_file()}
    for path in sorted(paths):
        digest.update(f"{path.name}\0{path.stat().st_size}\0".encode())
        _update_from(digest, path)
    return digest.hexdigest()


def _update_from(digest: xxhash.xxh3_128, path: Path) -> None:
    size = path.stat().st_size
    with path.open("rb") as file:
        if size <= SAMPLED_ABOVE_BYTES:
            digest.update(file.read())
            return
        for index in range(SAMPLE_COUNT):
            file.seek((size - SAMPLE_BYTES) * index // (SAMPLE_COUNT - 1))
            digest.update(file.read(SAMPLE_BYTES))


def _recorded_files(folder: Path) -> dict[str, dict[str, Any]]:
    path = folder / MANIFEST
    try:
        files: dict[str, dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["files"]
    except (OSError, ValueError, KeyError) as error:
        raise _damaged(path, f"it cannot be read ({error})") from error
    return files


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, xxhash.xxh3_128).hexdigest()


def _damaged(path: Path, reason: str) -> InputError:
    return InputError(f"corrupted weight file {path}: {reason}. Delete the folder {path.parent} and run again.")
