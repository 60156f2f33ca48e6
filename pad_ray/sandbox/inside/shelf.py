"""Modules that a child may still import: those of imported packages that nothing has imported yet.

A child opens no file, but `sympy.stats`, or what `sympy.integrate` imports when it is called, is part of what programs may use.
The zygote keeps the code of these modules in memory that is mapped from an unnamed file, privately and for reading: fork does
not copy it, and what a child writes there is its own. Not covered: extension modules, which need the dynamic linker.
"""

from __future__ import annotations

import ctypes
import marshal
import os
import sys

from .layers import libc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType
    from typing import Any

PROT_READ, MAP_PRIVATE = 1, 2
PYC_HEADER_BYTES = 16
SKIPPED = ("__pycache__", "tests", "test")  # folders
# Imported already, as the interpreter's own start is written in them.
_importlib: Any = sys.modules["_frozen_importlib"]
_external: Any = sys.modules["_frozen_importlib_external"]

libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]


class Shelf:
    """Finds and loads the modules whose code lies at an address, as an entry of `sys.meta_path` does."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[int, int, bool, str]] = {}
        self._address = 0

    def fill(self, packages: list[ModuleType]) -> None:
        """Keep the code of every module of these packages that is not imported."""
        descriptor = os.memfd_create("modules")
        try:
            end = 0
            for name, path, folder in _modules(packages):
                if name not in sys.modules:
                    code, compiled = _code(path)
                    os.write(descriptor, code)
                    self._places[name] = (end, len(code), compiled, folder)
                    end += len(code)
            if end:
                self._address = libc.mmap(None, end, PROT_READ, MAP_PRIVATE, descriptor, 0)
        finally:
            os.close(descriptor)

    def find_spec(self, name: str, path: object = None, target: object = None) -> Any:
        """The specification of a module that is kept here, else None."""
        if name not in self._places:
            return None
        folder = self._places[name][3]
        spec = _importlib.ModuleSpec(name, self, is_package=bool(folder))
        if folder:
            spec.submodule_search_locations.append(folder)
        return spec

    def create_module(self, spec: Any) -> None:
        """None: the module is an ordinary one."""

    def exec_module(self, module: ModuleType) -> None:
        """Run a module's code."""
        start, length, compiled, _ = self._places[module.__name__]
        data = ctypes.string_at(self._address + start, length)
        code = marshal.loads(data) if compiled else compile(data, module.__name__, "exec", dont_inherit=True)
        exec(code, module.__dict__)


def put_up() -> None:
    """Offer what is left of all packages that are imported."""
    packages = [module for name, module in list(sys.modules.items()) if "." not in name and hasattr(module, "__path__")]
    shelf = Shelf()
    shelf.fill(packages)
    sys.meta_path.insert(0, shelf)


def _modules(packages: list[ModuleType]) -> Iterator[tuple[str, str, str]]:
    """(name, path, folder) of every module of these packages; the folder of a module that is no package is ''."""
    for package in packages:
        for root in package.__path__:
            for folder, below, files in os.walk(root):
                below[:] = [name for name in below if name not in SKIPPED and name.isidentifier()]
                prefix = package.__name__ + folder[len(root) :].replace(os.sep, ".")
                for file in files:
                    if file == "__init__.py":
                        yield prefix, f"{folder}/{file}", folder
                    elif file.endswith(".py") and file[:-3].isidentifier():
                        yield f"{prefix}.{file[:-3]}", f"{folder}/{file}", ""


def _code(path: str) -> tuple[bytes, bool]:
    """The compiled code of a source file if it is up to date, else its text; and which of the two."""
    try:
        with open(_external.cache_from_source(path), "rb") as file:  # noqa: PTH123 - pathlib would add to every fork
            compiled = file.read()
        status = os.stat(path)  # noqa: PTH116
        dated = b"".join(
            number.to_bytes(4, "little") for number in (0, int(status.st_mtime) & 0xFFFFFFFF, status.st_size)
        )
        if compiled[:PYC_HEADER_BYTES] == _external.MAGIC_NUMBER + dated:
            return compiled[PYC_HEADER_BYTES:], True
    except OSError:
        pass
    with open(path, "rb") as file:  # noqa: PTH123
        return file.read(), False
