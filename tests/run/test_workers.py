"""The clean-up after a failed pipeline."""

import pytest
import ray.data

from pad_ray.errors import StageError
from pad_ray.run.workers import rows


class Fails:
    def __call__(self, batch):
        raise OSError("No space left on device")


class Works:
    def __call__(self, batch):
        return batch


def pipeline(work):
    """A pipeline whose actors take every CPU."""
    actors = ray.data.ActorPoolStrategy(size=int(ray.cluster_resources()["CPU"]))
    return ray.data.range(40, override_num_blocks=20).map_batches(work, compute=actors, num_cpus=1)


@pytest.mark.timeout(120)
def test_a_failed_pipeline_frees_its_cpus_even_while_its_error_is_held(local_ray):
    with pytest.raises(StageError, match=r"a stage: .*No space left on device") as raised:
        list(rows(pipeline(Fails), "a stage"))
    assert len(list(rows(pipeline(Works), "the next"))) == 40
    assert isinstance(raised.value.__cause__, OSError)
