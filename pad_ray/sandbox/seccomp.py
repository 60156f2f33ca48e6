"""Two seccomp filters, assembled to BPF here and passed to the zygote as bytes, without extra packages.

An unlisted call fails with EPERM, so a harmless call missing from the list becomes a Python exception; a call through
another system call table (32-bit, x32) kills. The allow-list is compiled to a binary search over intervals of call
numbers, because the kernel evaluates each new filter once for every call number and each child adds one. Sources:
seccomp(2), linux/filter.h, and the kernel's own call tables. Not covered: architectures other than x86_64 and aarch64.
"""

import platform
import struct
from dataclasses import dataclass, replace

from pad_ray.errors import InputError

ARCHITECTURES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}
X32_CALLS = 0x40000000

# Call numbers on x86_64 and on aarch64 (None: the call does not exist there).
PURE: dict[str, tuple[int, int | None]] = {  # reads, writes, memory, time and state of the process itself
    "read": (0, 63),
    "write": (1, 64),
    "readv": (19, 65),
    "writev": (20, 66),
    "pread64": (17, 67),
    "close": (3, 57),
    "fstat": (5, 80),
    "lseek": (8, 62),
    "mremap": (25, 216),
    "munmap": (11, 215),
    "brk": (12, 214),
    "madvise": (28, 233),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    "getpid": (39, 172),
    "gettid": (186, 178),
    "getuid": (102, 174),
    "geteuid": (107, 175),
    "getgid": (104, 176),
    "getegid": (108, 177),
    "getresuid": (118, 148),
    "getresgid": (120, 150),
    "getppid": (110, 173),
    "getgroups": (115, 158),
    "gettimeofday": (96, 169),
    "time": (201, None),
    "getrandom": (318, 278),
    "futex": (202, 98),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "sched_yield": (24, 124),
    "uname": (63, 160),
    "getcwd": (79, 17),
    "getrusage": (98, 165),
    "times": (100, 153),
    "getrlimit": (97, 163),
    "nanosleep": (35, 101),
    "poll": (7, None),
    "ppoll": (271, 73),
    "select": (23, None),
    "pselect6": (270, 72),
    "restart_syscall": (219, 128),
    "rseq": (334, 293),
    "set_robust_list": (273, 99),
    "membarrier": (324, 283),
}
ZYGOTE_ONLY: dict[str, tuple[int, int | None]] = {  # fork, wait, kill, the control socket, limits
    "wait4": (61, 260),
    "rt_sigtimedwait": (128, 137),
    "recvfrom": (45, 207),
    "recvmsg": (47, 212),
    "sendto": (44, 206),
    "sendmsg": (46, 211),
    "setrlimit": (160, 164),
    "prctl": (157, 167),
    "kill": (62, 129),
    "clone": (56, 220),
    "sysinfo": (99, 179),  # reveals the number of the host's processes
}
RESTRICTED: dict[str, tuple[int, int | None]] = {  # allowed by argument, see `_rules`
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "fcntl": (72, 25),
    "prlimit64": (302, 261),
    "ioctl": (16, 29),
    "clone3": (435, 435),
    "clock_gettime": (228, 113),
    "clock_getres": (229, 114),
    "clock_nanosleep": (230, 115),
    "sched_getaffinity": (204, 123),
}

LOAD, JUMP_EQUAL, JUMP_AT_LEAST, JUMP_ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER_OFFSET, ARCHITECTURE_OFFSET = 0, 4
ALLOW, KILL_PROCESS, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
EPERM, ENOTTY, ENOSYS = 1, 25, 38
FORK_FLAGS = 0x01200011  # CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, as used by fork() of glibc
DUPLICATING_FCNTLS = (1, 3, 1030)  # F_GETFD, F_GETFL, F_DUPFD_CLOEXEC
ZYGOTE_PRCTLS = (1, 22)  # PR_SET_PDEATHSIG, PR_SET_SECCOMP
SIGKILL = 9
PROT_EXEC = 4
PROCESS_CLOCKS = 0x80000000  # higher ids are CPU clocks of a process or thread, or clock devices


@dataclass(frozen=True)
class Instruction:
    """One BPF instruction; `then` and `otherwise` are labels, '' means the next instruction."""

    code: int
    value: int
    then: str = ""
    otherwise: str = ""
    label: str = ""


Rules = dict[str, list[Instruction]]


def _argument(index: int, high: bool = False) -> int:
    """Offset of the low or high half of a call's argument in `struct seccomp_data` (little-endian machines)."""
    return 16 + 8 * index + (4 if high else 0)


def _one_of(argument: int, accepted: tuple[int, ...]) -> list[Instruction]:
    """Allow the call if an argument's low half is one of `accepted`; the kernel reads these as 32-bit integers."""
    checks = [Instruction(JUMP_EQUAL, value, "allow") for value in accepted[:-1]]
    return [Instruction(LOAD, _argument(argument)), *checks, Instruction(JUMP_EQUAL, accepted[-1], "allow", "deny")]


