"""The KubeRay files are valid, confined, free of secrets, and refer to things that exist."""

import copy

import kubernetes_validate
import pytest
import yaml
from jsonschema import Draft202012Validator, ValidationError
from kubernetes_validate.utils import schema_contents
from ray._private import ray_constants
from referencing import Registry, Resource

from tests.cluster.conftest import CLUSTER, REPOSITORY, check_job, documents, job_words, nodes, of_kind

KUBERNETES = "1.37"
FILES = sorted((CLUSTER / "kuberay").glob("*.yaml"))
RAY_CLUSTER = of_kind(CLUSTER / "kuberay" / "raycluster.yaml", "RayCluster")
RAY_JOB = of_kind(CLUSTER / "kuberay" / "rayjob.yaml", "RayJob")
CLUSTERS = {"raycluster": RAY_CLUSTER["spec"], "rayjob": RAY_JOB["spec"]["rayClusterSpec"]}
EVERYTHING = [document for path in FILES for document in documents(path)]


@pytest.fixture(scope="module")
def kuberay():
    """Validates a RayCluster or RayJob like the CRDs and the operator, and its pods against Kubernetes' schemas."""
    definitions = schema_contents(f"kubernetes-json-schema/v{KUBERNETES}.0-local-strict/_definitions.json", KUBERNETES)
    schema = yaml.safe_load((REPOSITORY / "tests" / "cluster" / "kuberay.schema.yaml").read_text())
    return Draft202012Validator(schema, registry=Resource.from_contents(definitions) @ Registry()).validate


@pytest.fixture
def validate(kuberay):
    return lambda found: (
        kuberay(found)
        if found["apiVersion"].startswith("ray.io/")
        else kubernetes_validate.validate(found, KUBERNETES, strict=True)
    )


@pytest.mark.parametrize("document", EVERYTHING, ids=lambda found: f"{found['kind']}-{found['metadata']['name']}")
def test_kubernetes_and_kuberay_accept_the_document(validate, document):
    validate(document)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda spec: spec.update(headGroup={}),
        lambda spec: spec["workerGroupSpecs"][0].pop("maxReplicas"),
        lambda spec: spec["authOptions"].update(mode="none"),
        lambda spec: spec.pop("rayVersion"),
        lambda spec: spec["headGroupSpec"]["rayStartParams"].update({"num-cpus": 0}),
        lambda spec: spec["headGroupSpec"]["template"]["spec"]["containers"][0].update(imagePull="Always"),
        lambda spec: spec["workerGroupSpecs"][1]["template"]["spec"]["containers"][0].update(ports=[{"name": "x"}]),
        lambda spec: spec["workerGroupSpecs"][1]["template"]["spec"].update(restartPolicy="Always"),
    ],
)
def test_a_mistake_in_a_cluster_is_found(kuberay, spoil):
    check_refused(kuberay, RAY_CLUSTER, spoil)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda spec: spec.update(shutdownAfterJobFinishes=False),
        lambda spec: spec.update(submissionMode="SidecarMode"),
        lambda spec: spec.update(submissionMode="K8sJob"),
        lambda spec: spec.update(clusterSelector={"ray.io/cluster": "pad-ray"}),
        lambda spec: spec.pop("rayClusterSpec"),
    ],
)
def test_a_mistake_in_a_job_is_found(kuberay, spoil):
    check_refused(kuberay, RAY_JOB, spoil)


def check_refused(kuberay, document, spoil):
    spoilt = copy.deepcopy(document)
    spoil(spoilt["spec"])
    with pytest.raises(ValidationError):
        kuberay(spoilt)


def test_the_job_cluster_has_the_same_nodes_as_the_permanent_cluster():
    lasting = {**CLUSTERS["raycluster"]}
    assert lasting.pop("gcsFaultToleranceOptions")
    assert lasting == CLUSTERS["rayjob"]


@pytest.mark.parametrize("spec", CLUSTERS.values(), ids=CLUSTERS)
def test_the_head_runs_no_work_and_every_process_requires_a_token(spec):
    assert spec["headGroupSpec"]["rayStartParams"]["num-cpus"] == "0"
    assert spec["headGroupSpec"]["serviceType"] == "ClusterIP"
    assert spec["authOptions"] == {"mode": "token"}


def test_sandboxes_get_no_gpu_and_engines_find_one_from_the_start():
    groups = {group["groupName"]: group for group in CLUSTERS["rayjob"]["workerGroupSpecs"]}
    gpus = {
        name: int(group["template"]["spec"]["containers"][0]["resources"]["limits"].get("nvidia.com/gpu", 0))
        for name, group in groups.items()
    }
    assert gpus == {"sandboxes": 0, "teacher": 8, "student": 1}
    assert groups["teacher"]["minReplicas"] >= 1
    assert all(group["minReplicas"] <= group["replicas"] < group["maxReplicas"] for group in groups.values())


