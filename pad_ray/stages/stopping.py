"""What ends a job from outside: signals, and another job on the same run folder."""

import signal
import threading
from contextlib import suppress
from pathlib import Path
from types import FrameType

from filelock import FileLock, Timeout

from pad_ray.errors import InputError
from pad_ray.run.folder import RunDir

LOCK = ".lock"
SIGNALS = {signal.SIGINT: "Ctrl-C", signal.SIGTERM: "SIGTERM"}


_received: list[int] = []


def interrupt_on_signals() -> None:
    """Let signals raise KeyboardInterrupt, the only exception that Ray's calls pass on from a signal handler.

    Call it again after `ray.init`, which sets its own handler.
    """
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            signal.signal(number, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    ignore_signals()
    _received.append(number)
    raise KeyboardInterrupt


def received() -> tuple[str, int]:
    """The name of the signal that has ended the job, and the exit status: 128 and its number, as in a shell."""
    number = _received.pop() if _received else int(signal.SIGINT)
    return SIGNALS[signal.Signals(number)], 128 + number


def ignore_signals() -> None:
    """A second signal must not interrupt the end of the job."""
    if threading.current_thread() is threading.main_thread():
        for number in SIGNALS:
            signal.signal(number, signal.SIG_IGN)


_held: list[FileLock] = []


def hold(folder: RunDir) -> None:
    """Hold the lock of a run folder until `release`; if this process holds it already, do nothing.

    The operating system releases the lock if the process dies. Object stores have no locks.

    Raises:
        InputError: another job works on the folder.
    """
    if not folder.is_local:
        return
    path = folder.local_path(LOCK)
    if any(lock.lock_file == str(path) for lock in _held):
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(
            f"{folder.root}: another job works on this run folder; wait for its end, or give another --run-dir"
        ) from None
    _held.append(lock)


def release() -> None:
    """Release every lock that this process holds, and remove the files."""
    while _held:
        lock = _held.pop()
        with suppress(OSError):
            Path(lock.lock_file).unlink()
        lock.release()
