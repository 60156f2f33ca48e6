import pytest

from pad_ray.sandbox import Sandbox, SandboxConfig


@pytest.fixture(scope="session")
def sandbox():
    """A sandbox with short limits."""
    with Sandbox(SandboxConfig(cpu_s=0.3, wall_s=5, memory_mib=128)) as opened:
        yield opened
