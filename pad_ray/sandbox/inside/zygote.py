"""The warm process from which every program is forked, and the child that runs one program.

The supervisor execs the zygote. It imports the allowed modules, runs samples to warm up the interpreter, isolates itself and
then serves jobs: it peeks at a job's header, forks, waits, and reports the child's status as given by the kernel. It never
sees a program's text or result: the child takes the text and the pipe for its answer from the socket.

Fork and exit cost a program 37 us per MiB of the zygote's memory and 1.2 us per mapped region, so this module imports little.
"""

from __future__ import annotations

import gc
import io
import marshal
import os
import select
import struct
import sys
import time

from . import layers, shelf, values
from .protocol import CPU_LIMIT, ENDED, FRAME, ISOLATED, JOB, SETUP_BYTES, STATUS, WALL_LIMIT

TYPE_CHECKING = False  # as in `typing`, without its import
if TYPE_CHECKING:
    import signal
    import socket
    from typing import Any, NoReturn
else:
    import _signal as signal
    import _socket as socket

DESCRIPTOR = struct.Struct("i")
RIGHTS_BYTES = socket.CMSG_SPACE(DESCRIPTOR.size)
POOL_BYTES, POOL_HEADER_BYTES = 16 << 10, 48  # pools of pymalloc, CPython 3.10 and later
HOLES_BYTES = 1 << 18  # maximum per block size, because an interpreter with another allocator has no such pools
COLLECTED_OBJECTS = 20_000  # few programs create more objects, and this number needs little memory
SHORTEST_WAIT_S, LONGEST_WAIT_S = 0.002, 0.1  # between checks of the limits and of the supervisor


class CountedOutput(io.TextIOBase):
    """Standard output and error of a program: counts and discards characters. Ends the program at the limit."""

    def __init__(self) -> None:
        self.left = 0
        self.result_fd = -1

    def write(self, text: str) -> int:
        """Count `text`; above the limit, send the result and end the process, so that the program cannot catch it."""
        self.left -= len(text)
        if self.left < 0:
            send(self.result_fd, "l", "", "")
            os._exit(0)
        return len(text)

    def writable(self) -> bool:
        """True, as for any output stream."""
        return True


OUTPUT = CountedOutput()
_plugs: list[object] = []


def send(result_fd: int, code: str, name: str, text: str) -> None:
    """Write the single frame of a result: length, code, type name, NUL, text."""
    payload = f"{code}{name}\0{text}".encode("utf-8", "replace")
    os.write(result_fd, FRAME.pack(len(payload)) + payload)


def execute(program: str) -> tuple[str, str, str]:
    """Run a program and call its `solution()`. Returns the frame's parts; exceptions of the program become a result."""
    module = type(sys)("__main__")
    sys.modules["__main__"] = module
    try:
        exec(compile(program, "<solution>", "exec", dont_inherit=True), module.__dict__)
        if "solution" not in module.__dict__:
            return "m", "", ""
        return values.encode(module.__dict__["solution"]())
    except MemoryError:
        return "e", "MemoryError", "MemoryError"
    except BaseException as error:  # noqa: BLE001 - a program's own exception is its result, SystemExit included
        return "e", *values.describe(error)


def take_job(control: socket.socket, program_bytes: int) -> tuple[str, int]:
    """Receive the job whose header was peeked: the program and the descriptor for its answer."""
    data, rights, _, _ = control.recvmsg(JOB.size + program_bytes, RIGHTS_BYTES)
    (result_fd,) = DESCRIPTOR.unpack(rights[0][2])
    return data[JOB.size :].decode(), result_fd


def child(
    control: socket.socket, program_bytes: int, zygote_pid: int, cpu_s: int, program_filter: layers.FilterProgram | None
) -> NoReturn:
    """Take one job, drop the zygote's remaining rights, run the program, send the answer and exit."""
    try:
        program, OUTPUT.result_fd = take_job(control, program_bytes)
        control.close()
        layers.seal_child(zygote_pid, cpu_s, program_filter)
        os.write(OUTPUT.result_fd, ISOLATED)
        gc.enable()  # collects only the program's own objects: all others are frozen
        send(OUTPUT.result_fd, *execute(program))
    finally:
        os._exit(0)


def abandoned(control: socket.socket) -> bool:
    """Whether the supervisor is gone. Under bubblewrap as root the parent-death signal never arrives: the monitor has given
    up the right to signal a process of another uid.
    """
    poller = select.poll()
    poller.register(control.fileno(), 0)
    return any(event & (select.POLLHUP | select.POLLERR) for _, event in poller.poll(0))


def supervise(pid: int, control: socket.socket, cpu_s: float, wall_s: float) -> tuple[int, int, float, float]:
    """Wait for a child and kill it at its limits. Returns wait status, cause, wall seconds and CPU seconds.

    A child has one thread and cannot use more CPU time than wall time, so its limits need no check before `cpu_s` seconds.
    """
    started = time.monotonic()
    passed_s = used_s = 0.0
    cause = ENDED
    while True:
        wait_s = min(cpu_s - used_s, wall_s - passed_s, LONGEST_WAIT_S)
        signalled = signal.sigtimedwait((signal.SIGCHLD,), max(SHORTEST_WAIT_S, wait_s))
        # A dead child's CPU clock stays readable until the child is reaped. `wait4` would import `resource`.
        used_s = time.clock_gettime((~pid << 3) | 2)
        passed_s = time.monotonic() - started
        if signalled:
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                return status, cause, passed_s, used_s
        if used_s >= cpu_s or passed_s >= wall_s:
            os.kill(pid, signal.SIGKILL)
            cause = CPU_LIMIT if used_s >= cpu_s else WALL_LIMIT
        if abandoned(control):
            os._exit(0)


