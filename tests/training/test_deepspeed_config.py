import pytest

from pad_ray.training.config import TrainingConfig
from pad_ray.training.deepspeed_config import Placement, deepspeed_settings, place, state_bytes

BILLION = 10**9
GIB = 2**30


def placed(memory_gib, *, workers=8, parameters=7 * BILLION, on_gpu=True, **changes):
    return place(TrainingConfig(**changes), parameters, parameters, workers, memory_gib * GIB, on_gpu=on_gpu)


def test_full_training_in_bfloat16_takes_sixteen_bytes_per_parameter():
    config = TrainingConfig(precision="bfloat16")
    assert state_bytes(BILLION, BILLION, config, 4, Placement(0, "none")) == 16 * BILLION
    assert state_bytes(BILLION, BILLION, config, 4, Placement(3, "none")) == 4 * BILLION


@pytest.mark.parametrize(
    ("memory_gib", "expected"),
    [(160, Placement(1, "none")), (52, Placement(2, "none")), (28, Placement(3, "none")), (12, Placement(3, "cpu"))],
)
def test_the_lowest_stage_that_fits_is_taken(memory_gib, expected):
    assert placed(memory_gib) == expected


def test_a_cpu_has_nothing_to_offload_to():
    assert placed(1, on_gpu=False) == Placement(3, "none")


def test_adapters_need_less_memory():
    config = TrainingConfig()
    assert place(config, 7 * BILLION, BILLION // 10, 1, 40 * GIB, on_gpu=True) == Placement(1, "none")


@pytest.mark.parametrize("stage", [0, 1, 2, 3])
def test_a_stage_set_in_the_recipe_is_not_changed(stage):
    assert placed(1, zero_stage=stage, offload="none") == Placement(stage, "none")


def test_offloading_reaches_deepspeed():
    settings = deepspeed_settings(TrainingConfig(), Placement(2, "cpu"))
    assert settings["zero_optimization"]["offload_optimizer"] == {"device": "cpu"}
