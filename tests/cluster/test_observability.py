"""The Grafana dashboard and the Prometheus file use the metrics of the code and the ports of the nodes."""

import json
import re

from pad_ray.run.meters import METERS
from tests.cluster.conftest import CLUSTER, documents, nodes
from tests.cluster.test_kuberay import CLUSTERS

BOARD = json.loads((CLUSTER / "observability" / "grafana.json").read_text())
(PROMETHEUS,) = documents(CLUSTER / "observability" / "prometheus.yaml")


def test_the_dashboard_shows_every_metric_and_no_other():
    shown = set(re.findall(r"\b(ray_\w+)", json.dumps(BOARD)))
    assert shown == {meter.exported for meter in METERS}


def test_the_dashboard_groups_by_tags_that_the_metrics_have():
    tags = {meter.exported: {*meter.tags, "instance"} for meter in METERS}
    for panel in BOARD["panels"]:
        for target in panel["targets"]:
            (name, *_) = re.findall(r"\b(ray_\w+)", target["expr"])
            assert set(re.findall(r"by \((\w+)\)", target["expr"])) <= tags[name]


def test_prometheus_scrapes_the_port_that_pods_serve():
    served = {
        port["containerPort"] for node in nodes(CLUSTERS) for port in node.get("ports", []) if port["name"] == "metrics"
    }
    asked = {node["metrics-export-port"] for node in nodes(CLUSTERS) if "metrics-export-port" in node}
    assert {str(port) for port in served} == asked
    pods = next(job for job in PROMETHEUS["scrape_configs"] if job["job_name"] == "pad-ray-pods")
    assert pods["relabel_configs"][0]["regex"].endswith(";metrics")
