"""Find the prompts that kill an engine. The counts live in a separate actor, because they must outlive the engines.

Items (requests, or questions of a strategy) that were in an engine when it died are suspects. They are retried as a batch
without other items; if the engine dies again, they are retried one by one. An item that kills the engine `TRIES` times alone
becomes an `engine_fault`; all others are served. If engines die repeatedly and nothing is served, the cause is not a prompt,
and the stage fails.
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

# Deaths on a single request alone before it becomes a fault.
TRIES = 2
# Deaths caused by one bad prompt: among other batches, in its batch, then alone.
DEATHS_OF_ONE_PROMPT = 2 + TRIES


class Attempts:
    """Counts engine starts and items that never left an engine. An actor that reserves no CPU."""

    def __init__(self, max_restarts: int) -> None:
        self.budget = max(max_restarts, DEATHS_OF_ONE_PROMPT)
        self.started: set[str] = set()
        self.loaded: set[str] = set()
        self.restarts_in_vain = 0
        self.inside: set[str] = set()
        self.deaths_of: Counter[str] = Counter()

    @classmethod
    def start(cls, max_restarts: int) -> Any:
        """Start the actor on the caller's node, usually the driver's, and return its handle."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=True)
        return ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1, scheduling_strategy=here)(cls).remote(
            max_restarts
        )

    def engine_started(self, actor: str) -> int:
        """Record the start of an actor's engine; returns by how many the restarts without any result exceed the budget.

        An actor's first start is not a restart: hundreds of engines may start before the first result.
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
        """How often an engine died with this item inside; an item that is inside now counts as one death."""
        return self.deaths_of[key] + (key in self.inside)

    def enter(self, key: str) -> None:
        """Record that an item enters an engine. If it is already inside, an engine died with it."""
        self.deaths_of[key] += key in self.inside
        self.inside.add(key)

    def leave(self, key: str) -> None:
        """Record that an item has left an engine."""
        self.inside.discard(key)
        self.restarts_in_vain = 0


class Turns:
    """A lock for work that may share an engine and work that needs it exclusively."""

    def __init__(self) -> None:
        self.inside = 0
        self.changed = asyncio.Condition()
        self.exclusive = asyncio.Lock()

    @asynccontextmanager
    async def shared(self) -> AsyncIterator[None]:
        """Enter once no exclusive work is inside."""
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
        """Wait until all work has left, and keep other work out."""
        async with self.exclusive, self.changed:
            await self.changed.wait_for(lambda: self.inside == 0)
            yield


def note_start(attempts: Any, config: EngineConfig) -> None:
    """An actor calls this before it opens its engine.

    Raises:
        StageError: engines restart repeatedly without serving a request.
    """
    actor = str(ray.get_runtime_context().get_actor_id())
    if ray.get(attempts.engine_started.remote(actor)) > 0:
        raise StageError(f"engine {config.kind} {config.model} dies again and again and serves nothing")


def note_loaded(attempts: Any) -> None:
    """Called by an actor once its engine can answer."""
    attempts.engine_loaded.remote(str(ray.get_runtime_context().get_actor_id()))


@dataclass
class Suspicion(Generic[Item, Result]):
    """Serves items in one engine, and isolates items on which an engine has died.

    `key` identifies an item, `serve` answers several items in order, `give_up` gives the result of an item that kills engines.
    """

    attempts: Any
    key: Callable[[Item], str]
    serve: Callable[[Sequence[Item]], Awaitable[list[Result]]]
    give_up: Callable[[Item, str], Result]
    turns: Turns = field(default_factory=Turns)

    async def answer(self, items: Sequence[Item]) -> list[Result]:
        """Serve the items together with other batches; after one death without other batches; after two deaths one by one."""
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
