"""The limits of a sandbox and the protection that it requires."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Level = Literal["none", "seccomp", "landlock", "namespaces"]
Layer = Literal["namespaces", "uid", "undumpable", "landlock", "rlimits", "seccomp_zygote", "seccomp_child"]

LIGHT_IMPORTS = (
    *("abc", "bisect", "calendar", "cmath", "collections", "copy", "dataclasses", "datetime", "decimal", "enum"),
    *("fractions", "functools", "heapq", "itertools", "json", "math", "numbers", "operator", "pprint", "random", "re"),
    *("statistics", "string", "textwrap", "time", "typing", "uuid"),
)
HEAVY_IMPORTS = ("numpy", "sympy")
# The compiler imports it for non-ASCII names and for `\\N{...}`; in some builds of Python it is a shared object.
UNICODE = ("unicodedata",)
# Modules that another module imports on first use, which a child cannot do. Pure Python modules are kept by `inside/shelf.py`.
LATE_IMPORTS = {"datetime": ("_strptime",), "time": ("_strptime",), "numpy": ("numpy.fft",)}
# Extension modules that few programs use and that would slow down every fork. A separate kind of zygote imports them, for
# programs that name the module and match the pattern.
RARE_IMPORTS = {
    "numpy": (r"random|testing|lambdify|numpy import \*", ("numpy.random", "numpy.testing", "fileinput")),
    "uuid": (r"uuid[35]", ("hashlib",)),
}
RARE = "rare "  # prefix of the module's name in a kind


class SandboxConfig(BaseModel):
    """Limits of one program, its allowed imports, and the minimum protection without which nothing runs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cpu_s: float = Field(2.0, gt=0, le=3600, description="CPU seconds a program may use; the effective time limit.")
    wall_s: float = Field(
        10.0,
        gt=0,
        le=3600,
        description="Wall seconds a program may take; stops sleeping programs, at least 5 times cpu_s.",
    )
    memory_mib: int = Field(
        512, ge=16, le=65536, description="Memory a program may use beyond the interpreter, in MiB."
    )
    output_bytes: int = Field(
        1 << 20, ge=0, lt=1 << 32, description="Characters a program may print; they are discarded."
    )
    program_bytes: int = Field(16384, ge=64, le=32768, description="Maximum length of a program, in bytes of UTF-8.")
    workers: int = Field(
        1, ge=1, le=256, description="Warm processes, each with one running program; one per CPU core."
    )
    allowed_imports: tuple[str, ...] = Field(
        LIGHT_IMPORTS + HEAVY_IMPORTS,
        description="Top-level modules a program may import; all are preloaded.",
    )
    minimum: Level = Field(
        "seccomp",
        description="Minimum protection required to start: none < seccomp < landlock < namespaces.",
    )
    uid: int = Field(65534, ge=1, description="User id for programs if root starts the sandbox.")
    interpreter: str | None = Field(
        None, description="Python that runs the programs; default: the base interpreter of this virtual environment."
    )
    disabled_layers: tuple[Layer, ...] = Field(
        (),
        description="Layers to disable even if the host grants them. For tests and benchmarks; lower `minimum` as needed.",
    )
