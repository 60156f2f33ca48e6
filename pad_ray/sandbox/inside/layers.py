"""The kernel layers that the zygote applies to itself, in the order that the kernel requires.

All layers are inherited through fork. This code runs once per zygote, except `seal_child`, which runs once per program.
Sources: prctl(2), seccomp(2), landlock(7), capabilities(7). Not covered: cgroups (rarely writable in containers) and
anything that needs privileges on the host.
"""

from __future__ import annotations

import ctypes
import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38
SECCOMP_MODE_FILTER = 2
LANDLOCK_CREATE_RULESET = 444
LANDLOCK_RESTRICT_SELF = 446
LANDLOCK_CREATE_RULESET_VERSION = 1
SIGKILL = 9
# Numbers of setrlimit(2), equal on x86_64 and aarch64; importing `resource` would add five memory regions to every fork.
RLIMIT_CPU, RLIMIT_FSIZE, RLIMIT_CORE, RLIMIT_NPROC, RLIMIT_NOFILE, RLIMIT_MEMLOCK, RLIMIT_AS = 0, 1, 4, 6, 7, 8, 9
RLIMIT_MSGQUEUE, RLIMIT_NICE, RLIMIT_RTPRIO = 12, 13, 14
SOFT_AND_HARD = struct.Struct("LL")  # `struct rlimit`

libc = ctypes.CDLL(None, use_errno=True)
_prctl = libc.prctl
_prctl.argtypes = [ctypes.c_int, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_ulong, ctypes.c_ulong]


class LayerError(Exception):
    """A requested layer could not be applied; the message names it and the kernel's reason."""


class FilterProgram(ctypes.Structure):
    """`struct sock_fprog`: a BPF program in the form that `PR_SET_SECCOMP` expects."""

    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_char_p))

    @classmethod
    def load(cls, code: bytes) -> FilterProgram:
        """Wrap assembled instructions of 8 bytes each."""
        return cls(len(code) // 8, code)


def prctl(option: int, value: int, extra: int = 0) -> int:
    """prctl(2); returns 0 or the errno."""
    return 0 if _prctl(option, value, extra, 0, 0) == 0 else ctypes.get_errno()


def _demand(layer: str, errno: int) -> None:
    if errno:
        raise LayerError(f"{layer}: {os.strerror(errno)}")


def die_with_parent() -> None:
    """SIGKILL this process when its parent thread ends. Fork and a change of uid clear this, so it must be set again."""
    _demand("parent-death signal", prctl(PR_SET_PDEATHSIG, SIGKILL))


def drop_user(uid: int) -> None:
    """Give up root and every capability permanently."""
    for capability in range(64):
        prctl(PR_CAPBSET_DROP, capability)
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def _landlock_rules(abi: int) -> bytes:
    """A `struct landlock_ruleset_attr` that handles, and thus denies, every right known to this ABI."""
    file_rights = {1: 13, 2: 14, 3: 15, 4: 15}.get(abi, 16)
    fields = [(1 << file_rights) - 1]
    if abi >= 4:
        fields.append(0b11)
    if abi >= 6:
        fields.append(0b11)
    return b"".join(field.to_bytes(8, "little") for field in fields)


def landlock() -> str:
    """Deny the whole file system, TCP, and signals and abstract sockets to the outside. Returns the active rules, or ''."""
    abi = libc.syscall(LANDLOCK_CREATE_RULESET, None, 0, LANDLOCK_CREATE_RULESET_VERSION)
    if abi < 1:
        return ""
    rules = _landlock_rules(abi)
    ruleset = libc.syscall(LANDLOCK_CREATE_RULESET, rules, len(rules), 0)
    if ruleset < 0 or libc.syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0) != 0:
        return ""
    os.close(ruleset)
    return f"abi {abi}: files" + (", tcp" if abi >= 4 else "") + (", signals and abstract sockets" if abi >= 6 else "")


def limit(resource: int, value: int) -> None:
    """setrlimit(2) for both soft and hard limit."""
    if libc.setrlimit(resource, SOFT_AND_HARD.pack(value, value)) != 0:
        _demand(f"limit {resource}", ctypes.get_errno())


def limit_resources(address_space_bytes: int) -> None:
    """Set the limits that every child inherits. RLIMIT_AS is added to the zygote's size, so it limits only the program."""
    limit(RLIMIT_AS, address_space_bytes)
    limit(RLIMIT_NOFILE, 16)
    for resource in (RLIMIT_FSIZE, RLIMIT_CORE, RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE, RLIMIT_NICE, RLIMIT_RTPRIO):
        limit(resource, 0)


def seal_zygote(setup: dict[str, Any], address_space_bytes: int) -> str:
    """Apply every layer of a zygote. Returns the active Landlock rules, or '' if the kernel has no Landlock.

    Raises:
        LayerError: a layer other than Landlock failed.
    """
    if setup["uid"] is not None:
        drop_user(setup["uid"])
    die_with_parent()
    if setup["undumpable"]:
        _demand("undumpable", prctl(PR_SET_DUMPABLE, 0))
    _demand("no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1))
    granted = landlock() if setup["landlock"] else ""
    if setup["rlimits"]:
        limit_resources(address_space_bytes)
    if setup["seccomp_zygote"]:
        load_filter(FilterProgram.load(setup["seccomp_zygote"]))
    return granted


def load_filter(program: FilterProgram) -> None:
    """Add a seccomp filter; it can never be removed."""
    _demand("seccomp", prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.addressof(program)))


def seal_child(zygote_pid: int, cpu_seconds: int, program: FilterProgram | None) -> None:
    """Apply the layers of one child: death with the zygote, the CPU limit, no new processes, and the stricter filter."""
    die_with_parent()
    if os.getppid() != zygote_pid:
        os._exit(0)
    if cpu_seconds:
        limit(RLIMIT_CPU, cpu_seconds)
        limit(RLIMIT_NPROC, 0)
    if program is not None:
        load_filter(program)
