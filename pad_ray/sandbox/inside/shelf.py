"""Makes the submodules of imported packages importable in a child, even if they are not loaded yet.

A child cannot open files, but programs may use `sympy.stats`, or modules that `sympy.integrate` imports when called. The zygote
keeps the code of these modules in a private read-only mapping of an unnamed file, so that fork does not copy it. Not covered:
extension modules, which need the dynamic linker.
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
# Already loaded, because the interpreter itself uses them to start.
_importlib: Any = sys.modules["_frozen_importlib"]
_external: Any = sys.modules["_frozen_importlib_external"]

libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]


class Shelf:
    """An entry of `sys.meta_path` that finds and loads modules from memory."""

    def __init__(self) -> None:
        self._places: dict[str, tuple[int, int, bool, str]] = {}
        self._address = 0

    def fill(self, packages: list[ModuleType]) -> None:
        """Store the code of every module of these packages that is not loaded."""
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
        """The specification of a stored module, else None."""
        if name not in self._places:
            return None
        folder = self._places[name][3]
        spec = _importlib.ModuleSpec(name, self, is_package=bool(folder))
        if folder:
            spec.submodule_search_locations.append(folder)
        return spec

    def create_module(self, spec: Any) -> None:
        """Return None, which requests an ordinary module object."""

    def exec_module(self, module: ModuleType) -> None:
        """Run a module's code."""
        start, length, compiled, _ = self._places[module.__name__]
        data = ctypes.string_at(self._address + start, length)
        code = marshal.loads(data) if compiled else compile(data, module.__name__, "exec", dont_inherit=True)
        exec(code, module.__dict__)


def put_up() -> None:
    """Offer the modules of all imported packages that are not loaded yet."""
    packages = [module for name, module in list(sys.modules.items()) if "." not in name and hasattr(module, "__path__")]
    shelf = Shelf()
    shelf.fill(packages)
    sys.meta_path.insert(0, shelf)


def _modules(packages: list[ModuleType]) -> Iterator[tuple[str, str, str]]:
    """(name, path, folder) of every module of these packages; the folder is '' unless the module is a package."""
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
    """The up-to-date compiled code of a source file and True, else its text and False."""
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
