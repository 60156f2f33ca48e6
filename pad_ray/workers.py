"""What every stage on Ray shares: how many actors it gets, and its results or the reason why there are none."""

import gc
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import ray
from ray.exceptions import RayError

from pad_ray.errors import StageError, reason


def actor_count(asked: int | None, cpus_each: float) -> int:
    """What is asked for, or as many as the cluster's CPUs allow, at least one. Ray must be there."""
    return asked or max(1, int(ray.cluster_resources().get("CPU", 1) // cpus_each))


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
