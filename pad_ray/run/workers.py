"""What every stage on Ray shares: how many actors it gets, and its results or the reason why there are none.

Ray binds a call to its actor. One that loses its node starts again where there is room; where there is none and no node
comes, its calls would wait for ever, and the stage with them. So a stage that waits for nothing else gives up, and the job
starts it again on what is left: what is committed stays.
"""

import logging
import os
import time
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import ray
import ray.data
from ray.actor import ActorHandle
from ray.exceptions import RayError

from pad_ray.errors import NodeLossError, StageError, reason
from pad_ray.run import ray_internals
from pad_ray.run.ray_internals import ExecutionCallback
from pad_ray.words import counted

if TYPE_CHECKING:
    from pad_ray.run.ray_internals import StreamingExecutor

# How long a stage waits for another node, in seconds: an autoscaler needs minutes for one, and a large model minutes to load.
PATIENCE_S = float(os.environ.get("PAD_RAY_NODE_PATIENCE_S", "900"))


def actor_count(asked: int | None, cpus_each: float) -> int:
    """What is asked for, or as many as the cluster's CPUs allow, at least one. Ray must be there."""
    return asked or max(1, int(ray.cluster_resources().get("CPU", 1) // cpus_each))


def dead_nodes() -> int:
    """Nodes that the cluster has lost since it started."""
    return sum(not node["Alive"] for node in ray.nodes())


class Patience:
    """Measures for how long a stage made no progress since a node was lost; `dead` were lost before its actors started."""

    def __init__(self, dead: int | None = None) -> None:
        self.dead = dead_nodes() if dead is None else dead
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
                f"lost {counted(lost, 'node')}, no other came in {PATIENCE_S:.0f} s, and only lost work is left"
            )


class PipelineWatch(ExecutionCallback):  # type: ignore[misc]  # Ray has no types for it
    """Ends a Ray Data pipeline that waits for actors without a place, and the actors of one that failed."""

    def __init__(self) -> None:
        self.patience = Patience()
        self.finished = 0
        self.actors: list[ActorHandle] = []

    def on_execution_step(self, executor: "StreamingExecutor") -> None:
        """Ray Data calls it in every turn of its loop."""
        if held := ray_internals.actors(executor):
            self.actors = held
        finished = ray_internals.finished_tasks(executor)
        if ray_internals.restarting_actors(executor) and finished == self.finished:
            self.patience.check()
        else:
            self.patience.progress()
        self.finished = finished

    def after_execution_succeeds(self, executor: "StreamingExecutor") -> None:
        """Ray Data lets go of the actors; so does this."""
        self.actors = []

    def after_execution_fails(self, executor: "StreamingExecutor", error: Exception) -> None:
        """End the actors once they have done what they were given.

        Ray Data lets go of them, which ends none while a frame of the error or of the loop's thread refers to it; and the next
        pipeline of this process would wait for their CPUs for ever.
        """
        ray_internals.end(self.actors)
        self.actors = []


def configure_pipelines() -> None:
    """Set how Ray Data works in this process; its pipelines are made after it."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.custom_execution_callback_classes = [PipelineWatch]
    # An error of ours that a worker raises arrives as it is, and not as text within another.
    context.raise_original_map_exception = True
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    # Ray has no other name yet for the restart limit of an actor pool.
    warnings.filterwarnings("ignore", message="`ray_remote_args` is deprecated")


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
    except NodeLossError as error:
        raise NodeLossError(f"{stage}: {error}") from error
    except (RayError, OSError) as error:
        raise failure(stage, error) from error


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
