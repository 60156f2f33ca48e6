"""Code shared by all stages on Ray: the number of actors, and the results or the reason for a failure.

Ray binds a call to its actor. An actor that loses its node restarts on another node with room. If no node has room and none
joins, its calls, and so the stage, would wait for ever. So a stage that waits only for such calls gives up after `PATIENCE_S`
seconds, and the job runs it again on the remaining nodes; committed work is kept.
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

# Seconds that a stage waits for a new node: an autoscaler needs minutes to add one, and a large model minutes to load.
PATIENCE_S = float(os.environ.get("PAD_RAY_NODE_PATIENCE_S", "900"))


def actor_count(asked: int | None, cpus_each: float) -> int:
    """`asked` if set, else as many as the cluster's CPUs allow, at least one. Ray must be running."""
    return asked or max(1, int(ray.cluster_resources().get("CPU", 1) // cpus_each))


def dead_nodes() -> int:
    """The number of nodes that the cluster has lost since it started."""
    return sum(not node["Alive"] for node in ray.nodes())


class Patience:
    """Measures how long a stage has made no progress; `dead` nodes were lost before its actors started."""

    def __init__(self, dead: int | None = None) -> None:
        self.dead = dead_nodes() if dead is None else dead
        self.since = time.monotonic()

    def progress(self) -> None:
        """The stage made progress."""
        self.since = time.monotonic()

    def check(self) -> None:
        """Call this regularly while the stage waits.

        Raises:
            NodeLossError: the stage has waited for `PATIENCE_S` seconds, and a node was lost since it began.
        """
        if time.monotonic() - self.since > PATIENCE_S and (lost := dead_nodes() - self.dead) > 0:
            raise NodeLossError(
                f"lost {counted(lost, 'node')}, none joined in {PATIENCE_S:.0f} s, and only lost work is left"
            )


class PipelineWatch(ExecutionCallback):  # type: ignore[misc]  # Ray has no types for it
    """Ends a Ray Data pipeline that waits for actors that cannot be placed, and ends the actors of a failed pipeline."""

    def __init__(self) -> None:
        self.patience = Patience()
        self.finished = 0
        self.actors: list[ActorHandle] = []

    def on_execution_step(self, executor: "StreamingExecutor") -> None:
        """Called by Ray Data in every iteration of its loop."""
        if held := ray_internals.actors(executor):
            self.actors = held
        finished = ray_internals.finished_tasks(executor)
        if ray_internals.restarting_actors(executor) and finished == self.finished:
            self.patience.check()
        else:
            self.patience.progress()
        self.finished = finished

    def after_execution_succeeds(self, executor: "StreamingExecutor") -> None:
        """Drop the handles of the actors, as Ray Data does."""
        self.actors = []

    def after_execution_fails(self, executor: "StreamingExecutor", error: Exception) -> None:
        """End the actors after the calls that they have accepted.

        Ray Data only drops its handles. Frames of the error or of the loop's thread may still refer to an actor and keep it
        alive; the next pipeline of this process would then wait for its CPUs for ever.
        """
        ray_internals.end(self.actors)
        self.actors = []


def configure_pipelines() -> None:
    """Configure Ray Data in this process. Call this before creating pipelines."""
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.custom_execution_callback_classes = [PipelineWatch]
    # Pass our exceptions from workers on unchanged, instead of as text within another exception.
    context.raise_original_map_exception = True
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    # Ray has no replacement yet for the restart limit of an actor pool.
    warnings.filterwarnings("ignore", message="`ray_remote_args` is deprecated")


def first_done(references: Sequence[Any], patience: Patience) -> Any:
    """Wait for the first of several actor calls to finish.

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
    """The rows of a pipeline whose workers commit their own results.

    Raises:
        StageError: a worker failed for good, or the store failed; the message names the stage and the first cause.
    """
    # The name in the Ray dashboard.
    dataset.set_name(stage)
    try:
        yield from dataset.iter_rows()
    except NodeLossError as error:
        raise NodeLossError(f"{stage}: {error}") from error
    except (RayError, OSError) as error:
        raise failure(stage, error) from error


def failure(stage: str, error: BaseException) -> StageError:
    """The error of a failed stage whose workers commit their own results."""
    return StageError(f"{stage}: {reason(error)}; committed work is kept, the same command continues")


def add_counts(total: object, part: Mapping[str, Any]) -> None:
    """Add a worker's numbers and counters to the attributes of the same names."""
    for name, value in part.items():
        mine = getattr(total, name)
        if isinstance(mine, Counter):
            mine.update(value)
        else:
            setattr(total, name, mine + value)
