"""A sandbox on a host without bubblewrap: it runs and says what to install."""

import pytest

from pad_ray.errors import InputError
from pad_ray.recipe import Recipe
from pad_ray.sandbox import Sandbox, SandboxConfig
from pad_ray.sandbox.protections import NO_BUBBLEWRAP
from pad_ray.stages.resources import lacking


@pytest.fixture
def without_bubblewrap(monkeypatch):
    monkeypatch.setattr("pad_ray.sandbox.sandbox.find_bwrap", lambda: None)
    monkeypatch.setattr("pad_ray.stages.resources.find_bwrap", lambda: None)


@pytest.mark.usefixtures("without_bubblewrap")
def test_the_sandbox_runs_with_fewer_layers_and_says_what_to_install():
    with Sandbox(SandboxConfig()) as sandbox:
        assert sandbox.protections.launcher == "direct"
        assert sandbox.protections.missing == NO_BUBBLEWRAP
        assert [execution.value for execution in sandbox.run(["def solution():\n    return 7"])] == ["7"]


@pytest.mark.usefixtures("without_bubblewrap")
def test_the_sandbox_refuses_if_namespaces_are_required():
    with pytest.raises(InputError, match=r"grants '\w+', but 'namespaces' is required.*bubblewrap is not installed"):
        Sandbox(SandboxConfig(minimum="namespaces"))


@pytest.mark.usefixtures("without_bubblewrap")
def test_a_preview_says_that_bubblewrap_is_missing():
    assert NO_BUBBLEWRAP in lacking(Recipe(), {"CPU": 64.0})


def test_nothing_is_missing_if_bubblewrap_is_installed_or_disabled():
    with Sandbox(SandboxConfig(disabled_layers=("namespaces",))) as sandbox:
        assert sandbox.protections.missing == ""
    assert NO_BUBBLEWRAP not in lacking(Recipe(), {"CPU": 64.0})