PODS = [
    node["spec"]
    for document in EVERYTHING
    for node in nodes(document)
    if isinstance(node.get("spec"), dict) and "containers" in node["spec"]
]


@pytest.mark.parametrize("pod", PODS, ids=lambda pod: pod["containers"][0]["name"])
def test_no_pod_requests_more_than_the_restricted_standard_allows(pod):
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert all(set(volume) - {"name"} <= {"persistentVolumeClaim", "emptyDir"} for volume in pod.get("volumes", []))
    for container in pod["containers"]:
        asked = container["securityContext"]
        assert (asked["allowPrivilegeEscalation"], asked["capabilities"]) == (False, {"drop": ["ALL"]})
        assert not asked.get("privileged")


def gibibytes(quantity):
    return int(quantity.removesuffix("Gi")) << 30


@pytest.mark.parametrize("spec", CLUSTERS.values(), ids=CLUSTERS)
def test_the_object_store_of_every_ray_pod_fits_into_its_shared_memory(spec):
    for group in (spec["headGroupSpec"], *spec["workerGroupSpecs"]):
        pod = group["template"]["spec"]
        (memory,) = [volume["emptyDir"] for volume in pod["volumes"] if volume["name"] == "memory"]
        assert memory["medium"] == "Memory"
        shared, limit = (
            gibibytes(one) for one in (memory["sizeLimit"], pod["containers"][0]["resources"]["limits"]["memory"])
        )
        # Ray's default size; if /dev/shm is smaller, Ray uses the disk.
        store = min(
            ray_constants.DEFAULT_OBJECT_STORE_MEMORY_PROPORTION * limit,
            max(ray_constants.REQUIRE_SHM_SIZE_THRESHOLD, 0.95 * shared),
        )
        assert store < min(shared, limit)


def test_only_the_head_speaks_to_the_kubernetes_server():
    silent = {pod["containers"][0]["name"] for pod in PODS if pod.get("automountServiceAccountToken") is False}
    assert silent == {"redis", "submitter", "ray-worker"}


def test_the_sidecar_of_the_autoscaler_is_confined_too():
    for spec in CLUSTERS.values():
        assert spec["autoscalerOptions"]["securityContext"]["capabilities"] == {"drop": ["ALL"]}


def test_the_job_exists_in_the_repository():
    recipe = check_job(job_words(RAY_JOB["spec"]["entrypoint"]))
    assert recipe.run_dir.startswith("/shared/")
    assert recipe.teacher.actors is not None
    assert recipe.synthesis.verifiers is not None


def test_references_between_files_resolve():
    claims = {found["metadata"]["name"] for found in EVERYTHING if found["kind"] == "PersistentVolumeClaim"}
    used = {node["persistentVolumeClaim"]["claimName"] for node in nodes(EVERYTHING) if "persistentVolumeClaim" in node}
    assert used == claims
    images = {node["image"] for node in nodes(EVERYTHING) if "image" in node}
    assert images == {"pad-ray:cpu", "pad-ray:gpu", "valkey/valkey:8.1"}
    readme = (CLUSTER / "README.md").read_text()
    secrets = {node["secretKeyRef"]["name"] for node in nodes(EVERYTHING) if "secretKeyRef" in node}
    assert all(f"create secret generic {name} " in readme for name in secrets)
    assert all(name in [s["metadata"]["name"] for s in EVERYTHING] for name in ("pad-ray-redis", "pad-ray"))


def test_no_file_holds_a_secret():
    assert not [found for found in EVERYTHING if found["kind"] == "Secret"]
    variables = [node for node in nodes(EVERYTHING) if "value" in node and "name" in node]
    assert {node["name"] for node in variables} == {"PAD_RAY_CACHE", "HF_HOME"}


def test_ray_pods_accept_only_the_traffic_of_the_policy():
    policy = next(found for found in EVERYTHING if found["metadata"]["name"] == "pad-ray-nodes")["spec"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    inside, outside = policy["ingress"][0], policy["ingress"][1:]
    assert "ports" not in inside
    assert all({entry["port"] for entry in rule["ports"]} <= {8265, 52365, 8080} for rule in outside)
    blocks = [peer["ipBlock"] for rule in policy["egress"] for peer in rule["to"] if "ipBlock" in peer]
    assert all("169.254.0.0/16" in block["except"] for block in blocks)
