"""What every stage on Ray shares: how many actors it gets, and its results or the reason why there are none.

Ray binds a call to its actor. One that loses its node starts again where there is room; where there is none and no node
comes, its calls would wait for ever, and the stage with them. So a stage that waits for nothing else gives up, and the job
starts it again on what is left: what is committed stays.
"""

import gc
import os
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import ray
import ray.data
from ray.data._internal.execution.execution_callback import ExecutionCallback
from ray.exceptions import RayError

from pad_ray.errors import NodeLossError, StageError, reason

if TYPE_CHECKING:
    from ray.data._internal.execution.streaming_executor import StreamingExecutor

# How long a stage waits for another node, in seconds: an autoscaler needs minutes for one, and a large model minutes to load.
PATIENCE_S = float(os.environ.get("PAD_RAY_NODE_PATIENCE_S", "900"))


def actor_count(asked: int | None, cpus_each: float) -> int:
    """What is asked for, or as many as the cluster's CPUs allow, at least one. Ray must be there."""
    return asked or max(1, int(ray.cluster_resources().get("CPU", 1) // cpus_each))


def dead_nodes() -> int:
    """Nodes that the cluster has lost since it started."""
    return sum(not node["Alive"] for node in ray.nodes())


class Patience:
    """Measures for how long a stage made no progress since a node was lost."""

    def __init__(self) -> None:
        self.dead = dead_nodes()
        self.since = time.monotonic()

    def progress(self) -> None:
        """The stage got on."""
        self.since = time.monotonic()

    def check(self) -> None:
        """Called now and then while the stage waits.

        Raises:
            NodeLossError: it has waited for `PATIENCE_S` seconds, and a node was lost since it began.
        """
        if time.monotonic() - self.since > PATIENCE_S and (lost := dead_nodes() - self.dead) > 0:
            raise NodeLossError(
                f"{lost} nodes were lost, no other came in {PATIENCE_S:.0f} s, and only their work is left"
            )


class PipelineWatch(ExecutionCallback):  # type: ignore[misc]  # Ray has no types for it
    """Ends a Ray Data pipeline that waits for actors without a place."""

    def __init__(self) -> None:
        self.patience = Patience()
        self.finished = 0

    def on_execution_step(self, executor: "StreamingExecutor") -> None:
        """Ray Data calls it in every turn of its loop."""
        operators = list(executor._topology)
        restarting = sum(operator.get_actor_info().restarting for operator in operators)
        finished = sum(operator.metrics.num_tasks_finished for operator in operators)
        if restarting and finished == self.finished:
            self.patience.check()
        else:
            self.patience.progress()
        self.finished = finished


def first_done(references: Sequence[Any], patience: Patience) -> Any:
    """Wait for one of several calls of actors.

    Raises:
        NodeLossError: see `Patience.check`.
    """
    while True:
        done, _ = ray.wait(references, num_returns=1, timeout=PATIENCE_S)
        if done:
            patience.progress()
            return done[0]
        patience.check()


def rows(dataset: ray.data.Dataset, stage: str) -> Iterator[dict[str, Any]]:
    """The rows of a pipeline whose workers commit what they make.

    Raises:
        StageError: a worker failed for good, or the store fails; it names the stage and the first cause.
    """
    # What the Ray dashboard calls it, beside the names of its operators.
    dataset.set_name(stage)
    try:
        yield from dataset.iter_rows()
        return
    except NodeLossError as error:
        failed: StageError = NodeLossError(f"{stage}: {error}")
    except (RayError, OSError) as error:
        failed = failure(stage, error)
    # Not chained: the frames of Ray's error hold the failed pipeline's actors and these their CPUs, for which the next
    # pipeline of this process would wait for ever. Ray has printed the traceback.
    del dataset
    gc.collect()
    raise failed


def failure(stage: str, error: BaseException) -> StageError:
    """What to tell of a stage whose workers commit what they make, and failed."""
    return StageError(f"{stage}: {reason(error)}; what is committed stays, the same command continues")


def add_counts(total: object, part: Mapping[str, Any]) -> None:
    """Add the numbers and counters of a worker's part to the attributes of the same names."""
    for name, value in part.items():
        mine = getattr(total, name)
        if isinstance(mine, Counter):
            mine.update(value)
        else:
            setattr(total, name, mine + value)
