"""Generation as a stage of a Ray Data pipeline: rows with requests in, the same rows with generations out.

Requests and generations are passed as JSON strings: Arrow would unify their fields over a block and turn integers to floats.
"""

import json
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import asdict
from typing import Any

import pyarrow as pa
import ray
import ray.data
from ray.exceptions import RayError

from pad_ray.engines import load_times
from pad_ray.engines.attempts import Attempts, Suspicion, note_loaded, note_start
from pad_ray.engines.base import UNSENT, Engine, Generation, Request, Sampling, failed
from pad_ray.engines.config import EngineConfig
from pad_ray.engines.kinds import open_engine
from pad_ray.errors import StageError
from pad_ray.paths.base import Message
from pad_ray.run import meters
from pad_ray.words import counted

REQUESTS = "requests"
GENERATIONS = "generations"
ASKED_AT = "asked_at"
"""Time at which a row's requests entered an engine, in seconds since the epoch: an engine takes a minute to start."""

# Batches that one engine holds at once, so that later batches fill the slots around slow completions of earlier ones.
BATCHES_IN_FLIGHT = 4
COUNTS_WITHIN_S = 5.0


def to_json(requests: Sequence[Request]) -> str:
    return json.dumps([asdict(request) for request in requests])


def generations_from(text: str) -> list[Generation]:
    return [Generation(**item) for item in json.loads(text)]


def requests_from(text: str) -> list[Request]:
    return [_request(**item) for item in json.loads(text)]


def _request(prompt: Any, sampling: Any, **rest: Any) -> Request:
    messages = prompt if isinstance(prompt, str) else tuple(Message(**message) for message in prompt)
    return Request(prompt=messages, sampling=Sampling(**{**sampling, "stop": tuple(sampling["stop"])}), **rest)


class MeteredEngine:
    """Wraps an actor's engine and reports its number of requests to Prometheus; other attributes are the engine's.

    With `demands_all`, a request that was not sent because the engine's server fails ends the call.
    """

    def __init__(self, engine: Engine, *, demands_all: bool = True) -> None:
        self.engine, self.held, self.demands_all = engine, 0, demands_all

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    async def generate(self, requests: Sequence[Request]) -> list[Generation]:
        """One generation per request, in order. Raises StageError if the engine's server fails and all are demanded."""
        self._hold(len(requests))
        try:
            generations = await self.engine.generate(requests)
        finally:
            self._hold(-len(requests))
        lost = next((one for one in generations if one.finish_reason == UNSENT), None)
        if lost is not None and self.demands_all:
            raise StageError(str(lost.error))
        return generations

    def _hold(self, change: int) -> None:
        self.held += change
        meters.level(meters.IN_ENGINES, self.held)


class EngineActor:
    """The actor: holds one engine and serves requests; isolates requests on which an engine has died."""

    DEMANDS_ALL = True

    def __init__(self, config: EngineConfig, on_gpu: bool, attempts: Any) -> None:
        note_start(attempts, config)
        self.engine = open_engine(config, on_gpu=on_gpu)
        note_loaded(attempts)
        metered = MeteredEngine(self.engine, demands_all=self.DEMANDS_ALL)
        self.suspicion: Suspicion[Request, Generation] = Suspicion(
            attempts, lambda request: request.request_id, metered.generate, self._fault
        )

    async def ready(self) -> None:
        """Returns once the engine is loaded."""

    async def generate(self, requests: Sequence[Request]) -> list[Generation]:
        """One generation per request, in order."""
        return await self.suspicion.answer(requests)

    def _fault(self, request: Request, reason: str) -> Generation:
        return failed(request, type(self.engine).__name__, reason)


class RemoteEngine:
    """An engine in another actor, used through the actor's handle."""

    def __init__(self, actor: Any) -> None:
        self.actor = actor

    async def generate(self, requests: Sequence[Request]) -> list[Generation]:
        """One generation per request, in order."""
        generations: list[Generation] = await self.actor.generate.remote(list(requests))
        return generations


class _Generate(EngineActor):
    """The actor of a pipeline; serves batches concurrently. Requests that were not sent are left to the pipeline."""

    DEMANDS_ALL = False

    async def __call__(self, batch: pa.Table) -> AsyncIterator[pa.Table]:
        asked_at = pa.array([time.time()] * batch.num_rows, pa.float64())
        per_row = [requests_from(text) for text in batch[REQUESTS].to_pylist()]
        requests = [request for row in per_row for request in row]
        done = iter(await self.generate(requests))
        column = [json.dumps([asdict(next(done)) for _ in row]) for row in per_row]
        yield batch.append_column(GENERATIONS, pa.array(column, pa.string())).append_column(ASKED_AT, asked_at)


def uses_gpu(config: EngineConfig) -> bool:
    """True if the cluster has enough GPUs for an engine; otherwise it runs on CPUs."""
    return config.uses_gpu(gpus())


def engine_count(config: EngineConfig) -> int:
    """The number of engines: `actors` if set; else as many as the cluster's GPUs allow; else 1."""
    return config.engine_count(gpus())


def gpus() -> int:
    """The number of GPUs in the cluster."""
    return int(ray.cluster_resources().get("GPU", 0))


def actor_resources(config: EngineConfig) -> dict[str, Any]:
    """Resources and restart options of an actor with an engine. Restarts are unlimited here; `Attempts` limits them."""
    options: dict[str, Any] = {"num_cpus": config.cpus, "max_restarts": -1, "max_task_retries": -1}
    return {**options, "num_gpus": config.tensor_parallel} if uses_gpu(config) else options


def actor_options(config: EngineConfig) -> dict[str, Any]:
    """Arguments of `map_batches` for actors with an engine."""
    return {
        "compute": ray.data.ActorPoolStrategy(
            size=engine_count(config),
            max_tasks_in_flight_per_actor=BATCHES_IN_FLIGHT,
            max_concurrent_calls_per_actor=BATCHES_IN_FLIGHT,
        ),
        **actor_resources(config),
    }


def last_load(config: EngineConfig) -> str:
    """How long the model took to load the last time, as the end of a sentence; empty if that is not known."""
    seconds = load_times.last(config, on_gpu=uses_gpu(config))
    return "" if seconds is None else f", which took {seconds:.0f} s last time"


def waits_for(config: EngineConfig, engines: int, attempts: Any) -> str:
    """What the driver waits for while nothing has come from the engines that `attempts` counts."""
    try:
        started, loaded = ray.get(attempts.counts.remote(), timeout=COUNTS_WITHIN_S)
    except RayError:
        started, loaded = engines, 0
    if started < engines:
        return f"room in the cluster for {_engines(engines - started, engines)} ({config.model})"
    if loaded < engines:
        return f"{_engines(engines - loaded, engines)} to load {config.model}{last_load(config)}"
    return f"the first answers of {config.model}"


def _engines(some: int, of: int) -> str:
    return "the engine" if of == 1 else f"{counted(some, 'engine')} of {of}"


def generate(
    dataset: ray.data.Dataset, config: EngineConfig, batch_rows: int | None = None, attempts: Any = None
) -> ray.data.Dataset:
    """Append the generations of every row's requests. Rows keep their columns; their order may change.

    An engine gets `batch_rows` rows at once, by default the rows of a block. A request that the engine cannot serve, or that
    kills it, returns with an error; the others are served. `attempts` counts the engines that start, for
    `waits_for`.
    """
    return dataset.map_batches(
        _Generate,
        fn_constructor_args=(config, uses_gpu(config), attempts or Attempts.start(config.max_restarts)),
        batch_size=batch_rows,
        batch_format="pyarrow",
        **actor_options(config),
    )
