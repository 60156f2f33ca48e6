"""Run a command as in a default container: without capabilities and namespaces, and with the denials of Docker's profile.

    python -m tests.sandbox.confine COMMAND ...

The uid does not change, which is the harder case for root: it owns the host's files. The list contains the calls that need a
capability that a container lacks; its source is moby/profiles seccomp/default.json.
"""

import ctypes
import os
import platform
import sys

from pad_ray.sandbox.inside import layers
from pad_ray.sandbox.seccomp import FORK_FLAGS, Instruction, compile_filter

NEW_NAMESPACES = 0x7E020000  # every CLONE_NEW* flag of clone(2)
DENIED = {
    "x86_64": (
        155,
        161,
        163,
        165,
        166,
        167,
        168,
        169,
        170,
        171,
        172,
        173,
        175,
        176,
        179,
        246,
        248,
        249,
        250,
        272,
        298,
        303,
        304,
        308,
        310,
        311,
        313,
        320,
        321,
        323,
        425,
        426,
        427,
        428,
        429,
        430,
        431,
        432,
        433,
        442,
    ),
    "aarch64": (
        39,
        40,
        41,
        51,
        89,
        97,
        104,
        105,
        106,
        142,
        161,
        162,
        217,
        218,
        219,
        224,
        225,
        241,
        264,
        265,
        268,
        273,
        280,
        282,
        294,
        425,
        426,
        427,
        428,
        429,
        430,
        431,
        432,
        433,
        442,
    ),
}
CLONE = {"x86_64": 56, "aarch64": 220}
CLONE3 = 435


def container_profile() -> bytes:
    """A filter like Docker's default: all calls except those above, clone without new namespaces, no clone3."""
    machine = platform.machine()
    targets = dict.fromkeys(DENIED[machine], "deny") | {CLONE[machine]: "rule clone", CLONE3: "rule clone3"}
    rules = {
        "clone": [Instruction(0x20, 16), Instruction(0x45, NEW_NAMESPACES, "deny", "allow")],
        "clone3": [Instruction(0x06, 0x00050000 | 38)],
    }
    assert FORK_FLAGS & NEW_NAMESPACES == 0
    return compile_filter(machine, targets, rules, default="allow")


def drop_every_capability() -> None:
    """Drop the bounding set first, so that an exec as root gains nothing, then the sets of this process."""
    for capability in range(64):
        layers.prctl(layers.PR_CAPBSET_DROP, capability)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)
    assert layers.libc.capset(header, (ctypes.c_uint32 * 6)()) == 0


def main(command: list[str]) -> None:
    """Confine this process and replace it with `command`."""
    layers.prctl(layers.PR_SET_NO_NEW_PRIVS, 1)
    layers.load_filter(layers.FilterProgram.load(container_profile()))
    drop_every_capability()
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
