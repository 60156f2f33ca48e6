"""The assembled filters in a small BPF interpreter: every call of every architecture, without the kernel."""

import struct

import pytest

from pad_ray.errors import InputError
from pad_ray.sandbox import seccomp

MACHINES = sorted(seccomp.ARCHITECTURES)


def decision(code, number, architecture, arguments=(0,) * 6):
    """The kernel's decision on a call, and the number of instructions it takes."""
    data = struct.pack("<IIQ6Q", number, architecture, 0, *arguments)
    position = accumulator = steps = 0
    while True:
        operation, then, otherwise, value = struct.unpack_from("<HBBI", code, 8 * position)
        position, steps = position + 1, steps + 1
        if operation == seccomp.RETURN:
            return value, steps
        if operation == seccomp.LOAD:
            (accumulator,) = struct.unpack_from("<I", data, value)
            continue
        tests = {
            seccomp.JUMP_EQUAL: accumulator == value,
            seccomp.JUMP_AT_LEAST: accumulator >= value,
            seccomp.JUMP_ANY_BIT: bool(accumulator & value),
        }
        position += then if tests[operation] else otherwise


def numbers(table, machine):
    column = seccomp.ARCHITECTURES[machine][0]
    return {row[column] for row in table.values() if row[column] is not None}


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("child", [True, False])
def test_only_listed_calls_are_allowed(machine, child):
    code = seccomp.filter_bytes(child, machine)
    architecture = seccomp.ARCHITECTURES[machine][1]
    ruled = numbers(seccomp.RESTRICTED, machine) | numbers(
        {name: row for name, row in seccomp.ZYGOTE_ONLY.items() if name in ("clone", "kill", "prctl")}, machine
    )
    listed = numbers(seccomp.PURE, machine) | (set() if child else numbers(seccomp.ZYGOTE_ONLY, machine))
    for number in set(range(1000)) - ruled:
        allowed = decision(code, number, architecture)[0] == seccomp.ALLOW
        assert allowed == (number in listed), number


@pytest.mark.parametrize("machine", MACHINES)
def test_a_child_can_create_no_process_and_no_executable_memory(machine):
    column, architecture = seccomp.ARCHITECTURES[machine]
    code = seccomp.filter_bytes(True, machine)
    mapped = seccomp.RESTRICTED["mmap"][column]
    assert decision(code, mapped, architecture, (0, 4096, 3, 0, 0, 0))[0] == seccomp.ALLOW
    assert decision(code, mapped, architecture, (0, 4096, 7, 0, 0, 0))[0] != seccomp.ALLOW
    forked = seccomp.ZYGOTE_ONLY["clone"][column]
    assert decision(code, forked, architecture, (seccomp.FORK_FLAGS, 0, 0, 0, 0, 0))[0] != seccomp.ALLOW
    limits = seccomp.RESTRICTED["prlimit64"][column]
    assert decision(code, limits, architecture)[0] == seccomp.ALLOW
    assert decision(code, limits, architecture, (0, 0, 1 << 40, 0, 0, 0))[0] != seccomp.ALLOW


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("call", ["clock_gettime", "clock_getres", "clock_nanosleep", "sched_getaffinity"])
def test_a_child_sees_no_other_process(machine, call):
    column, architecture = seccomp.ARCHITECTURES[machine]
    code = seccomp.filter_bytes(True, machine)
    number = seccomp.RESTRICTED[call][column]
    assert decision(code, number, architecture)[0] == seccomp.ALLOW
    for process in (1, 4242, 4194303):
        argument = process if call == "sched_getaffinity" else ((~process << 3) | 2) & 0xFFFFFFFF
        assert decision(code, number, architecture, (argument, 0, 0, 0, 0, 0))[0] == seccomp.ERRNO | seccomp.EPERM


@pytest.mark.parametrize("machine", MACHINES)
def test_a_foreign_call_table_kills(machine):
    code = seccomp.filter_bytes(True, machine)
    assert decision(code, 0, 0x40000003)[0] == seccomp.KILL_PROCESS  # i386
    assert decision(code, seccomp.X32_CALLS + 39, seccomp.ARCHITECTURES[machine][1])[0] == seccomp.KILL_PROCESS


def test_a_decision_is_a_binary_search():
    code = seccomp.filter_bytes(True, "x86_64")
    assert max(decision(code, number, 0xC000003E)[1] for number in range(500)) < 20


def test_an_unknown_machine_is_refused():
    with pytest.raises(InputError, match="riscv64"):
        seccomp.filter_bytes(True, "riscv64")
