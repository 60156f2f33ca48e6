"""Private names of libraries: each is used in one file only, and exists in the installed version."""

import ast
import inspect
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest

import pad_ray
from tests.jobs.conftest import REPOSITORY

LIBRARY = Path(pad_ray.__file__).parent
FILES = {
    "ray": "pad_ray/run/ray_internals.py",
    "deepspeed": "pad_ray/training/deepspeed_internals.py",
    "transformers": "pad_ray/training/transformers_internals.py",
}
POOLS = "ray.data._internal.execution.operators.actor_pool_map_operator"
# Package, module, class or "", name. Attributes that only instances have are searched in the source of the class.
NAMES = [
    ("ray", "ray.data._internal.execution.execution_callback", "", "ExecutionCallback"),
    ("ray", "ray.data._internal.execution.execution_callback", "ExecutionCallback", "on_execution_step"),
    ("ray", "ray.data._internal.execution.execution_callback", "ExecutionCallback", "after_execution_succeeds"),
    ("ray", "ray.data._internal.execution.execution_callback", "ExecutionCallback", "after_execution_fails"),
    ("ray", "ray.data._internal.execution.streaming_executor", "StreamingExecutor", "self._topology"),
    ("ray", POOLS, "ActorPoolMapOperator", "self._actor_pool"),
    ("ray", POOLS, "ActorPoolMapOperator", "get_actor_info"),
    ("ray", POOLS, "_ActorPool", "self._pending_actors"),
    ("ray", POOLS, "_ActorPool", "self._running_actors"),
    ("ray", "ray.data._internal.execution.interfaces.op_runtime_metrics", "OpRuntimeMetrics", "num_tasks_finished"),
    ("ray", "ray.data.context", "DataContext", "custom_execution_callback_classes"),
    ("ray", "ray.actor", "", "__ray_terminate__"),
    ("ray", "ray.tune.execution.class_cache", "", "ENV_VARS_TO_PROPAGATE"),
    ("deepspeed", "deepspeed.ops", "", "__compatible_ops__"),
    ("deepspeed", "deepspeed.runtime.engine", "DeepSpeedEngine", "_zero3_consolidated_16bit_state_dict"),
    ("transformers", "transformers", "AutoModelForCausalLM", "_model_mapping"),
    ("transformers", "transformers", "AutoModelForSeq2SeqLM", "_model_mapping"),
    ("transformers", "transformers", "PreTrainedModel", "_supports_attention_backend"),
    ("transformers", "transformers", "PreTrainedModel", "_is_stateful"),
    ("transformers", "transformers", "PreTrainedModel", "_tied_weights_keys"),
]


def holds(module, owner, name):
    """Whether a module, or a class in it, has a name: as an attribute, as a field, or as a word of its source."""
    place = getattr(import_module(module), owner, None) if owner else import_module(module)
    return place is not None and (hasattr(place, name) or name in inspect.getsource(place))


@pytest.mark.parametrize(("package", "module", "owner", "name"), NAMES, ids=[f"{n[0]}-{n[2]}-{n[3]}" for n in NAMES])
def test_a_private_name_exists(package, module, owner, name):
    where = ".".join(filter(None, (module, owner)))
    try:
        there = holds(module, owner, name)
    except ImportError:
        there = False
    assert there, f"{package} {version(package)} has no {name} in {where}: {FILES[package]} needs another way"


@pytest.mark.parametrize(
    ("module", "owner", "name"),
    [("ray.no_such", "", "x"), ("ray.actor", "NoSuch", "x"), (POOLS, "_ActorPool", "self._no_such_actors")],
)
def test_a_removed_name_is_reported(module, owner, name):
    with pytest.raises((AssertionError, pytest.fail.Exception), match=r"^ray \d+\.\d+.* has no .*ray_internals"):
        test_a_private_name_exists("ray", module, owner, name)


def own_names():
    """Names with an underscore that this library defines itself."""
    trees = [ast.parse(path.read_text()) for path in LIBRARY.rglob("*.py")]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    defined = {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)}
    return defined | {n.attr for n in nodes if isinstance(n, ast.Attribute) and isinstance(n.ctx, ast.Store)}


def private_uses(tree, own):
    """The private names of other packages in a file: imported, read from an object, or looked up by a string."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and not node.module.startswith("pad_ray"):
            yield from (n for n in [*node.module.split("."), *(a.name for a in node.names)] if _is_private(n))
        if isinstance(node, ast.Import):
            yield from (part for one in node.names for part in one.name.split(".") if _is_private(part))
        if isinstance(node, ast.Attribute) and _is_private(node.attr) and node.attr not in own:
            yield node.attr
        if isinstance(node, ast.Call) and ast.unparse(node.func) in ("getattr", "hasattr", "setattr"):
            name = getattr(node.args[1], "value", None)
            if isinstance(name, str) and _is_private(name) and name not in own:
                yield name


def _is_private(name):
    return name.startswith("_") and name not in PYTHON


# Names with an underscore that Python documents.
PYTHON = {
    "__future__",
    "__name__",
    "__file__",
    "__doc__",
    "__dict__",
    "__module__",
    "__path__",
    "__cause__",
    "__context__",
    "__class__",
}
PYTHON |= {
    "__qualname__",
    "__repr__",
    "__str__",
    "__getitem__",
    "__init__",
    "__version__",
    "_exit",
    "_base_executable",
    "__getattr__",
}


def test_no_other_file_uses_a_private_name():
    own = own_names()
    files = [*LIBRARY.rglob("*.py"), *(REPOSITORY / "jobs").glob("*.py")]
    # The sandbox's child uses no library, only internals of Python itself.
    files = [path for path in files if path.parent.name != "inside"]
    used = {
        str(path.relative_to(REPOSITORY)): names
        for path in files
        if (names := set(private_uses(ast.parse(path.read_text()), own)))
    }
    assert set(used) == set(FILES.values()), used


@pytest.mark.parametrize(
    "text",
    [
        "from ray.data._internal.util import x",
        "import ray._private.worker",
        "from ray.train.v2 import _internal",
        "engine._config",
        "getattr(model, '_tied', None)",
        "self._brackets[0]",
    ],
)
def test_every_use_of_a_private_name_is_detected(text):
    assert list(private_uses(ast.parse(text), own_names()))
