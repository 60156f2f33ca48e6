"""Many small calls served as few large ones, so that questions that are solved side by side share a slow resource."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Batcher(Generic[T, R]):
    """Awaitable many times at once: while one batch is worked on in a thread, what arrives gathers for the next one.

    `work` takes a list and returns one result an item, in order; it never runs twice at a time. What it raises is raised in
    every call whose items were in that batch.
    """

    def __init__(self, work: Callable[[list[T]], Sequence[R]]) -> None:
        self.work = work
        self.waiting: list[T] = []
        self.batch: asyncio.Task[Sequence[R]] | None = None
        self.free = asyncio.Lock()

    async def __call__(self, items: Sequence[T]) -> list[R]:
        if not items:
            return []
        start = len(self.waiting)
        self.waiting.extend(items)
        self.batch = self.batch or asyncio.create_task(self._serve())
        # A caller that gives up must not take the others' results with it.
        results = await asyncio.shield(self.batch)
        return list(results[start : start + len(items)])

    async def _serve(self) -> Sequence[R]:
        async with self.free:
            taken, self.waiting, self.batch = self.waiting, [], None
            return await asyncio.to_thread(self.work, taken)
