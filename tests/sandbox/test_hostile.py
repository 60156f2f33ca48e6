"""The hostile suite: every program in every configuration that this host supports, each between honest neighbours."""

import json
import os
from functools import cache

import pytest
from filelock import FileLock

from tests.sandbox.conftest import ORDINARY_USER
from tests.sandbox.hostile import ALL

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
CONFIGURATIONS = {
    "as it is": {"user": None, "prefix": ()},
    "ordinary user": {"user": ORDINARY_USER, "prefix": ()},
    "container": {"user": None, "prefix": ("confine",)},
    "ordinary user in a container": {"user": ORDINARY_USER, "prefix": ("confine",)},
}
PARAMETERS = {
    name: pytest.param(name, marks=needs_root if configuration["user"] else ())
    for name, configuration in CONFIGURATIONS.items()
}
# The attacks that only one layer stops: they succeed if it is off and all others are on. Empty sets show that the layers
# overlap: another layer stops the same attacks.
STOPPED_ALONE = {
    "namespaces": set(),
    "uid": set(),
    "undumpable": set(),
    "landlock": set(),
    "rlimits": {"mapping"},
    "seccomp_zygote": set(),
    "seccomp_child": {
        "parent",
        "first process",
        "limits of the parent",
        "read the parent's limits",
        "own parent-death signal",
        "clock of the parent",
        "clock of a thread of the parent",
        "clock of the first process",
        "resolution of the parent's clock",
        "sleep by the parent's clock",
        "cores of the parent",
        "cores of the first process",
        "number of processes",
    },
}
UNTIMED = ("files", "processes", "signals", "network", "privileges", "system calls", "integrity")


@pytest.fixture(scope="session")
def report_of(run_python, tmp_path_factory, testrun_uid):
    """The report of a configuration by name; the suite runs once, even if several processes share the tests."""
    folder = tmp_path_factory.getbasetemp().parent

    @cache
    def report(name):
        path = folder / f"hostile-{testrun_uid}-{name}.json"
        with FileLock(f"{path}.lock"):
            if not path.exists():
                path.write_text(run_python("tests.sandbox.run_hostile", "{}", **CONFIGURATIONS[name]))
            return json.loads(path.read_text())

    return report


@pytest.fixture(scope="session", params=PARAMETERS.values())
def report(request, report_of):
    return report_of(request.param)


@pytest.mark.parametrize("hostile", ALL, ids=lambda hostile: f"{hostile.group}: {hostile.name}")
def test_an_attack_fails(report, hostile):
    assert report["results"][hostile.name] in hostile.expected, report["feedback"][hostile.name]


def test_neighbours_are_untouched(report):
    assert report["wrong_neighbours"] == []


def test_nothing_outlives_the_sandbox(report):
    assert report["survivors"] == 0


def test_no_file_is_left_or_changed(report):
    assert report["files"] == []


def test_feedback_is_short_and_contains_no_host_path(report):
    for feedback in report["feedback"].values():
        assert len(feedback) <= 200
        assert "/usr" not in feedback and "/lib/python" not in feedback and "0x7f" not in feedback


@pytest.mark.parametrize("name", [PARAMETERS["container"], PARAMETERS["ordinary user in a container"]])
def test_a_container_without_namespaces_still_has_both_filters(report_of, name):
    protections = report_of(name)["protections"]
    assert protections["launcher"] == "direct" and protections["seccomp_child"]
    assert protections["selftest"] == "3/3 blocked"
    assert any("bubblewrap" in note for note in protections["notes"])
    assert protections["uid"] == (CONFIGURATIONS[name]["user"] or os.geteuid())


@needs_root
def test_an_ordinary_user_has_namespaces_if_the_host_grants_them(report_of):
    protections = report_of("ordinary user")["protections"]
    assert protections["uid"] == ORDINARY_USER
    assert protections["launcher"] == "bubblewrap" or any("bubblewrap" in note for note in protections["notes"])


@pytest.mark.parametrize("layer", STOPPED_ALONE)
def test_the_attacks_that_only_one_layer_stops(run_python, layer):
    groups = (*UNTIMED, "memory") if layer == "rlimits" else UNTIMED
    config = {"disabled_layers": [layer], "minimum": "none"}
    report = json.loads(run_python("tests.sandbox.run_hostile", json.dumps(config), *groups))
    escaped = {name for name, seen in report["results"].items() if seen.startswith("escaped")}
    if os.geteuid() == 0 and report["protections"]["launcher"] == "bubblewrap":
        assert escaped == STOPPED_ALONE[layer]
    assert report["wrong_neighbours"] == [] and report["survivors"] == 0


@needs_root
def test_without_both_filters_the_suite_finds_many_escapes(run_python):
    """The suite detects escapes: most attacks succeed without the filters. Needs namespaces, so that no objects remain."""
    config = {"disabled_layers": ["seccomp_zygote", "seccomp_child"], "minimum": "none"}
    report = json.loads(run_python("tests.sandbox.run_hostile", json.dumps(config), *UNTIMED))
    if report["protections"]["launcher"] != "bubblewrap":
        pytest.skip("IPC objects would remain on a host without namespaces")
    assert sum(seen.startswith("escaped") for seen in report["results"].values()) >= 50
    assert report["wrong_neighbours"] == [] and report["survivors"] == 0 and report["files"] == []
