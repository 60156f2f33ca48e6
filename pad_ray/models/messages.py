"""Messages about models while a job runs: the origin of their weights, and downloads and conversions."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def messages_to(say: Callable[[str], None]) -> Iterator[None]:
    """Pass each different message about models to `say` once."""
    log = logging.getLogger("pad_ray.models")
    level, propagate, handler = log.level, log.propagate, _Once(say)
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(level)
        log.propagate = propagate


class _Once(logging.Handler):
    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__()
        self.say = say
        self.passed_on: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        message = record.getMessage()
        if message not in self.passed_on:
            self.passed_on.add(message)
            self.say(message)
