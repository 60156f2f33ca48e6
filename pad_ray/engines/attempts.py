"""Which prompt kills an engine? Kept outside the engines' processes, because it has to outlive them.

Items (requests, or questions that strategies solve) that were in an engine when it died are suspects. They are tried again
with nothing beside them; if the engine dies again, one by one, and an item on which the engine has died `TRIES` times alone
is given up as `engine_fault`. All others are served. An engine that dies again and again while nothing is served is no
matter of a prompt: then the stage fails.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import ray

from pad_ray.engines.config import EngineConfig
from pad_ray.errors import StageError
from pad_ray.schema import content_id

Item = TypeVar("Item")
Result = TypeVar("Result")

# Deaths on one request alone before it is given up.
TRIES = 2
# Deaths that a single poisonous prompt causes: in company, in its own batch, then alone.
DEATHS_OF_ONE_PROMPT = 2 + TRIES


class Attempts:
    """Counts engines that started and works that never ended. An actor without a CPU of its own."""

    def __init__(self, max_restarts: int) -> None:
        self.budget = max(max_restarts, DEATHS_OF_ONE_PROMPT)
        self.started: set[str] = set()
        self.loaded: set[str] = set()
        self.restarts_in_vain = 0
        self.inside: set[str] = set()
        self.deaths_of: Counter[str] = Counter()

    @classmethod
    def start(cls, max_restarts: int) -> Any:
        """A handle to a new one, on the node that asks: the driver's."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
        return ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1, scheduling_strategy=here)(cls).remote(
            max_restarts
        )

    def engine_started(self, actor: str) -> int:
        """Note the start of an actor's engine; returns how many restarts more than the budget allows have served nothing.

        The first start of each actor is none: there may be hundreds before the first one has served anything.
        """
        self.restarts_in_vain += actor in self.started
        self.started.add(actor)
        self.loaded.discard(actor)
        return self.restarts_in_vain - self.budget

    def engine_loaded(self, actor: str) -> None:
        """Note that an actor's engine can answer."""
        self.loaded.add(actor)

    def counts(self) -> tuple[int, int]:
        """How many actors have begun to start an engine, and how many engines can answer."""
        return len(self.started), len(self.loaded)

    def deaths(self, key: str) -> int:
        """How often an engine died with this work inside, work that is inside now included."""
        return self.deaths_of[key] + (key in self.inside)

    def enter(self, key: str) -> None:
        """Work goes into an engine. What is inside already was there when an engine died."""
        self.deaths_of[key] += key in self.inside
        self.inside.add(key)

    def leave(self, key: str) -> None:
        """Work came out of an engine."""
        self.inside.discard(key)
        self.restarts_in_vain = 0


class Turns:
    """Work that may share an engine, and work that has to have it alone."""

    def __init__(self) -> None:
        self.inside = 0
        self.changed = asyncio.Condition()
        self.exclusive = asyncio.Lock()

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """Enter once nobody is alone inside."""
        async with self.exclusive:
            self.inside += 1
        try:
            yield
        finally:
            async with self.changed:
                self.inside -= 1
                self.changed.notify_all()

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Wait until everybody has left, and keep others out."""
        async with self.exclusive, self.changed:
            await self.changed.wait_for(lambda: self.inside == 0)
            yield


def note_start(attempts: Any, config: EngineConfig) -> None:
    """Called by an actor before it opens its engine.

    Raises:
        StageError: engines start again and again and serve nothing.
    """
    actor = str(ray.get_runtime_context().get_actor_id())
    if ray.get(attempts.engine_started.remote(actor)) > 0:
        raise StageError(f"engine {config.kind} {config.model} dies again and again and serves nothing")


def note_loaded(attempts: Any) -> None:
    """Called by an actor once its engine can answer."""
    attempts.engine_loaded.remote(str(ray.get_runtime_context().get_actor_id()))


@dataclass
class Suspicion(Generic[Item, Result]):
    """Serves items in one engine, and those on which engines have died with care.

    `key` names an item, `serve` answers several of them in order, `give_up` is the answer to one that kills engines.
    """

    attempts: Any
    key: Callable[[Item], str]
    serve: Callable[[Sequence[Item]], Awaitable[list[Result]]]
    give_up: Callable[[Item, str], Result]
    turns: Turns = field(default_factory=Turns)

    async def answer(self, items: Sequence[Item]) -> list[Result]:
        """In company first; alone after the engine died with these inside; one by one after it died again."""
        batch = content_id("batch", [self.key(item) for item in items])
        deaths = await self.attempts.deaths.remote(batch)
        if deaths == 0:
            async with self.turns.shared():
                return await self._tell(batch, items)
        async with self.turns.alone():
            if deaths == 1:
                return await self._tell(batch, items)
            await self.attempts.enter.remote(batch)
            results = [await self._one(item) for item in items]
            await self.attempts.leave.remote(batch)
            return results

    async def _one(self, item: Item) -> Result:
        deaths = await self.attempts.deaths.remote(self.key(item))
        if deaths >= TRIES:
            return self.give_up(item, f"the engine died {deaths} times on this prompt alone")
        (result,) = await self._tell(self.key(item), [item])
        return result

    async def _tell(self, key: str, items: Sequence[Item]) -> list[Result]:
        await self.attempts.enter.remote(key)
        results = await self.serve(items)
        await self.attempts.leave.remote(key)
        return results
