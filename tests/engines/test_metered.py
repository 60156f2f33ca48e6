"""The gauge of requests in an engine."""

import asyncio

from pad_ray.engines.stage import MeteredEngine
from pad_ray.run import meters


class Fails:
    """Answers up to two requests and fails with more."""

    name = "fails"

    async def generate(self, requests):
        await asyncio.sleep(0)
        if len(requests) > 2:
            raise OSError("too many")
        return requests


def test_requests_are_held_until_they_are_answered_or_fail(monkeypatch):
    shown = []
    monkeypatch.setattr(meters, "level", lambda meter, value: shown.append((meter.name, value)))
    engine = MeteredEngine(Fails())

    async def ask():
        return await asyncio.gather(engine.generate([1, 2]), engine.generate([1, 2, 3]), return_exceptions=True)

    answered, failed = asyncio.run(ask())
    assert (answered, str(failed)) == ([1, 2], "too many")
    assert shown == [(meters.IN_ENGINES.name, held) for held in (2, 5, 3, 0)]


def test_other_attributes_come_from_the_engine():
    engine = MeteredEngine(Fails())
    assert engine.name == "fails"
    assert not hasattr(engine, "top_tokens")
