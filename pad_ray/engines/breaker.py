"""Stops sending requests to a server whose requests fail alike."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager

MOST_IN_A_ROW = 8
"""Failures alike in a row, beyond the requests that were on their way at the same time, that stop the engine."""
# Parts of a message that differ between requests: numbers, ids and quotations.
VARYING = re.compile(r"['\"`].*?['\"`]|\b[0-9a-f]{8,}\b|\d+")


class Breaker:
    """Counts the failures in a row that are alike. `stopped` is the reason for sending nothing more, empty before.

    `concurrency` requests may be on their way when a server fails, and all of them fail with it.
    """

    def __init__(self, concurrency: int) -> None:
        self.limit = concurrency + MOST_IN_A_ROW
        self.signature = ""
        self.in_a_row = 0
        self.successes = 0
        self.stopped = ""
        self.on_their_way = 0
        self.empty = asyncio.Event()
        self.empty.set()

    def succeeded(self) -> None:
        """A request has succeeded."""
        self.successes += 1
        self.in_a_row = 0

    def failed(self, message: str, signature: str, *, at_once: bool = False) -> None:
        """A request has failed with this message; `at_once` if every other request would fail too."""
        signature = signature or VARYING.sub("", message)
        self.in_a_row = self.in_a_row + 1 if signature == self.signature else 1
        self.signature = signature
        if not self.stopped and (at_once or self.in_a_row >= self.limit):
            times = "" if at_once else f" ({self.in_a_row} requests in a row)"
            self.stopped = f"{message}{times}"

    @contextmanager
    def inside(self) -> Iterator[None]:
        """While a request is on its way."""
        self.on_their_way += 1
        self.empty.clear()
        try:
            yield
        finally:
            self.on_their_way -= 1
            if not self.on_their_way:
                self.empty.set()

    async def emptied(self) -> None:
        """Wait until no request is on its way."""
        await self.empty.wait()