def serve(control: socket.socket, setup: dict[str, Any], program_filter: layers.FilterProgram | None) -> None:
    """Fork a child for each job until the supervisor closes its end."""
    zygote_pid = os.getpid()
    last_id = -1
    while header := control.recv(JOB.size, socket.MSG_PEEK):
        job_id, cpu_ms, wall_ms, OUTPUT.left, program_bytes = JOB.unpack(header)
        if job_id == last_id:
            # The child died before it took its job. Drop the job: the supervisor notices that no child was isolated.
            control.recv(1)
            continue
        last_id = job_id
        pid = os.fork()
        if pid == 0:
            child(control, program_bytes, zygote_pid, -(-cpu_ms // 1000) if setup["rlimits"] else 0, program_filter)
        status, cause, wall_s, cpu_s = supervise(pid, control, cpu_ms / 1000, wall_ms / 1000)
        control.send(STATUS.pack(job_id, status, cause, int(wall_s * 1e6), int(cpu_s * 1e6)))


def import_modules(names: list[str]) -> list[str]:
    """Import all modules that programs may import, because no file can be opened later. Returns the missing ones."""
    missing = []
    # Disable fork hooks: `random` would reseed itself in every child, and `threading` would visit its locks.
    os.register_at_fork = lambda **hooks: None
    for name in names:
        try:
            __import__(name)
        except ImportError:
            missing.append(name)
    return missing


def rehearse(programs: list[str], rounds: int = 8) -> None:
    """Do the work of a child without isolation: the first compile, exec and encode cost a cold child 2 ms.

    Several rounds are needed: CPython 3.11 specializes bytecode in place, and in a child each write would copy a page.
    """
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    for program in programs * rounds:
        read_fd, write_fd = os.pipe()
        header = JOB.pack(0, 1000, 1000, 1 << 30, len(program.encode()))
        ours.sendmsg([header, program.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, DESCRIPTOR.pack(write_fd))])
        _, _, _, OUTPUT.left, program_bytes = JOB.unpack(theirs.recv(JOB.size, socket.MSG_PEEK))
        text, OUTPUT.result_fd = take_job(theirs, program_bytes)
        os.write(OUTPUT.result_fd, ISOLATED)
        send(OUTPUT.result_fd, *execute(text))
        for descriptor in (read_fd, write_fd, OUTPUT.result_fd):
            os.close(descriptor)
    ours.close()
    theirs.close()
    if "random" in sys.modules:
        sys.modules["random"].seed(0)


def plug_holes() -> list[object]:
    """Fill the free blocks that the rehearsal left on the heap, so that a child's objects share the pages of new pools.

    A block directly after the header of a pymalloc pool is the first of a new pool, so its size class had no free block left.
    This saves a child about 20 page faults, 3 % of its time.
    """
    plugs: list[object] = []
    for size in range(48, 513, 16):
        for _ in range(HOLES_BYTES // size):
            plug = bytes(size - sys.getsizeof(b""))
            if id(plug) % POOL_BYTES == POOL_HEADER_BYTES:
                break
            plugs.append(plug)
    return plugs


def own_size_bytes() -> int:
    """The size of this process's address space."""
    with open("/proc/self/statm") as statm:  # noqa: PTH123 - pathlib would add to every fork
        return int(statm.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")


def prepare(setup: dict[str, Any]) -> dict[str, Any]:
    """Do all that needs files: imports, warm-up, the memory score and the thread count. Returns facts for the report."""
    sys.path[:] = setup["paths"] + sys.path[1:]
    missing = import_modules(setup["modules"])
    sys.stdout = sys.stderr = OUTPUT
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGCHLD,))
    rehearse(setup["warm_up"])
    if setup["modules"]:
        shelf.put_up()
    with open("/proc/self/oom_score_adj", "w") as score:  # noqa: PTH123
        score.write("1000")
    threads = len(os.listdir("/proc/self/task"))  # noqa: PTH208
    if threads != 1:
        raise layers.LayerError(
            f"the zygote has {threads} threads after its imports; a child would inherit their locks"
        )
    return {"missing": missing, "threads": threads, "python": sys.version.split()[0]}


def main(control_fd: int) -> None:
    """Set up, report the active layers, and serve. A failure is reported on the socket, then the process exits."""
    control = socket.socket(fileno=control_fd)
    setup = marshal.loads(control.recv(SETUP_BYTES))
    try:
        facts = prepare(setup)
        os.dup2(1, 2)
        program_filter = layers.FilterProgram.load(setup["seccomp_child"]) if setup["seccomp_child"] else None
        facts["landlock"] = layers.seal_zygote(setup, own_size_bytes() + setup["memory_bytes"])
        facts |= {"uid": os.getuid(), "pid": os.getpid()}
    except (layers.LayerError, OSError, ValueError) as error:
        control.send(repr({"error": f"{type(error).__name__}: {error}"}).encode())
        return
    control.send(repr(facts).encode())
    gc.collect()
    gc.disable()
    gc.set_threshold(COLLECTED_OBJECTS)
    global _plugs
    _plugs = plug_holes()
    gc.freeze()
    serve(control, setup, program_filter)