NOT_EXECUTABLE = [Instruction(LOAD, _argument(2)), Instruction(JUMP_ANY_BIT, PROT_EXEC, "deny", "allow")]
SHARED_CLOCK = [Instruction(LOAD, _argument(0)), Instruction(JUMP_AT_LEAST, PROCESS_CLOCKS, "deny", "allow")]
READ_OWN_LIMITS = [  # prlimit64 with pid = 0 and new_limit = NULL
    Instruction(LOAD, _argument(0)),
    Instruction(JUMP_EQUAL, 0, "", "deny"),
    Instruction(LOAD, _argument(2)),
    Instruction(JUMP_EQUAL, 0, "", "deny"),
    Instruction(LOAD, _argument(2, high=True)),
    Instruction(JUMP_EQUAL, 0, "allow", "deny"),
]


def _rules(child: bool) -> Rules:
    """By call name, the instructions for calls that depend on an argument or fail with an error other than EPERM."""
    rules = {
        "fcntl": _one_of(1, DUPLICATING_FCNTLS),
        "ioctl": [Instruction(RETURN, ERRNO | ENOTTY)],
        "clone3": [Instruction(RETURN, ERRNO | ENOSYS)],
        "mmap": NOT_EXECUTABLE,
        "mprotect": NOT_EXECUTABLE,
    }
    if child:
        clocks = dict.fromkeys(("clock_gettime", "clock_getres", "clock_nanosleep"), SHARED_CLOCK)
        return rules | clocks | {"prlimit64": READ_OWN_LIMITS, "sched_getaffinity": _one_of(0, (0,))}
    return rules | {
        "clone": _one_of(0, (FORK_FLAGS,)),
        "kill": _one_of(1, (SIGKILL,)),
        "prctl": _one_of(0, ZYGOTE_PRCTLS),
    }


def _intervals(targets: dict[int, str], default: str) -> list[tuple[int, str]]:
    """Starts of the runs of call numbers with the same target, in order; gaps have the default target."""
    starts = [(0, default)]
    for number in sorted(targets):
        for start, target in ((number, targets[number]), (number + 1, targets.get(number + 1, default))):
            if starts[-1][0] == start:
                starts.pop()
            if not starts or starts[-1][1] != target:
                starts.append((start, target))
    return starts


def _search(intervals: list[tuple[int, str]], label: str) -> list[Instruction]:
    """A binary search for the interval of the loaded call number; leaves jump directly to their target."""
    middle = len(intervals) // 2
    lower, upper = intervals[:middle], intervals[middle:]
    low_label = lower[0][1] if len(lower) == 1 else f"{label}<"
    high_label = upper[0][1] if len(upper) == 1 else f"{label}>"
    node = Instruction(JUMP_AT_LEAST, upper[0][0], high_label, low_label, label)
    below = _search(lower, low_label) if len(lower) > 1 else []
    above = _search(upper, high_label) if len(upper) > 1 else []
    return [node, *below, *above]


def _assemble(instructions: list[Instruction]) -> bytes:
    """Resolve labels to forward offsets (at most 255, a limit of BPF) and encode `struct sock_filter`s."""
    positions = {instruction.label: index for index, instruction in enumerate(instructions) if instruction.label}

    def offset(index: int, label: str) -> int:
        return positions[label] - index - 1 if label else 0

    return b"".join(
        struct.pack("<HBBI", item.code, offset(index, item.then), offset(index, item.otherwise), item.value)
        for index, item in enumerate(instructions)
    )


def compile_filter(machine: str, targets: dict[int, str], rules: Rules, default: str = "deny") -> bytes:
    """A filter that sends each call number to its target: 'allow', 'deny' (EPERM), 'kill' or 'rule NAME'.

    Raises:
        InputError: there is no system call table for the machine.
    """
    if machine not in ARCHITECTURES:
        raise InputError(f"sandbox: no system call table for {machine}; run on x86_64 or aarch64 Linux")
    head = [
        Instruction(LOAD, ARCHITECTURE_OFFSET),
        Instruction(JUMP_EQUAL, ARCHITECTURES[machine][1], "", "kill"),
        Instruction(LOAD, NUMBER_OFFSET),
        Instruction(JUMP_AT_LEAST, X32_CALLS, "kill", ""),
    ]
    blocks = [part for name, rule in rules.items() for part in (replace(rule[0], label=f"rule {name}"), *rule[1:])]
    ends = [
        Instruction(RETURN, ALLOW, label="allow"),
        Instruction(RETURN, ERRNO | EPERM, label="deny"),
        Instruction(RETURN, KILL_PROCESS, label="kill"),
    ]
    return _assemble([*head, *_search(_intervals(targets, default), "search"), *blocks, *ends])


def filter_bytes(child: bool, machine: str | None = None) -> bytes:
    """The filter of a zygote, or the stricter one of a child, as BPF for `machine` (default: this machine).

    Raises:
        InputError: there is no system call table for the machine.
    """
    machine = machine or platform.machine()
    rules = _rules(child)
    table = PURE | RESTRICTED | ({} if child else ZYGOTE_ONLY)
    column = ARCHITECTURES.get(machine, (0, 0))[0]
    numbers = {name: row[column] for name, row in table.items()}
    targets = {
        number: f"rule {name}" if name in rules else "allow" for name, number in numbers.items() if number is not None
    }
    return compile_filter(machine, targets, rules)
