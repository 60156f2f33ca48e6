"""All uses of private names of Ray, with their reasons. `tests/test_internals.py` reports names that an upgrade removed."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import TYPE_CHECKING, Any

import ray
from ray.actor import ActorHandle
from ray.data._internal.execution.execution_callback import ExecutionCallback
from ray.data._internal.execution.operators.actor_pool_map_operator import ActorPoolMapOperator
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

if TYPE_CHECKING:
    from ray.data._internal.execution.streaming_executor import StreamingExecutor

__all__ = [
    "ExecutionCallback",
    "StreamingExecutor",
    "actors",
    "end",
    "finished_tasks",
    "provoke_restart_warning",
    "restarting_actors",
    "stderr_without",
    "withhold_credentials",
]

RESTART_WARNING = r"core_worker\.cc:\d+: Actor with class name: .* has constructor arguments in the object store"
CREDENTIALS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SECURITY_TOKEN", "AWS_SESSION_TOKEN")
# The id of a node that no cluster has: an actor that must run on this node is never started.
NO_NODE = "0" * 56
FILTER_ENDS_WITHIN_S = 10.0
# Copies the lines of its stdin to stderr, except those that match. It ends when all writers have closed the pipe.
FILTER = """
import os, re, sys

def copy(data):
    while data:
        data = data[os.write(2, data):]

pattern, rest = re.compile(os.fsencode(sys.argv[1])), b""
while chunk := os.read(0, 65536):
    *lines, rest = (rest + chunk).split(b"\\n")
    copy(b"".join(line + b"\\n" for line in lines if not pattern.search(line)))
copy(rest if not pattern.search(rest) else b"")
"""


def actors(executor: "StreamingExecutor") -> list[ActorHandle]:
    """The actors of a pipeline, pending ones included. Ray Data has no public view of them."""
    pools = [operator._actor_pool for operator in executor._topology if isinstance(operator, ActorPoolMapOperator)]
    return [actor for pool in pools for actor in (*pool._pending_actors.values(), *pool._running_actors)]


def restarting_actors(executor: "StreamingExecutor") -> int:
    """The number of actors of a pipeline that lost their node and wait to be placed again."""
    return sum(operator.get_actor_info().restarting for operator in executor._topology)


def finished_tasks(executor: "StreamingExecutor") -> int:
    """The number of finished tasks of a pipeline."""
    return sum(operator.metrics.num_tasks_finished for operator in executor._topology)


def end(pool: Iterable[ActorHandle]) -> None:
    """End actors after the calls that they have accepted; `ray.kill` would not wait for those."""
    for actor in pool:
        actor.__ray_terminate__.options(max_task_retries=0).remote()


def withhold_credentials() -> None:
    """Keep the driver's AWS credentials out of the trials of Ray Tune, which has no option for it.

    Tune would send them in data that every node logs; nodes have their own credentials.
    """
    from ray.tune.execution.class_cache import ENV_VARS_TO_PROPAGATE

    ENV_VARS_TO_PROPAGATE.difference_update(CREDENTIALS)


class IdleActor:
    """An actor for `provoke_restart_warning`."""

    def __init__(self, reference: Any) -> None: ...


@cache
def provoke_restart_warning() -> None:
    """Make Ray print its warning about restartable actors now, and hide it.

    Ray's C++ log prints `[... E ...] core_worker.cc: Actor with class name ... has constructor arguments in the object store
    and max_restarts > 0` to stderr, once per process, for the first actor of that kind. Ray Data creates all its actors
    in this way, and the driver holds their arguments as long as the pipeline runs. So the warning does not apply here; it only
    looks like an error in the first seconds of a run. `RAY_BACKEND_LOG_LEVEL` would also hide every real error of the driver
    and, with a local Ray, of its daemons.

    Therefore this function creates one such actor, which never starts, while a filter removes the line from stderr. It takes
    some milliseconds, once per process. Call it when Ray runs. The driver's log file in Ray's folder still has the line.
    """
    never = NodeAffinitySchedulingStrategy(NO_NODE, soft=False)
    actor = ray.remote(num_cpus=0, max_restarts=-1, scheduling_strategy=never)(IdleActor)
    reference = ray.put(None)
    with stderr_without(RESTART_WARNING):
        actor.remote(reference)


@contextmanager
def stderr_without(pattern: str) -> Iterator[None]:
    """Remove matching lines from file descriptor 2 of this process; all other lines reach their destination, in order.

    Another process copies the output at once, and copies all of it even if this process is killed. If stderr is closed, or no
    process can be started, nothing is filtered. A process that another thread starts meanwhile inherits the filter, which then
    lives as long as that process.
    """
    try:
        original = os.dup(2)
    except OSError:
        yield
        return
    try:
        with _filter(pattern):
            try:
                yield
            finally:
                os.dup2(original, 2)
    finally:
        os.close(original)


@contextmanager
def _filter(pattern: str) -> Iterator[None]:
    """Send stderr through a filter. At the end, when the caller has restored stderr, wait for the filter to end."""
    try:
        # Use a separate session: Ctrl-C must not end the filter before it has copied everything.
        command = [sys.executable, "-I", "-S", "-c", FILTER, pattern]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)
    except OSError:
        yield
        return
    assert process.stdin is not None
    try:
        os.dup2(process.stdin.fileno(), 2)
        yield
    finally:
        process.stdin.close()
        with suppress(subprocess.TimeoutExpired):
            process.wait(FILTER_ENDS_WITHIN_S)
