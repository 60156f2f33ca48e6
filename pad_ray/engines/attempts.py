"""Which prompt kills an engine? Kept outside the engines' processes, because it has to outlive them.

A batch that was in an engine when it died is a suspect. It is tried again alone; if the engine dies again, its requests
are tried one by one, and a request on which the engine has died `TRIES` times alone is given up as `engine_fault`. All
others are served. An engine that dies again and again while nothing is served is no matter of a prompt: then the stage
fails.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import ray

# Deaths on one request alone before it is given up.
TRIES = 2
# Deaths that a single poisonous prompt causes: in company, in its own batch, then alone.
DEATHS_OF_ONE_PROMPT = 2 + TRIES


class Attempts:
    """Counts engines that started and works that never ended. An actor without a CPU of its own."""

    def __init__(self, max_restarts: int) -> None:
        self.budget = max(max_restarts, DEATHS_OF_ONE_PROMPT)
        self.starts_in_vain = 0
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

    def engine_started(self) -> int:
        """Note the start of an engine; returns how many starts more than the budget allows have served nothing."""
        self.starts_in_vain += 1
        return self.starts_in_vain - 1 - self.budget

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
        self.starts_in_vain = 0


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
