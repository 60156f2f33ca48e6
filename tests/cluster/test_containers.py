"""The container file passes its linter and copies only files that exist."""

import re
import subprocess

from tests.cluster.conftest import CLUSTER, REPOSITORY, tool

CONTAINERFILE = CLUSTER / "containers" / "Containerfile"


def test_hadolint_finds_nothing():
    linted = subprocess.run([tool("hadolint"), CONTAINERFILE], capture_output=True, text=True, check=False)
    assert (linted.returncode, linted.stdout) == (0, "")


def test_copied_files_exist_and_are_not_ignored():
    allowed = re.findall("^!(.+)$", (CLUSTER / "containers" / "Containerfile.dockerignore").read_text(), re.MULTILINE)
    for sources in re.findall(r"^COPY (.+) \S+$", CONTAINERFILE.read_text(), re.MULTILINE):
        for lock in ("cpu", "gpu"):
            for source in sources.replace("${LOCK}", lock).split():
                assert (REPOSITORY / source).exists()
                assert any(source == name or source.startswith(f"{name}/") for name in allowed)


def test_it_runs_as_a_user_and_requires_a_token():
    last = re.findall(r"^USER (\S+)$", CONTAINERFILE.read_text(), re.MULTILINE)[-1]
    assert int(last) > 0
    assert "RAY_AUTH_MODE=token" in CONTAINERFILE.read_text()
