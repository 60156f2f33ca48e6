"""What is remembered of how long models take to load, and what is said while engines start."""

from pathlib import Path

import pytest
import ray
from ray.exceptions import RayError

from pad_ray.engines import load_times
from pad_ray.engines.attempts import Attempts
from pad_ray.engines.config import EngineConfig
from pad_ray.engines.stage import waits_for

CONFIG = EngineConfig(model="tiny")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PAD_RAY_CACHE", str(tmp_path))
    return tmp_path


def test_the_last_load_of_a_model_is_remembered_by_device(cache):
    assert load_times.last(CONFIG, on_gpu=False) is None
    load_times.note(CONFIG, 30.0, on_gpu=False)
    load_times.note(CONFIG, 41.04, on_gpu=False)
    load_times.note(CONFIG.serving("other"), 0.1, on_gpu=False)
    assert load_times.last(CONFIG, on_gpu=False) == 41.0
    assert load_times.last(CONFIG, on_gpu=True) is None
    assert load_times.last(CONFIG.serving("other"), on_gpu=False) is None


@pytest.mark.parametrize("text", ["", "[1]", '{"vllm tiny on CPU": "long"}'])
def test_a_damaged_or_unwritable_memory_is_no_error(cache, text):
    (cache / "load_seconds.json").write_text(text)
    assert load_times.last(CONFIG, on_gpu=False) is None
    (cache / "load_seconds.json").unlink()
    Path(cache / "load_seconds.json").mkdir()
    load_times.note(CONFIG, 30.0, on_gpu=False)
    assert load_times.last(CONFIG, on_gpu=False) is None


@pytest.mark.parametrize(
    ("started", "loaded", "said"),
    [
        (1, 0, "room in the cluster for 1 engine of 2 (tiny)"),
        (2, 1, "1 engine of 2 to load tiny, which took 30 s last time"),
        (2, 2, "the first answers of tiny"),
        (None, None, "2 engines of 2 to load tiny, which took 30 s last time"),
    ],
)
def test_a_driver_knows_what_it_waits_for(cache, monkeypatch, started, loaded, said):
    load_times.note(CONFIG, 30.0, on_gpu=False)
    attempts = Attempts(3)
    for number in range(started or 0):
        attempts.engine_started(str(number))
    for number in range(loaded or 0):
        attempts.engine_loaded(str(number))

    class Handle:
        class counts:  # As an actor's handle has it.
            @staticmethod
            def remote():
                return attempts.counts()

    def get(counts, timeout):
        if started is None:
            raise RayError
        return counts

    monkeypatch.setattr(ray, "get", get)
    monkeypatch.setattr("pad_ray.engines.stage.gpus", lambda: 0)
    assert waits_for(CONFIG, 2, Handle) == said
