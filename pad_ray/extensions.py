"""Code of a user's own: modules that a recipe names, and classes as `module:Class`.

`extensions` of a recipe are modules that add to what the library has by its names, for example

    TASKS["chores"] = Task(...)                  # pad_ray.tasks
    PATHS[PathKind.PROGRAM] = ProgramInOneLine   # pad_ray.paths

They are imported before the rest of the recipe is read, and first of all in every worker of the job. A module is found as
any other, or in the working directory, which is also what `ray job submit --working-dir` sends to the nodes.
"""

import json
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from pad_ray.errors import InputError

VARIABLE = "PAD_RAY_EXTENSIONS"
"""Tells the workers of a job its driver's working directory and the modules, as a JSON list."""


def load(modules: Sequence[str]) -> None:
    """Import the modules of a recipe.

    Raises:
        InputError: one cannot be imported.
    """
    for module in modules:
        _import(module, f"extension {module}")


def load_in_worker() -> None:
    """What every worker of a job does first; Ray calls it by its name."""
    folder, *modules = json.loads(os.environ[VARIABLE])
    # A local Ray's workers may have been started elsewhere; those of a submitted job are in its working directory anyway.
    sys.path.append(folder)
    load(modules)


def runtime_env(modules: Sequence[str]) -> dict[str, Any] | None:
    """What `ray.init` is to give to the workers of a job, so that each has the modules too; None where there are none."""
    if not modules:
        return None
    told = json.dumps([str(Path.cwd()), *modules])
    return {"env_vars": {VARIABLE: told}, "worker_process_setup_hook": "pad_ray.extensions.load_in_worker"}


def named_class(name: str, what: str) -> Any:
    """The class that `module:Class` names; `what` is what an error calls it.

    Raises:
        InputError: there is no such module or class.
    """
    module, _, attribute = name.partition(":")
    found = _import(module, f"{what} {name}")
    try:
        return getattr(found, attribute)
    except AttributeError as error:
        raise InputError(f"{what} {name}: {error}; give module:Class of something importable") from None


def _import(module: str, what: str) -> Any:
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        return import_module(module)
    except ImportError as error:
        raise InputError(
            f"{what}: {error}; give a module that can be imported from the working directory, as module or module:Class"
        ) from None
    except (Exception, SystemExit) as error:  # noqa: BLE001
        # A module of a user's own may fail in any way.
        raise InputError(f"{what}: importing {module} fails: {type(error).__name__}: {error}; repair it") from None
