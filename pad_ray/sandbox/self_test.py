"""A small hostile suite for `python -m pad_ray.sandbox`; the full suite is tests/sandbox/hostile.py.

Each program returns 'escaped' if it succeeds. The programs skip the import check and use forbidden modules that the interpreter
has already loaded, so that only the kernel can stop them.
"""

import platform
from dataclasses import dataclass

from pad_ray.sandbox.results import Execution
from pad_ray.sandbox.sandbox import Sandbox
from pad_ray.schema import Outcome

TRY = """
import os, sys

def solution():
    try:
        {attempt}
    except OSError:
        return 'blocked'
    return 'escaped'
"""
CALL = "if __import__('ctypes').CDLL(None).syscall({arguments}) == -1: return 'blocked'"
ATTEMPTS = {
    "read a file": "open('/etc/passwd').read()",
    "write a file": "open('/tmp/pad_ray_self_test', 'w')",
    "see that a file exists": "os.stat('/')",
    "read the environment of the host": "open('/proc/1/environ').read()",
    "open a connection": "__import__('_socket').socket()",
    "open a unix socket": "__import__('_socket').socketpair()",
    "start a process": "os.fork()",
    "run a command": "os.execv('/bin/true', ['true'])",
    "start a thread": "__import__('_thread').start_new_thread(print, ())",
    "kill the parent": "os.kill(os.getppid(), 9)",
    "kill everybody": "os.kill(-1, 9)",
    "become root": "os.setresuid(0, 0, 0)",
}
NUMBERS = {"x86_64": (101, 29, 9, 160), "aarch64": (117, 194, 222, 164)}
TRACE, SHARED_MEMORY, MAP, LIMIT = NUMBERS.get(platform.machine(), (0, 0, 0, 0))
ATTEMPTS |= {
    "lift its own limits": CALL.format(arguments=f"{LIMIT}, 7, (1024).to_bytes(8, sys.byteorder) * 2"),
    "trace its parent": CALL.format(arguments=f"{TRACE}, 16, os.getppid(), 0, 0"),
    "make shared memory": CALL.format(arguments=f"{SHARED_MEMORY}, 0, 4096, 0o1600"),
    "map executable memory": CALL.format(arguments=f"{MAP}, 0, 4096, 7, 34, -1, 0"),
}
HONEST = "def solution():\n    return sum([{number}, 1])\n"
LIMITS = {
    "loop for ever": ("def solution():\n    while True: pass", Outcome.TIMEOUT),
    "use all memory": ("def solution():\n    return len(' ' * 10**12)", Outcome.MEMORY_LIMIT),
    "print for ever": ("def solution():\n    while True: print(' ' * 1000)", Outcome.OUTPUT_LIMIT),
}


@dataclass(frozen=True)
class SelfTestAttempt:
    """One attempt and whether it was stopped; `seen` is what the sandbox reported."""

    name: str
    passed: bool
    seen: str


def _stopped(execution: Execution) -> bool:
    """Whether the kernel blocked the attempt with an error or ended the program."""
    return execution.value == "blocked" or execution.outcome in (Outcome.FORBIDDEN, Outcome.OTHER_EXCEPTION)


def self_test(sandbox: Sandbox) -> list[SelfTestAttempt]:
    """Run every attempt between honest programs. A neighbour with a wrong answer is also a failed check."""
    attacks = [TRY.format(attempt=attempt) for attempt in ATTEMPTS.values()]
    programs = [*attacks, *(program for program, _ in LIMITS.values())]
    neighbours = [HONEST.format(number=number) for number in range(len(programs))]
    mixed = [program for pair in zip(neighbours, programs, strict=True) for program in pair]
    executions = sandbox.run(mixed)
    attempted, limited = executions[1::2][: len(attacks)], executions[1::2][len(attacks) :]
    checks = [SelfTestAttempt(name, _stopped(run), run.feedback) for name, run in zip(ATTEMPTS, attempted, strict=True)]
    for (name, (_, expected)), run in zip(LIMITS.items(), limited, strict=True):
        checks.append(SelfTestAttempt(name, run.outcome is expected, run.feedback))
    wrong = [number for number, run in enumerate(executions[::2]) if run.value != str(number + 1)]
    return [
        *checks,
        SelfTestAttempt("disturb a neighbour", not wrong, f"{len(wrong)} of {len(neighbours)} neighbours are wrong"),
    ]
