"""A sandbox for the tests of this folder, and interpreters for other users."""

import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from pad_ray.sandbox import Sandbox, SandboxConfig

ROOT = Path(__file__).resolve().parents[2]
ORDINARY_USER = 60001


@pytest.fixture(scope="session")
def sandbox():
    """The default sandbox of this host, with short limits."""
    with Sandbox(SandboxConfig(cpu_s=1, wall_s=5, memory_mib=128, output_bytes=1000)) as opened:
        yield opened


@pytest.fixture(scope="session")
def run_python():
    """Run a test module in a separate process: `run_python(module, *arguments, user=None)` -> its output."""

    def run(module, *arguments, user=None, prefix=()):
        interpreter = sys.executable if user is None else public_interpreter(user)
        environment = {"PYTHONPATH": os.pathsep.join([str(ROOT), sysconfig.get_path("purelib")])}
        return subprocess.run(
            [interpreter, *(("-m", "tests.sandbox.confine", interpreter) if prefix else ()), "-m", module, *arguments],
            cwd=ROOT, env=environment, user=user, group=user, extra_groups=None if user is None else [],
            capture_output=True, text=True, check=True, timeout=240,
        ).stdout  # fmt: skip

    return run


def public_interpreter(user):
    """An interpreter of this version that `user` may run; other users often have no access to root's pyenv."""
    version = "python{}.{}".format(*sys.version_info)
    for candidate in (sys._base_executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        try:
            subprocess.run([candidate, "-S", "-c", ""], user=user, group=user, extra_groups=[], check=True, cwd="/")
        except (OSError, subprocess.SubprocessError):
            continue
        return candidate
    pytest.skip(f"no {version} on this host that user {user} may run")
