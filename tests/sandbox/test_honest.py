"""Typical programs of models: all are accepted, by two builds of Python if this host has them."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from pad_ray.sandbox import Candidate, Sandbox, SandboxConfig, judge
from pad_ray.sandbox.launcher import base_interpreter
from pad_ray.schema import AnswerKind, Outcome

HONEST = yaml.safe_load((Path(__file__).parent / "honest.yaml").read_text())
VERSION = "python{}.{}".format(*sys.version_info)
BUILDS = [base_interpreter(), *(f"{folder}/{VERSION}" for folder in ("/usr/bin", "/usr/local/bin"))]


def build_of(interpreter):
    """The identity of a build: its version and its compiler."""
    return subprocess.check_output([interpreter, "-c", "import sys; print(sys.version)"], text=True)


@pytest.fixture(scope="module", params=BUILDS)
def opened(request):
    if not Path(request.param).exists() or (
        request.param != BUILDS[0] and build_of(request.param) == build_of(BUILDS[0])
    ):
        pytest.skip(f"{request.param} is not a different build of {VERSION}")
    with Sandbox(SandboxConfig(interpreter=request.param, cpu_s=10, wall_s=60)) as sandbox:
        yield sandbox


@pytest.mark.parametrize("group", HONEST)
def test_all_are_accepted(opened, group):
    rows = HONEST[group]
    programs = [Candidate(str(n), row["program"], None, AnswerKind.NUMBER, None) for n, row in enumerate(rows)]
    seen = {row["program"]: verdict for row, verdict in zip(rows, judge(opened, programs), strict=True)}
    expected = {row["program"]: (Outcome.ACCEPTED, row["value"]) for row in rows}
    assert {
        text: (verdict.outcome, verdict.value, verdict.feedback)
        for text, verdict in seen.items()
        if (verdict.outcome, verdict.value) != expected[text]
    } == {}


def test_a_child_imports_pure_python_modules_and_its_changes_stay_in_the_child(opened):
    change = "import sympy.stats\ndef solution():\n    sympy.stats.E = None\n    return 1"
    look = "from sympy.stats import Die, E\ndef solution():\n    return E(Die('D', 6))"
    assert [run.value for run in opened.run([change, look])] == ["1", "7/2"]


WRITE = """
import ctypes, sympy

def solution():
    import sys
    shelf = sys.meta_path[0]
    place = shelf._address + shelf._places["sympy.stats"][0]
    libc = ctypes.CDLL(None)
    libc.mprotect(ctypes.c_void_p(place & ~4095), ctypes.c_size_t(8192), 3)
    ctypes.memset(place, 0, 100)
    return "written"
"""


def test_a_program_cannot_change_the_stored_code_for_the_next_program():
    look = "import ctypes\nfrom sympy.stats import Die, E\ndef solution():\n    return E(Die('D', 6))"
    with Sandbox(SandboxConfig(allowed_imports=("ctypes", "sympy"))) as sandbox:
        assert [run.value for run in sandbox.run([WRITE, look])] == ["written", "7/2"]


@pytest.mark.parametrize(
    ("module", "expression"), [("yaml", "yaml.safe_load('a: 3')['a']"), ("mpmath", "int(mpmath.mpf(3))")]
)
def test_an_additional_allowed_module_is_imported(module, expression):
    with Sandbox(SandboxConfig(allowed_imports=("math", module))) as sandbox:
        (run,) = sandbox.run([f"import {module}\ndef solution():\n    return {expression}"])
    assert run.value == "3", run.feedback


@pytest.mark.parametrize(
    "program",
    [
        "def total(x: List[int]):\n    return 3\ndef solution():\n    return total([3])",
        "def solution(x: Missing = 3):\n    return x",
        "def solution() -> Optional[int]:\n    return 3",
        "class A:\n    x: Dict[str, int] = 3\ndef solution():\n    return A.x",
    ],
)
def test_undefined_names_in_annotations_are_errors(opened, program):
    assert opened.run([program])[0].outcome is Outcome.NAME_ERROR


PAIRS = """
class Person: pass

def solution():
    for _ in range(300000):
        one, other = Person(), Person()
        one.friend, other.friend = other, one
    return 3
"""


def test_garbage_is_collected(opened):
    assert opened.run([PAIRS])[0].value == "3"
