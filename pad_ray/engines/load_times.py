"""The load times of models, shown to users who wait for one: a file beside the model cache.

Best effort: an engine records the time on its node; a file that cannot be read or written is ignored.
"""

import json
import os
from contextlib import suppress
from pathlib import Path

from pad_ray.engines.config import EngineConfig
from pad_ray.models.store import default_cache_dir

# Shorter loads are nothing to wait for; students of old runs make room for newer ones.
SHORTEST_S = 1.0
MOST_MODELS = 100


def note(config: EngineConfig, seconds: float, *, on_gpu: bool) -> None:
    """Remember how long an engine took to load its model."""
    if seconds < SHORTEST_S:
        return
    name, known = _key(config, on_gpu=on_gpu), _known()
    known.pop(name, None)
    known[name] = round(seconds, 1)
    path = _path()
    own = path.with_name(f"{path.name}.{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        own.write_text(json.dumps(dict([*known.items()][-MOST_MODELS:]), indent=1), encoding="utf-8")
        own.replace(path)


def last(config: EngineConfig, *, on_gpu: bool) -> float | None:
    """Seconds that loading took the last time on this machine; None if that is not known."""
    return _known().get(_key(config, on_gpu=on_gpu))


def _path() -> Path:
    return default_cache_dir().parent / "load_seconds.json"


def _key(config: EngineConfig, *, on_gpu: bool) -> str:
    return f"{config.kind} {config.model} on {'GPU' if on_gpu else 'CPU'}"


def _known() -> dict[str, float]:
    try:
        found = json.loads(_path().read_text(encoding="utf-8"))
        return {str(name): float(seconds) for name, seconds in found.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
