"""The gauge of requests in an engine."""

import asyncio

import pytest

from pad_ray.engines.base import UNSENT, Generation
from pad_ray.engines.stage import MeteredEngine
from pad_ray.errors import StageError
from pad_ray.run import meters


class Fails:
    """Answers up to two requests and fails with more."""

    name = "fails"

    async def generate(self, requests):
        await asyncio.sleep(0)
        if len(requests) > 2:
            raise OSError("too many")
        return [Generation(request, "fails", "ok", "stop", 1, 1, None, 0.0) for request in requests]


def test_requests_are_held_until_they_are_answered_or_fail(monkeypatch):
    shown = []
    monkeypatch.setattr(meters, "level", lambda meter, value: shown.append((meter.name, value)))
    engine = MeteredEngine(Fails())

    async def ask():
        return await asyncio.gather(
            engine.generate(["a", "b"]), engine.generate(["a", "b", "c"]), return_exceptions=True
        )

    answered, failed = asyncio.run(ask())
    assert ([one.request_id for one in answered], str(failed)) == (["a", "b"], "too many")
    assert shown == [(meters.IN_ENGINES.name, held) for held in (2, 5, 3, 0)]


def test_other_attributes_come_from_the_engine():
    engine = MeteredEngine(Fails())
    assert engine.name == "fails"
    assert not hasattr(engine, "top_tokens")


class Stopped:
    """Sends nothing because its server fails."""

    async def generate(self, requests):
        return [Generation(request, "stopped", "", UNSENT, 0, 0, None, 0.0, "402: no credit") for request in requests]


def test_requests_that_were_not_sent_end_the_call_unless_the_caller_counts_them():
    with pytest.raises(StageError, match="402: no credit"):
        asyncio.run(MeteredEngine(Stopped()).generate(["a"]))
    (one,) = asyncio.run(MeteredEngine(Stopped(), demands_all=False).generate(["a"]))
    assert one.finish_reason == UNSENT
