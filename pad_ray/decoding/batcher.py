"""Combine many small calls into few large ones, so that concurrent questions share a slow resource."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Batcher(Generic[T, R]):
    """Can be awaited concurrently: while a thread works on one batch, new items are collected for the next one.

    `work` takes a list and returns one result per item, in order; it never runs concurrently with itself. Its exception is
    raised in every call that had items in the batch.
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
        # A cancelled caller must not cancel the batch of the others.
        results = await asyncio.shield(self.batch)
        return list(results[start : start + len(items)])

    async def _serve(self) -> Sequence[R]:
        async with self.free:
            taken, self.waiting, self.batch = self.waiting, [], None
            return await asyncio.to_thread(self.work, taken)
