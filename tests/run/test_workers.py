"""What is left of a pipeline that failed."""

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
    """Actors that take every CPU there is."""
    actors = ray.data.ActorPoolStrategy(size=int(ray.cluster_resources()["CPU"]))
    return ray.data.range(40, override_num_blocks=20).map_batches(work, compute=actors, num_cpus=1)


@pytest.mark.timeout(120)
def test_the_next_pipeline_gets_the_cpus_of_a_failed_one_while_its_error_is_held(local_ray):
    with pytest.raises(StageError, match=r"a stage: .*No space left on device") as raised:
        list(rows(pipeline(Fails), "a stage"))
    assert len(list(rows(pipeline(Works), "the next"))) == 40
    assert isinstance(raised.value.__cause__, OSError)
