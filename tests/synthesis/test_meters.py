"""The counts of workers appear in the Prometheus metrics of their node."""

import re
import time
import urllib.request

from pad_ray.run.meters import METERS
from tests.synthesis.conftest import QUESTIONS

REPORTED_WITHIN_S = 60


def samples(node):
    """The project's metrics on a node's port: their names, and the values of each tag."""
    with urllib.request.urlopen(f"http://{node['NodeManagerAddress']}:{node['MetricsExportPort']}/metrics") as answer:
        lines = [line for line in answer.read().decode().splitlines() if line.startswith("ray_pad_ray_")]
    names = {re.split(r"[{ ]", line)[0] for line in lines}
    return names, {
        tag: set(re.findall(rf'\b{tag}="(\w+)"', "\n".join(lines))) for meter in METERS for tag in meter.tags
    }


def test_a_pipeline_exports_every_meter_on_its_node(local_ray, synthesis):
    tally = synthesis(questions=QUESTIONS[:4], samples=3).go()
    (node,) = local_ray.nodes()
    deadline = time.monotonic() + REPORTED_WITHIN_S
    while samples(node)[0] != {meter.exported for meter in METERS}:
        assert time.monotonic() < deadline, f"only {samples(node)[0]}"
        time.sleep(0.5)
    tags = samples(node)[1]
    assert set(tally.outcomes) <= tags["outcome"]
    assert "program" in tags["path"]
    assert {"prompt", "completion"} == tags["kind"]
    assert "synthesis" in tags["stage"]
