"""User code: modules that a recipe names, and classes given as `module:Class`.

The modules in a recipe's `extensions` add entries to the library's registries, for example

    TASKS["chores"] = Task(...)                  # pad_ray.tasks
    PATHS[PathKind.PROGRAM] = ProgramInOneLine   # pad_ray.paths

They are imported before the rest of the recipe is read, and before anything else in every worker of the job. Modules are
searched on the import path and in the working directory, which `ray job submit --working-dir` sends to the nodes.
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
"""Environment variable that passes the driver's working directory and the modules to workers, as a JSON list."""


def load(modules: Sequence[str]) -> None:
    """Import the modules of a recipe.

    Raises:
        InputError: a module cannot be imported.
    """
    for module in modules:
        _import(module, f"extension {module}")


def load_in_worker() -> None:
    """Import the extensions in a worker. Ray calls this by name before any other code of the job."""
    folder, *modules = json.loads(os.environ[VARIABLE])
    # Workers of a local Ray may run in another folder; those of a submitted job already run in its working directory.
    sys.path.append(folder)
    load(modules)


def runtime_env(modules: Sequence[str]) -> dict[str, Any] | None:
    """The `runtime_env` for `ray.init` that imports the modules in every worker; None if there are no modules."""
    if not modules:
        return None
    folder_and_modules = json.dumps([str(Path.cwd()), *modules])
    return {
        "env_vars": {VARIABLE: folder_and_modules},
        "worker_process_setup_hook": "pad_ray.extensions.load_in_worker",
    }


def named_class(name: str, what: str) -> Any:
    """The class that `module:Class` names; errors refer to it as `what`.

    Raises:
        InputError: the module or class does not exist.
    """
    module, _, attribute = name.partition(":")
    imported = _import(module, f"{what} {name}")
    try:
        return getattr(imported, attribute)
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
        # User code may raise anything.
        raise InputError(f"{what}: importing {module} fails: {type(error).__name__}: {error}; repair it") from None
