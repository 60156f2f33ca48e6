"""The files of Ray's cluster launcher pass the launcher's own checks."""

import json
import re
import subprocess
from pathlib import Path

import jsonschema
import pytest
import ray.autoscaler
from ray.autoscaler._private.util import prepare_config, validate_config

from tests.cluster.conftest import CLUSTER, documents

FILES = sorted((CLUSTER / "launcher").glob("*.yaml"))
SCHEMA = json.loads((Path(ray.autoscaler.__file__).parent / "ray-schema.json").read_text())


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def config(request):
    (found,) = documents(request.param)
    return found


def test_the_launcher_accepts_the_file(config):
    jsonschema.validate(config, SCHEMA)
    validate_config(prepare_config(config))


def test_a_mistake_is_found(config):
    with pytest.raises(jsonschema.ValidationError, match="worker_count"):
        jsonschema.validate({**config, "worker_count": 3}, SCHEMA)


def test_the_head_runs_no_work_and_its_dashboard_stays_on_loopback(config):
    head = config["head_start_ray_commands"][-1]
    assert "--num-cpus=0 " in head
    assert "--dashboard-host=127.0.0.1" in head


def test_every_ray_requires_a_token_from_a_file_outside_the_config(config):
    starts = [config[f"{role}_start_ray_commands"][-1] for role in ("head", "worker")]
    assert all(command.startswith("RAY_AUTH_MODE=token ray start") for command in starts)
    assert config["file_mounts"] == {"/home/ray/.ray/auth_token": "~/.ray/auth_token"}


def test_containers_get_no_capability_and_keep_docker_s_profile(config):
    options = config["docker"]["run_options"]
    assert {"--cap-drop ALL", "--security-opt no-new-privileges"} <= set(options)
    assert not [
        option for option in options if "privileged" in option.split() or "cap-add" in option or "unconfined" in option
    ]


def test_containers_see_the_gpus_of_their_node(config):
    assert {"--env NVIDIA_VISIBLE_DEVICES=all", "--env NVIDIA_DRIVER_CAPABILITIES=compute,utility"} <= set(
        config["docker"]["run_options"]
    )


def test_a_login_shell_of_the_image_finds_ray():
    made = (CLUSTER / "containers" / "Containerfile").read_text()
    (words,) = re.findall(r'^RUN echo "(.*)" > /etc/profile.d/\w+.sh$', made, re.MULTILINE)
    shown = subprocess.run(
        ["sh", "-c", f"PATH=/bin; {words.replace(chr(92), '')}; echo $PATH"], capture_output=True, text=True
    )
    assert shown.stdout.startswith("/opt/venv/bin:/bin")
    assert "ENV PATH=/opt/venv/bin:$PATH" in made


@pytest.mark.parametrize("cloud", ["aws", "gcp"])
def test_engines_find_a_gpu_from_the_start(cloud):
    (config,) = documents(CLUSTER / "launcher" / f"{cloud}.yaml")
    types = config["available_node_types"]
    assert types["head"]["resources"] == {"CPU": 0}
    assert types["sandboxes"]["resources"].get("GPU", 0) == 0
    assert types["sandboxes"]["docker"]["worker_image"].endswith("pad-ray:cpu")
    assert types["teacher"]["min_workers"] >= 1
    assert config["max_workers"] >= sum(kind.get("max_workers", 0) for kind in types.values())
