"""The private names of Ray that this library uses, and why; `tests/test_internals.py` says which an upgrade took away."""

from collections.abc import Iterable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from ray.actor import ActorHandle
from ray.data._internal.execution.execution_callback import ExecutionCallback
from ray.data._internal.execution.operators.actor_pool_map_operator import ActorPoolMapOperator

if TYPE_CHECKING:
    from ray.data._internal.execution.streaming_executor import StreamingExecutor

__all__ = ["ExecutionCallback", "StreamingExecutor", "actors", "end", "finished_tasks", "recall", "restarting_actors"]


def actors(executor: "StreamingExecutor") -> list[ActorHandle]:
    """The actors of a pipeline, those that wait for a place included. Ray Data has no public view of them."""
    pools = [operator._actor_pool for operator in executor._topology if isinstance(operator, ActorPoolMapOperator)]
    return [actor for pool in pools for actor in (*pool._pending_actors.values(), *pool._running_actors)]


def restarting_actors(executor: "StreamingExecutor") -> int:
    """The actors of a pipeline that wait for a place after they lost theirs."""
    return sum(operator.get_actor_info().restarting for operator in executor._topology)


def finished_tasks(executor: "StreamingExecutor") -> int:
    """The tasks of a pipeline that are done."""
    return sum(operator.metrics.num_tasks_finished for operator in executor._topology)


def end(pool: Iterable[ActorHandle]) -> None:
    """End actors once they have done what they were given; `ray.kill` would not wait for that."""
    for actor in pool:
        actor.__ray_terminate__.options(max_task_retries=0).remote()


def recall(scheduler: Any, trial: str, measured: int, value: float) -> None:
    """Tell ASHA what a trial of an earlier call reported. Its public methods take trials of the present call alone."""
    scheduler._brackets[0].on_result(SimpleNamespace(trial_id=f"earlier-{trial}"), measured, value)
