"""Hostile programs and their expected results. A program that succeeds returns text that starts with 'escaped'.

`expected` lists the accepted results: outcomes or returned values; several if they depend on the machine's speed. `WITH`
names the modules that the sandbox under test must preload, so that the tests reach the kernel's layers instead of failing
on a missing module.
"""

import textwrap
from dataclasses import dataclass

from pad_ray.sandbox.config import LIGHT_IMPORTS
from pad_ray.schema import Outcome

WITH = (
    *LIGHT_IMPORTS,
    *(
        "array",
        "asyncio",
        "atexit",
        "codecs",
        "ctypes",
        "fcntl",
        "gc",
        "mmap",
        "multiprocessing.popen_fork",
        "os",
        "pathlib",
    ),
    *("resource", "select", "signal", "socket", "subprocess", "sys", "threading", "types", "weakref"),
)
BLOCKED, CLEAN = "blocked", "clean"
MARKER = "neighbour" + "marker"
CANARY = "pad_ray_canary"  # in the name of every file that an attack would leave


@dataclass(frozen=True)
class Hostile:
    """One attack; `group` is its target."""

    name: str
    group: str
    program: str
    expected: tuple[str, ...]


def _indented(code: str, depth: int) -> str:
    return textwrap.indent(textwrap.dedent(code).strip("\n"), "    " * depth)


def attempt(group: str, name: str, code: str, *expected: str) -> Hostile:
    """An attack that escapes unless an OSError or RuntimeError stops it."""
    program = (
        "import os, sys\n\ndef solution():\n    try:\n"
        f"{_indented(code, 2)}\n    except (OSError, RuntimeError) as error:\n        return 'blocked'\n    return 'escaped'\n"
    )
    return Hostile(name, group, program, expected or (BLOCKED,))


def body(group: str, name: str, code: str, *expected: str) -> Hostile:
    """The body of `solution`."""
    return Hostile(name, group, f"import os, sys\n\ndef solution():\n{_indented(code, 1)}\n", expected)


def text(group: str, name: str, program: str, *expected: str) -> Hostile:
    """A whole program."""
    return Hostile(name, group, textwrap.dedent(program), expected)


def raw_call(name: str, number: int, arguments: str = "0, 0, 0, 0, 0, 0", *expected: str) -> Hostile:
    """A system call by its x86_64 number; any result except -1 means that the kernel performed it."""
    code = f"""
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall({number}, {arguments}) != -1:
        return 'escaped'
    return 'blocked' if ctypes.get_errno() in (1, 38) else 'escaped: errno %d' % ctypes.get_errno()
    """
    return body("system calls", name, code, *(expected or (BLOCKED,)))


TIMEOUT, MEMORY, FORBIDDEN = Outcome.TIMEOUT.value, Outcome.MEMORY_LIMIT.value, Outcome.FORBIDDEN.value
CRASH, OUTPUT, SILENT = Outcome.OTHER_EXCEPTION.value, Outcome.OUTPUT_LIMIT.value, Outcome.NO_ANSWER.value
SYNTAX, UNCLEAR, TYPE = Outcome.SYNTAX_ERROR.value, Outcome.NOT_COMPARABLE.value, Outcome.TYPE_ERROR.value

