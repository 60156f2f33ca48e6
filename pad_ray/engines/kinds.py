"""The kinds of engines: the class for a config, and the part of the config that enters draft ids."""

import asyncio
import time
from typing import cast

from pad_ray.engines import load_times, versions
from pad_ray.engines.base import Engine
from pad_ray.engines.config import EngineConfig
from pad_ray.extensions import named_class


def open_engine(config: EngineConfig, *, on_gpu: bool) -> Engine:
    """Open the engine of a config. Loading a model takes seconds to minutes.

    Raises:
        InputError: a requirement of the engine is missing or incompatible; see `versions.check`.
    """
    versions.check(config, on_gpu=on_gpu)
    started = time.monotonic()
    engine = _open(config, on_gpu=on_gpu)
    load_times.note(config, time.monotonic() - started, on_gpu=on_gpu)
    return engine


def _open(config: EngineConfig, *, on_gpu: bool) -> Engine:
    match config.kind:
        case "scripted":
            from pad_ray.engines.scripted import ScriptedEngine

            return ScriptedEngine(str(config.script))
        case "openai":
            from pad_ray.engines.openai import OpenAIEngine

            return OpenAIEngine(config)
        case "transformers":
            from pad_ray.engines.transformers import TransformersEngine

            return TransformersEngine(config, on_gpu=on_gpu)
        case "vllm":
            from pad_ray.engines.vllm import VllmEngine

            return VllmEngine(config, on_gpu=on_gpu)
        case own:
            return cast(Engine, named_class(own, "engine")(config))


def check_server(config: EngineConfig, *, chat: bool) -> None:
    """Send one small request to the engine's server, if it has one; `chat` says to which endpoint.

    Raises:
        InputError: the server cannot be reached, refuses the request, or does not speak the protocol.
    """
    if config.kind == "openai":
        from pad_ray.engines.server import probe

        asyncio.run(probe(config, chat=chat))


def fingerprint(config: EngineConfig) -> str:
    """Model and revision: the part of an engine that enters a draft's id.

    A server does not tell which weights it serves, so its host replaces the revision; for a user's engine, its class does.
    vLLM and transformers share the fingerprint of a model, because they differ only by rounding.

    Raises:
        InputError: the model's name is unknown or its weights are damaged.
    """
    if config.kind == "scripted":
        return f"scripted@{config.model}"
    if config.kind == "openai":
        return f"{config.model}@{config.host}"
    if ":" in config.kind:
        return f"{config.model}@{config.kind}"
    from pad_ray.models import resolve

    model = resolve(config.model)
    return f"{model.name}@{model.revision}"
