"""All uses of private names of Ray, with their reasons. `tests/test_internals.py` reports names that an upgrade removed."""

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


def recall(scheduler: Any, trial: str, measured: int, value: float) -> None:
    """Report a value of a trial from an earlier call to ASHA, whose public methods accept only trials of this call."""
    scheduler._brackets[0].on_result(SimpleNamespace(trial_id=f"earlier-{trial}"), measured, value)