TIME = [
    body("time", "infinite loop", "while True: pass", TIMEOUT),
    body(
        "time",
        "loop that catches everything",
        """
        while True:
            try:
                while True: pass
            except BaseException: pass
        """,
        TIMEOUT,
    ),
    body("time", "one huge power", "return 10 ** 10 ** 8 % 7", TIMEOUT),
    body("time", "tower of powers", "return 9 ** 9 ** 9", TIMEOUT),
    body(
        "time", "catastrophic regular expression", "import re; return bool(re.match('(a+)+$', 'a' * 60 + 'b'))", TIMEOUT
    ),
    body("time", "sleep", "import time; time.sleep(10 ** 6); return 1", TIMEOUT),
    body("time", "select for ever", "import select; select.select([], [], []); return 1", TIMEOUT),
    body(
        "time",
        "wait for a lock",
        """
        import threading
        lock = threading.Lock(); lock.acquire(); lock.acquire(); return 1
        """,
        TIMEOUT,
    ),
    body("time", "loop in C", "return sum(range(10 ** 14))", TIMEOUT),
    body(
        "time",
        "loop in __del__",
        """
        class Late:
            def __del__(self):
                while True: pass
        value = Late(); del value; return 1
        """,
        TIMEOUT,
    ),
    body(
        "time",
        "loop in an exception's text",
        """
        class Endless(Exception):
            def __str__(self):
                while True: pass
        raise Endless()
        """,
        TIMEOUT,
    ),
    body(
        "time",
        "loop in a value's repr",
        """
        class Endless(int):
            def __repr__(self):
                while True: pass
            __str__ = __int__ = __index__ = bit_length = __repr__
        return Endless(7)
        """,
        "7",
    ),
    body(
        "time",
        "ignores the limit's signal",
        """
        import signal
        for number in range(1, 65):
            try: signal.signal(number, lambda *rest: None)
            except (OSError, ValueError): pass
        while True: pass
        """,
        TIMEOUT,
    ),
    body("time", "no limit on digits", "sys.set_int_max_str_digits(0); return len(str(7 ** 10 ** 7))", TIMEOUT),
    body("time", "iterator without an end", "return max(iter(int, 1))", TIMEOUT),
    text("time", "loop at import", "while True: pass", TIMEOUT),
    body(
        "time",
        "recursion that doubles",
        """
        def f(n): return f(n - 1) + f(n - 1) if n else 1
        return f(200)
        """,
        TIMEOUT,
    ),
    body(
        "time",
        "endless attribute lookups",
        """
        class Trap:
            def __getattr__(self, name): return getattr(self, name + 'x')
        return Trap().a
        """,
        CRASH,
    ),
    body(
        "time",
        "own timer",
        "import signal; signal.setitimer(signal.ITIMER_REAL, 10); return 'escaped'",
        CRASH,
    ),
]
MEMORIES = [
    body("memory", "one huge text", "return len('x' * 10 ** 11)", MEMORY),
    body(
        "memory",
        "list that grows",
        """
        found = []
        while True: found.append(' ' * 100000)
        """,
        MEMORY,
    ),
    body(
        "memory",
        "bytes that double",
        """
        data = bytearray(1)
        while True: data = data + data
        """,
        MEMORY,
    ),
    body(
        "memory",
        "dictionary that grows",
        """
        found = {}
        while True: found[len(found)] = [0] * 10000
        """,
        MEMORY,
    ),
    body("memory", "mapping", "import mmap; mmap.mmap(-1, 1 << 34); return 'escaped'", CRASH),
    body(
        "memory",
        "catches MemoryError",
        """
        held = []
        while True:
            try: held.append(bytearray(1 << 20))
            except MemoryError: pass
        """,
        TIMEOUT,
    ),
    body(
        "memory",
        "raises its own limit",
        """
        import resource
        resource.setrlimit(resource.RLIMIT_AS, (-1, -1)); return 'escaped'
        """,
        CRASH,
    ),
    body("memory", "list of itself", "return len(list(iter(lambda: [0] * 1000, None)))", MEMORY),
    body("memory", "deep recursion", "return solution()", CRASH),
    # The result depends on which limit this machine reaches first.
    body("memory", "deeper recursion", "sys.setrecursionlimit(10 ** 9); return solution()", TIMEOUT, CRASH),
    body(
        "memory",
        "deep nesting of values",
        """
        value = []
        for _ in range(10 ** 6): value = [value]
        return repr(value)
        """,
        MEMORY,
    ),
    body(
        "memory",
        "comparison of deep values",
        """
        sys.setrecursionlimit(10 ** 9)
        left, right = [], []
        for _ in range(2 * 10 ** 5): left, right = [left], [right]
        return left == right
        """,
        CRASH,
    ),
    body(
        "memory",
        "locked pages",
        """
        import ctypes
        libc = ctypes.CDLL(None)
        return 'escaped' if libc.mlockall(3) == 0 else 'blocked'
        """,
        BLOCKED,
    ),
]
OUTPUTS = [
    body(
        "output",
        "prints for ever",
        """
        while True: print('x' * 1000)
        """,
        OUTPUT,
    ),
    body(
        "output",
        "prints and catches",
        """
        while True:
            try: sys.stderr.write('x' * 1000000)
            except BaseException: pass
        """,
        OUTPUT,
    ),
    body(
        "output",
        "writes to the descriptor",
        """
        while True: os.write(1, b'x' * 100000)
        """,
        TIMEOUT,
    ),
    body(
        "output",
        "writes to the real stream",
        """
        while True: sys.__stdout__.write('x' * 100000)
        """,
        TIMEOUT,
    ),
    body("output", "huge text returned", "return 'x' * 10 ** 7", "x" * 1000),
    body("output", "huge exception", "raise ValueError('x' * 10 ** 7)", CRASH),
    body("output", "huge type name", "return type('x' * 10 ** 6, (), {})()", UNCLEAR),
    body("output", "text that is not Unicode", r"return '\ud800' * 10", "?" * 10),
    body("output", "control characters", r"return '\x1b[2J\x00'", " [2J "),
    body("output", "text turned around", r"return '\u202e81\u2066\u200f\ufeff'", "81"),
    body("output", "folder of the interpreter", "return 'in ' + os.__file__", "in <path>"),
    body("output", "long exception with a long name", "raise type('x' * 60, (ValueError,), {})('x' * 5000)", CRASH),
]
FILES = [
    attempt("files", "read", "open('/etc/passwd').read()"),
    attempt("files", "read by descriptor", "os.open('/etc/passwd', os.O_RDONLY)"),
    attempt("files", "write", "open('/tmp/pad_ray_canary', 'w').write('x')"),
    attempt("files", "write to shared memory", "open('/dev/shm/pad_ray_canary', 'w').write('x')"),
    attempt("files", "list the root", "os.listdir('/')"),
    attempt("files", "existence", "os.stat('/etc/passwd')"),
    attempt(
        "files",
        "existence by access",
        """
        if not os.access('/etc/passwd', os.F_OK): return 'blocked'
        """,
    ),
    attempt("files", "own environment by /proc", "open('/proc/self/environ').read()"),
    attempt("files", "environment of the first process", "open('/proc/1/environ').read()"),
    attempt("files", "memory of the parent", "open('/proc/%d/mem' % os.getppid(), 'rb').read(1)"),
    attempt("files", "own memory by /proc", "open('/proc/self/mem', 'r+b')"),
    attempt("files", "memory map", "open('/proc/self/maps').read()"),
    attempt("files", "descriptors by /proc", "os.listdir('/proc/self/fd')"),
    attempt("files", "interpreter", "open(sys.executable, 'rb')"),
    attempt("files", "make a directory", "os.mkdir('/tmp/pad_ray_canary')"),
    attempt("files", "link", "os.symlink('/etc/passwd', '/tmp/pad_ray_canary')"),
    attempt("files", "remove", "os.unlink('/tmp/pad_ray_canary_kept')"),
    attempt("files", "rename", "os.rename('/tmp/pad_ray_canary_kept', '/tmp/pad_ray_canary')"),
    attempt("files", "rights", "os.chmod('/tmp/pad_ray_canary_kept', 0o777)"),
    attempt("files", "owner", "os.chown('/tmp/pad_ray_canary_kept', os.getuid(), os.getgid())"),
    attempt("files", "times", "os.utime('/tmp/pad_ray_canary_kept')"),
    attempt("files", "truncate", "os.truncate('/tmp/pad_ray_canary_kept', 0)"),
    attempt("files", "change the root", "os.chroot('/tmp')"),
    attempt("files", "change the folder", "os.chdir('/tmp')"),
    attempt("files", "link's target", "os.readlink('/proc/self/exe')"),
    attempt("files", "named pipe", "os.mkfifo('/tmp/pad_ray_canary')"),
    attempt("files", "anonymous file", "os.memfd_create('x')"),
    attempt("files", "pipe", "os.pipe()"),
    attempt("files", "file system's size", "os.statvfs('/')"),
    body(
        "files",
        "secrets in the environment",
        """
        found = [value for value in os.environ.values() if 'secret' in value]
        return 'escaped' if found else 'clean'
        """,
        CLEAN,
    ),
    body(
        "files",
        "descriptors left open",
        """
        found = []
        for fd in range(3, 64):
            try: os.fstat(fd)
            except OSError: continue
            found.append(fd)
        return 'escaped: %s' % found if len(found) > 1 else 'clean'
        """,
        CLEAN,
    ),
    body("files", "more modules", "import sqlite3; return 'escaped'", FORBIDDEN),
]
PROCESSES = [
    attempt("processes", "fork", "os.fork()"),
    body(
        "processes",
        "fork bomb",
        """
        made = 0
        for _ in range(10 ** 5):
            try: made += os.fork() >= 0
            except OSError: pass
        return 'escaped' if made else 'blocked'
        """,
        BLOCKED,
    ),
    attempt("processes", "subprocess", "import subprocess; subprocess.Popen(['/bin/true'])"),
    attempt(
        "processes",
        "shell",
        """
        if os.system('true') != 0: return 'blocked'
        """,
    ),
    attempt("processes", "execute", "os.execv('/bin/true', ['true'])"),
    attempt("processes", "spawn", "os.posix_spawn('/bin/true', ['true'], {})"),
    attempt("processes", "thread", "import threading; threading.Thread(target=print).start()"),
    body(
        "processes",
        "thread bomb",
        """
        import threading
        made = 0
        for _ in range(1000):
            try: threading.Thread(target=print).start(); made += 1
            except RuntimeError: pass
        return 'escaped' if made else 'blocked'
        """,
        BLOCKED,
    ),
    attempt(
        "processes",
        "multiprocessing",
        "import multiprocessing.popen_fork; multiprocessing.get_context('fork').Process().start()",
    ),
    attempt(
        "processes",
        "daemon",
        """
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                import time; time.sleep(600)
            os._exit(0)
        """,
    ),
    attempt("processes", "event loop", "import asyncio; asyncio.run(asyncio.sleep(0))"),
]
SIGNALS = [
    attempt("signals", "parent", "os.kill(os.getppid(), 9)"),
    attempt("signals", "everybody", "os.kill(-1, 9)"),
    attempt("signals", "first process", "os.kill(1, 9)"),
    attempt("signals", "group", "os.killpg(0, 9)"),
    attempt("signals", "stop the parent", "os.kill(os.getppid(), 19)"),
    attempt(
        "signals",
        "neighbours by number",
        """
        made = 0
        for pid in range(2, 400):
            try: os.kill(pid, 0); made += pid != os.getpid()
            except OSError: pass
        if not made: return 'blocked'
        """,
    ),
    attempt(
        "signals", "parent by descriptor", "import signal; signal.pidfd_send_signal(os.pidfd_open(os.getppid()), 9)"
    ),
    attempt(
        "signals",
        "limits of the parent",
        """
        import resource
        resource.prlimit(os.getppid(), resource.RLIMIT_CPU, (1, 1))
        """,
    ),
    attempt(
        "signals", "read the parent's limits", "import resource; resource.prlimit(os.getppid(), resource.RLIMIT_CPU)"
    ),
    attempt("signals", "parent's processors", "os.sched_setaffinity(os.getppid(), {0})"),
    attempt("signals", "parent's priority", "os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)"),
    body("signals", "abort", "os.abort()", CRASH),
    attempt(
        "signals",
        "own parent-death signal",
        """
        import ctypes
        if ctypes.CDLL(None).prctl(1, 0, 0, 0, 0) != 0: return 'blocked'
        """,
    ),
    attempt("signals", "new session", "os.setsid()"),
]
NETWORK = [
    attempt("network", "TCP", "import socket; socket.socket(socket.AF_INET, socket.SOCK_STREAM)"),
    attempt("network", "UDP", "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)"),
    attempt("network", "IPv6", "import socket; socket.socket(socket.AF_INET6, socket.SOCK_STREAM)"),
    attempt("network", "unix", "import socket; socket.socket(socket.AF_UNIX)"),
    attempt("network", "abstract unix", "import socket; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)"),
    attempt("network", "netlink", "import socket; socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)"),
    attempt("network", "packets", "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)"),
    attempt("network", "raw", "import socket; socket.socket(socket.AF_INET, socket.SOCK_RAW, 1)"),
    attempt("network", "virtual machine's host", "import socket; socket.socket(40, socket.SOCK_STREAM)"),
    attempt("network", "pair", "import socket; socket.socketpair()"),
    attempt("network", "names", "import socket; socket.getaddrinfo(b'example.org', 80)"),
    attempt("network", "server", "import socket; socket.create_server(('127.0.0.1', 0))"),
    attempt(
        "network",
        "descriptors as sockets",
        """
        import socket
        for fd in range(64):
            try: data = socket.socket(fileno=fd).recv(100)
            except OSError: continue
            return 'escaped: %r' % data
        return 'blocked'
        """,
    ),
]
PRIVILEGES = [
    attempt(
        "privileges",
        "become root",
        """
        os.setuid(0)
        if os.getuid() == 0: os.setresuid(0, 0, 0)
        """,
    ),
    attempt("privileges", "groups", "os.setgroups([0])"),
    attempt("privileges", "host's name", "import socket; socket.sethostname('pad-ray-canary')"),
    attempt("privileges", "nicer", "os.nice(-5)"),
]
CALLS = [
    raw_call("ptrace attach to the parent", 101, "16, os.getppid(), 0, 0"),
    raw_call("ptrace of itself", 101, "0, 0, 0, 0"),
    raw_call("read the parent's memory", 310, "os.getppid(), 0, 0, 0, 0, 0"),
    raw_call("write the parent's memory", 311, "os.getppid(), 0, 0, 0, 0, 0"),
    raw_call("mount", 165, "b'none', b'/tmp', b'tmpfs', 0, 0"),
    raw_call("new mount interface", 430, "b'tmpfs', 0"),
    raw_call("open a tree", 428, "-100, b'/', 1"),
    raw_call("unmount", 166, "b'/proc', 2"),
    raw_call("change the root of mounts", 155, "b'/', b'/'"),
    raw_call("new namespaces", 272, "0x10000000"),
    raw_call("join a namespace", 308, "0, 0"),
    raw_call("clone with a new user", 56, "0x10000011, 0, 0, 0, 0"),
    raw_call("clone as a thread", 56, "0x00010f00, 0, 0, 0, 0"),
    raw_call("vfork", 58),
    raw_call("clone3", 435, "0, 0"),
    raw_call("execveat", 322, "-100, b'/bin/true', 0, 0, 0"),
    raw_call("keys", 250, "0, -3, 1"),
    raw_call("add a key", 248, "b'user', b'x', b'y', 1, -3"),
    raw_call("BPF", 321, "0, 0, 0"),
    raw_call("performance counters", 298, "0, 0, -1, -1, 0"),
    raw_call("io_uring", 425, "1, 0"),
    raw_call("userfaultfd", 323, "1"),
    raw_call("take a descriptor of another process", 438, "3, 0, 0"),
    raw_call("descriptor of a process", 434, "os.getppid(), 0"),
    raw_call("compare processes", 312, "os.getpid(), os.getppid(), 0, 0, 0"),
    raw_call("own filter", 317, "1, 0, 0"),
    raw_call("allow dumping", 157, "4, 1, 0, 0, 0"),
    raw_call("personality", 135, "0x0040000"),
    raw_call("shared memory segment", 29, "0, 4096, 0o1600"),
    raw_call("semaphores", 64, "0, 1, 0o1600"),
    raw_call("message queue", 68, "0, 0o1600"),
    raw_call("POSIX message queue", 240, "b'pad_ray_canary', 0o102, 0o600, 0"),
    raw_call("open by handle", 304, "0, 0, 0"),
    raw_call("openat2", 437, "-100, b'/', 0, 0"),
    raw_call("watch files", 294, "0"),
    raw_call("watch everything", 300, "0, 0"),
    raw_call("timer descriptor", 283, "1, 0"),
    raw_call("event descriptor", 290, "0, 0"),
    raw_call("posix timer", 222, "1, 0, 0"),
    raw_call("alarm", 37, "1"),
    raw_call("splice", 275, "0, 0, 1, 0, 1, 0"),
    raw_call("send a file", 40, "1, 0, 0, 1"),
    raw_call("kernel's log", 103, "3, 0, 0"),
    raw_call("other process's memory advice", 440, "3, 0, 0, 0, 0"),
    raw_call("secret memory", 447, "0"),
    raw_call("Landlock of its own", 444, "0, 0, 1"),
    raw_call("local descriptor table", 154, "0, 0, 0"),
    raw_call("duplicate a descriptor", 33, "1, 2"),
    raw_call("lock a file", 73, "1, 2"),
    raw_call("clock of the parent", 228, "ctypes.c_int((~os.getppid() << 3) | 2), ctypes.create_string_buffer(16)"),
    raw_call(
        "clock of a thread of the parent",
        228,
        "ctypes.c_int((~os.getppid() << 3) | 6), ctypes.create_string_buffer(16)",
    ),
    raw_call("clock of the first process", 228, "ctypes.c_int((~1 << 3) | 2), ctypes.create_string_buffer(16)"),
    raw_call("resolution of the parent's clock", 229, "ctypes.c_int((~os.getppid() << 3) | 2), 0"),
    raw_call(
        "sleep by the parent's clock",
        230,
        "ctypes.c_int((~os.getppid() << 3) | 2), 0, ctypes.create_string_buffer(16), 0",
    ),
    raw_call("cores of the parent", 204, "os.getppid(), 128, ctypes.create_string_buffer(128)"),
    raw_call("cores of the first process", 204, "1, 128, ctypes.create_string_buffer(128)"),
    raw_call("number of processes", 99, "ctypes.create_string_buffer(256)"),
    raw_call("scheduler of the parent", 145, "os.getppid()"),
    raw_call("scheduling of the parent", 143, "os.getppid(), ctypes.create_string_buffer(16)"),
    raw_call("time slice of the parent", 148, "os.getppid(), ctypes.create_string_buffer(16)"),
    raw_call("attributes of the parent's scheduling", 315, "os.getppid(), ctypes.create_string_buffer(64), 64, 0"),
    raw_call("priority of the parent", 140, "0, os.getppid()"),
    raw_call("input priority of the parent", 252, "1, os.getppid()"),
    raw_call("session of the parent", 124, "os.getppid()"),
    raw_call("group of the parent", 121, "os.getppid()"),
    raw_call(
        "futexes of the parent", 274, "os.getppid(), ctypes.create_string_buffer(8), ctypes.create_string_buffer(8)"
    ),
    raw_call("capabilities of the parent", 125, "ctypes.create_string_buffer(8), ctypes.create_string_buffer(24)"),
    raw_call("move the parent's pages", 256, "os.getppid(), 0, 0, 0"),
    raw_call("x32 getpid", 0x40000000 + 39, "0", FORBIDDEN),
    raw_call("unknown call", 9999),
    attempt("system calls", "non-blocking flag", "import fcntl; fcntl.fcntl(1, fcntl.F_SETFL, os.O_NONBLOCK)"),
    attempt("system calls", "owner of signals", "import fcntl; fcntl.fcntl(1, fcntl.F_SETOWN, os.getppid())"),
    attempt("system calls", "typing into a terminal", "import fcntl; fcntl.ioctl(0, 0x5412, b'x')"),
    attempt("system calls", "executable memory", "import mmap; mmap.mmap(-1, 4096, prot=7)"),
    attempt(
        "system calls",
        "32-bit call",
        """
        import ctypes, mmap
        code = mmap.mmap(-1, 4096, prot=7)
        code.write(b'\\xb8\\x14\\x00\\x00\\x00\\xcd\\x80\\xc3')  # mov eax, 20 (getpid); int 0x80; ret
        ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()
        """,
    ),
]
INTEGRITY = [
    # Writing one's own result is equivalent to returning it: it affects only the program's own verdict.
    body(
        "integrity",
        "forges its own result",
        """
        for fd in range(3, 64):
            try: os.write(fd, b'\\x07\\x00vint\\x0042')
            except OSError: pass
        os._exit(0)
        """,
        "42",
    ),
    body(
        "integrity",
        "forges and returns",
        """
        for fd in range(3, 64):
            try: os.write(fd, b'\\x07\\x00vint\\x0042')
            except OSError: pass
        return 43
        """,
        FORBIDDEN,
    ),
    body(
        "integrity",
        "forges garbage",
        """
        for fd in range(3, 64):
            try: os.write(fd, os.urandom(100))
            except OSError: pass
        os._exit(0)
        """,
        FORBIDDEN,
    ),
    body(
        "integrity",
        "fills the pipe",
        """
        for fd in range(3, 64):
            try:
                while True: os.write(fd, b'x' * 65536)
            except OSError: pass
        return 1
        """,
        FORBIDDEN,
    ),
    *(
        body(
            "integrity",
            f"forges {name}",
            f"""
            for fd in range(3, 64):
                try: os.write(fd, ({length}).to_bytes(2, 'little') + b'vstr\\0' + b'x' * {length - 5} + b'more' * {more})
                except OSError: pass
            os._exit(0)
            """,
            FORBIDDEN,
        )
        for name, length, more in (
            ("a text of 1,001 characters", 1006, 0),
            ("a text that fills what is read", 8189, 0),
            ("bytes behind a text that fills what is read", 8189, 50),
            ("bytes behind a result", 6, 1),
        )
    ),
    body("integrity", "closes every descriptor", "os.closerange(0, 64); return 1", SILENT),
    *(body("integrity", f"exits with {code}", f"os._exit({code})", SILENT) for code in (0, 1, 2, 122, 255)),
    body("integrity", "SystemExit", "sys.exit(0)", CRASH),
    body("integrity", "KeyboardInterrupt", "raise KeyboardInterrupt", CRASH),
    body("integrity", "GeneratorExit", "raise GeneratorExit", CRASH),
    body(
        "integrity",
        "poisoned builtins",
        """
        import builtins
        for name in ('int', 'float', 'str', 'isinstance', 'type', 'len', 'compile', 'exec', 'print', '__import__'):
            setattr(builtins, name, lambda *rest, **named: 666)
        return 1
        """,
        FORBIDDEN,  # the frame has the length that its overridden len() returns
    ),
    body(
        "integrity",
        "poisoned small integers",
        """
        import ctypes
        ctypes.c_uint32.from_address(id(7) + 24).value = 8
        ctypes.c_uint32.from_address(id(3) + 24).value = 5
        return 1
        """,
        SILENT,
    ),
    body(
        "integrity",
        "poisoned modules",
        """
        import math
        math.sqrt = math.floor = math.ceil = lambda value: 666
        for name in list(sys.modules): sys.modules[name] = None
        return 1
        """,
        "1",
    ),
    body(
        "integrity",
        "poisoned codecs",
        """
        import codecs
        codecs.register(lambda name: None)
        codecs.register_error('replace', lambda error: ('666', error.end))
        return 1
        """,
        "1",
    ),
    body(
        "integrity",
        "poisoned types",
        """
        import gc
        for kind in (dict, str, int, float):
            methods = gc.get_referents(kind.__dict__)[0]
            methods['__repr__'] = methods['__getitem__'] = methods['bit_length'] = lambda *rest: 'escaped'
        return 7
        """,
        CRASH,
    ),
    body("integrity", "poisoned exit", "os._exit = lambda code: None; return 1", "1"),
    body(
        "integrity",
        "poisoned zygote",
        """
        for name, module in list(sys.modules.items()):
            if name.startswith('inside') and module:
                for key in list(vars(module)): setattr(module, key, lambda *rest: ('v', 'int', '42'))
        return 1
        """,
        SILENT,
    ),
    body(
        "integrity",
        "at exit",
        """
        import atexit
        atexit.register(lambda: os.write(3, b'x'))
        return 1
        """,
        "1",
    ),
    body("integrity", "trace function", "sys.settrace(lambda *rest: 1 / 0); return 1", "zero_division"),
    body(
        "integrity",
        "frames of the zygote",
        """
        found, frame = [], sys._getframe()
        while frame:
            found += [value for value in frame.f_locals.values() if isinstance(value, (str, bytes))]
            frame = frame.f_back
        needle = 'rekramruobhgien'[::-1]
        return 'escaped' if any(needle in str(value) for value in found) else 'clean'
        """,
        CLEAN,
    ),
    body(
        "integrity",
        "objects of the zygote",
        """
        import gc
        needle = 'rekramruobhgien'[::-1]
        for item in gc.get_objects():
            if isinstance(item, (dict, list, tuple)):
                try: texts = [value for value in (item.values() if isinstance(item, dict) else item) if type(value) is str]
                except Exception: continue
                if any(needle in value for value in texts): return 'escaped'
        return 'clean'
        """,
        CLEAN,
    ),
    body(
        "integrity",
        "memory of the interpreter",
        """
        import ctypes
        own, needle = 'mine' * 5, bytes(reversed(b'rekramruobhgien'))
        items = [item for module in sys.modules.values() for item in (module, *vars(module).values())]
        pages = {id(item) >> 12 for item in [own, needle, *items, *map(str, range(1000))]}
        seen = b''.join(ctypes.string_at(page << 12, 1 << 12) for page in pages)
        if own.encode() not in seen: return 'saw nothing'
        return 'escaped' if seen.count(needle) > 2 else 'clean'  # its own needle, and a copy of that
        """,
        CLEAN,
    ),
    body(
        "integrity",
        "expected answer in memory",
        """
        import gc
        return 'escaped' if any(type(item) is dict and 'gold' in item for item in gc.get_objects()) else 'clean'
        """,
        CLEAN,
    ),
    body(
        "integrity",
        "evil text",
        """
        class Evil(str):
            def __getitem__(self, index): return 'escaped'
            def encode(self, *rest): return b'escaped'
        return Evil('7')
        """,
        "7",
    ),
    body(
        "integrity",
        "evil fraction",
        """
        class Fraction:
            numerator, denominator = 'escaped', 1
            def __str__(self): return 'escaped'
        return Fraction()
        """,
        UNCLEAR,
    ),
    body(
        "integrity",
        "evil class",
        """
        class Evil:
            __class__ = int
            def __int__(self): return 42
        return Evil()
        """,
        TYPE,
    ),
    body(
        "integrity",
        "evil exception",
        """
        class NameError(Exception):
            def __str__(self): return 5
        raise NameError()
        """,
        SILENT,
    ),
    body("integrity", "null pointer", "import ctypes; return ctypes.string_at(0)", CRASH),
    body(
        "integrity",
        "wild pointer",
        "import ctypes; ctypes.memset(id(None) - 4096, 255, 8192); return 1",
        CRASH,
    ),
    body(
        "integrity",
        "broken bytecode",
        """
        code = solution.__code__.replace(co_code=bytes([100, 255] * 50), co_consts=())
        return type(solution)(code, {})()
        """,
        CRASH,
    ),
    body("integrity", "asks for input", "return input()", CRASH),
]
SOURCES = [
    text("source", "deep brackets", "(" * 5000 + ")" * 5000, SYNTAX),
    text("source", "deep lists", "def solution():\n return " + "[" * 150 + "]" * 150, UNCLEAR),
    text("source", "many signs", "def solution():\n return " + "-" * 12000 + "1", MEMORY),
    text(
        "source",
        "long chain of attributes",
        "def solution():\n return a" + ".a" * 7000,
        CRASH,
    ),
    text("source", "long sum", "def solution():\n return " + "1+" * 7000 + "1", CRASH),
    text("source", "deep blocks", "\n".join(" " * depth + "if 1:" for depth in range(110)), SYNTAX),
    text("source", "many decorators", "@f\n" * 5000 + "def solution(): pass", "name_error"),
    text("source", "constants that fold", "def solution():\n return (" + "1000**" * 6 + "2) % 7", TIMEOUT),
    text("source", "text that folds", "def solution():\n return len('x' * 10**9 * 100)", MEMORY),
    text("source", "NUL", "def solution():\n return '\0'", SYNTAX),
    text("source", "not Unicode", "def solution():\n return '\ud800'", SYNTAX),
    text("source", "too long", "x = 1\n" * 10000, SYNTAX),
    text("source", "huge number", "def solution():\n return " + "9" * 10000, SYNTAX),
    text("source", "other encoding", "# coding: utf-7\ndef solution():\n return 1", "1"),
    text("source", "empty", "", SILENT),
    text(
        "source",
        "replaces the builtins",
        "__builtins__ = None\ndef solution():\n return len",
        TYPE,
    ),
    text("source", "solution is no function", "solution = 42", TYPE),
    text("source", "solution is a generator", "def solution():\n    yield 42", UNCLEAR),
    text("source", "solution waits", "async def solution():\n    return 42", UNCLEAR),
]
ALL = [*TIME, *MEMORIES, *OUTPUTS, *FILES, *PROCESSES, *SIGNALS, *NETWORK, *PRIVILEGES, *CALLS, *INTEGRITY, *SOURCES]
