"""What a sandbox allows and demands."""

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
# The compiler imports it for a name that is not ASCII, and for `\\N{...}`; a shared object in some builds of Python.
UNICODE = ("unicodedata",)
# What a module imports when it is first used, and no child can. Modules of Python code are kept on `inside/shelf.py`.
LATE_IMPORTS = {"datetime": ("_strptime",), "time": ("_strptime",), "numpy": ("numpy.fft",)}
# Extension modules that few programs use, and that would slow down every fork: a kind of zygote of their own, for programs that
# name the module and match the pattern.
RARE_IMPORTS = {
    "numpy": (r"random|testing|lambdify|numpy import \*", ("numpy.random", "numpy.testing", "fileinput")),
    "uuid": (r"uuid[35]", ("hashlib",)),
}
RARE = "rare "  # and the module's name: in a kind


class SandboxConfig(BaseModel):
    """Limits of one program, what it may import, and the protection below which nothing runs."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    cpu_s: float = Field(2.0, gt=0, le=3600, description="CPU seconds a program may use; the deadline that counts.")
    wall_s: float = Field(
        10.0,
        gt=0,
        le=3600,
        description="Wall seconds a program may take; a backstop for sleepers, 5 times cpu_s or more.",
    )
    memory_mib: int = Field(
        512, ge=16, le=65536, description="Memory a program may use beyond the interpreter, in MiB."
    )
    output_bytes: int = Field(1 << 20, ge=0, lt=1 << 32, description="Characters a program may print; none is kept.")
    program_bytes: int = Field(16384, ge=64, le=32768, description="Longest program accepted, in bytes of UTF-8.")
    workers: int = Field(1, ge=1, le=256, description="Warm processes, one running program each: one a CPU core.")
    allowed_imports: tuple[str, ...] = Field(
        LIGHT_IMPORTS + HEAVY_IMPORTS,
        description="Top-level modules a program may import; all are imported beforehand.",
    )
    minimum: Level = Field(
        "seccomp",
        description="Refuse to start below this protection: none < seccomp < landlock < namespaces.",
    )
    uid: int = Field(65534, ge=1, description="User that programs run as when the sandbox is started by root.")
    interpreter: str | None = Field(
        None, description="Python that runs the programs; default the one beneath this virtual environment."
    )
    disabled_layers: tuple[Layer, ...] = Field(
        (),
        description="Layers left out although the host grants them. For tests and benchmarks; lower `minimum` as needed.",
    )
