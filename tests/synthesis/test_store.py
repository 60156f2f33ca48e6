"""Runs on an object store, and failing stores: the error is clear, and the same call continues."""

import os
import signal
import subprocess
import sys
import urllib.request

import psutil
import pytest

from pad_ray.errors import StageError
from pad_ray.schema import Draft
from tests.disks import fill, small_disk
from tests.servers import free_ports, wait_until_answers
from tests.synthesis.conftest import make_synthesis


@pytest.fixture(scope="module")
def object_store(tmp_path_factory):
    """A real S3 server on loopback; yields a function from run name to URI, and the server's process."""
    (port,) = free_ports(1)
    log = (tmp_path_factory.mktemp("s3") / "server.log").open("w")
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = psutil.Popen(command, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_answers(address, server, limit_s=60)
        urllib.request.urlopen(urllib.request.Request(f"{address}/runs", method="PUT"), timeout=10).close()
        yield lambda name: f"s3://runs/{name}?scheme=http&endpoint_override=127.0.0.1:{port}", server
    finally:
        server.kill()
        server.wait()


def test_a_run_on_an_object_store_completes_and_continues(local_ray, object_store, script):
    uri, _ = object_store
    stages = make_synthesis(uri("run"), script, samples=2)
    tally = stages.go()
    assert tally.made == 48
    ids = {draft.draft_id for draft in stages.run.read_records("drafts", Draft)}
    assert len(ids) == 48
    stages.run.filesystem.delete_file(stages.run.path(stages.run.parts("drafts")[0]))
    assert stages.go().made == 8
    assert {draft.draft_id for draft in stages.run.read_records("drafts", Draft)} == ids
    built = stages.corpus()
    assert built.verified.total() == built.planned
    assert stages.run.parts("corpus/train")


def test_a_stalled_store_is_a_clear_error_and_the_rerun_succeeds(local_ray, object_store, script):
    uri, server = object_store
    stages = make_synthesis(uri("stalled"), script, samples=1)
    server.send_signal(signal.SIGSTOP)
    try:
        with pytest.raises((StageError, OSError)) as raised:
            stages.go()
    finally:
        server.send_signal(signal.SIGCONT)
    assert "stalled/drafts" in str(raised.value)
    assert stages.go().made == 24


@pytest.mark.skipif(os.geteuid() != 0, reason="a small file system is mounted, which needs root")
def test_a_full_disk_is_a_clear_error_and_the_rerun_succeeds(local_ray, tmp_path, script):
    with small_disk(tmp_path, "256k") as disk:
        stages = make_synthesis(disk / "run", script, samples=2)
        filler = fill(disk, leave_bytes=20_000)
        with pytest.raises(StageError, match="No space left"):
            stages.go()
        assert not list(disk.rglob("*.partial"))
        filler.unlink()
        stages.go()
        assert len({draft.draft_id for draft in stages.run.read_records("drafts", Draft)}) == 48
