"""A server that misbehaves on purpose: which requests are retried, which fail alone, and which faults end the stage."""

import asyncio

import pytest
from aiohttp import web

from pad_ray.engines.base import UNAVAILABLE, UNSENT, Request
from pad_ray.paths.base import Message
from tests.engines.odd_server import SAMPLING, ask, completion, refusal, run

KEY = "sk-very-secret"


def test_temporary_faults_are_retried():
    faults = {str(status): status for status in (408, 409, 429, 500, 503)}
    server, answers = run(lambda name, n: refusal(faults[name]) if n == 1 else completion(), ask(*faults))
    assert {name: answer.text for name, answer in answers.items()} == dict.fromkeys(faults, "ok")
    assert {name: len(times) for name, times in server.asked.items()} == dict.fromkeys(faults, 2)


def test_waits_grow_from_attempt_to_attempt():
    server, _ = run(lambda name, n: refusal(503) if n < 4 else completion(), ask("a"))
    first, second, third = (b - a for a, b in zip(server.asked["a"], server.asked["a"][1:], strict=False))
    assert 0.3 < first < second < third


def test_the_server_sets_the_time_of_a_retry():
    server, _ = run(lambda name, n: refusal(429, **{"Retry-After": "2"}) if n == 1 else completion(), ask("a"))
    first, second = server.asked["a"]
    assert second - first >= 2


def test_a_lost_connection_is_retried():
    def drop(name, attempt):
        if attempt == 1:
            raise asyncio.CancelledError  # aiohttp closes the connection without an answer.
        return completion()

    server, answers = run(drop, ask("a"))
    assert (answers["a"].text, len(server.asked["a"])) == ("ok", 2)


def test_a_request_that_times_out_is_retried_and_fails_alone():
    async def silent(name, attempt):
        if name == "dead" or attempt == 1:
            await asyncio.Event().wait()
        return completion()

    server, answers = run(silent, ask("dead", "slow"), timeout_s=0.2, attempts=2)
    assert answers["slow"].text == "ok"
    assert answers["dead"].error == "no answer within 0.2 s, asked 2 times"
    assert len(server.asked["dead"]) == 2


@pytest.mark.parametrize("status", [400, 404, 422])
def test_a_rejected_request_fails_alone_and_is_not_retried(status):
    server, answers = run(
        lambda name, n: refusal(status, "temperature too hot") if name == "bad" else completion(), ask("bad", "good")
    )
    assert (answers["bad"].finish_reason, answers["bad"].error) == ("error", f"{status}: temperature too hot")
    assert (answers["good"].text, len(server.asked["bad"])) == ("ok", 1)


def test_a_request_that_always_breaks_the_server_fails_alone():
    server, answers = run(
        lambda name, n: refusal(500, "boom") if name == "bad" else completion(), ask("bad", "good"), attempts=2
    )
    assert (answers["bad"].error, answers["good"].text) == ("500: boom", "ok")
    assert len(server.asked["bad"]) == 2


@pytest.mark.parametrize("answer", ["<html>", '{"choices": []}', "{"])
def test_an_answer_without_a_completion_fails_alone(answer):
    body = web.Response(text=answer, content_type="application/json" if answer.startswith("{") else "text/html")
    _, answers = run(lambda name, n: body if name == "bad" else completion(), ask("bad", "good"), attempts=1)
    assert answers["bad"].finish_reason == "error"
    assert answers["good"].text == "ok"


@pytest.mark.parametrize("status", [401, 403])
def test_a_rejected_key_ends_the_requests_and_shows_the_variable_but_not_the_key(monkeypatch, status):
    monkeypatch.setenv("TEACHER_KEY", KEY)
    server, answers = run(
        lambda name, n: refusal(status, f"bad key {KEY}"), ask("a", "b"), api_key_env="TEACHER_KEY", concurrency=1
    )
    assert [answers[name].finish_reason for name in ("a", "b")] == [UNAVAILABLE, UNSENT]
    assert "TEACHER_KEY" in answers["b"].error
    assert KEY not in answers["b"].error
    assert list(server.asked) == ["a"]


def test_a_missing_key_and_a_rejected_key_have_different_messages():
    _, answers = run(lambda name, n: refusal(401), ask("a"))
    assert "requires a key: set api_key_env" in answers["a"].error


def test_the_key_is_sent_and_never_shown(monkeypatch):
    monkeypatch.setenv("TEACHER_KEY", KEY)
    server, answers = run(lambda name, n: refusal(400, f"you sent {KEY}"), ask("a"), api_key_env="TEACHER_KEY")
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert answers["a"].error == "400: you sent (key)"


@pytest.mark.parametrize("fault", ["unreachable", "busy"])
def test_the_faults_of_a_server_are_not_those_of_a_request(fault):
    def behave(name, attempt):
        if fault == "unreachable":
            raise asyncio.CancelledError
        return refusal(429, "slow down")

    server, answers = run(behave, ask("a"), attempts=2)
    assert (answers["a"].finish_reason, len(server.asked["a"])) == (UNAVAILABLE, 2)
    assert ("failed 2 times" if fault == "unreachable" else "429: slow down") in answers["a"].error


def test_concurrency_is_limited():
    three = asyncio.Barrier(3)

    async def together(name, attempt):
        await three.wait()
        return completion()

    server, answers = run(together, ask(*map(str, range(12))), concurrency=3)
    assert (server.most, len(answers)) == (3, 12)


def test_requests_and_retries_keep_the_pace():
    server, _ = run(
        lambda name, n: refusal(503) if n == 1 else completion(), ask(*map(str, range(6))), requests_per_minute=600
    )
    times = sorted(at for attempts in server.asked.values() for at in attempts)
    assert len(times) == 12
    assert times[-1] - times[0] >= 11 * 0.1 - 0.05


def test_every_request_asks_for_one_completion_with_its_own_seed():
    chat = Request("c", (Message("system", "Be brief."), Message("user", "hi")), SAMPLING, 9)
    server, _ = run(lambda name, n: completion(message={"role": "assistant", "content": "ok"}), [*ask("a"), chat])
    drawn = {"model": "m", "n": 1, "temperature": 0.5, "top_p": 0.9, "max_tokens": 7, "stop": ["\n"]}
    bodies = dict(server.bodies)
    assert bodies["/v1/completions"] == {**drawn, "prompt": "a", "seed": 0, "logprobs": 1}
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "hi"}]
    assert bodies["/v1/chat/completions"] == {**drawn, "messages": messages, "seed": 9, "logprobs": True}


def test_log_probabilities_are_none_if_the_server_gives_none():
    server, answers = run(lambda name, n: completion(), ask("a"), logprobs=False)
    assert answers["a"].mean_logprob is None
    assert (answers["a"].prompt_tokens, answers["a"].completion_tokens) == (3, 1)
    assert "logprobs" not in server.bodies[0][1]


def test_a_completion_that_a_filter_ended_fails():
    _, answers = run(lambda name, n: completion("par", finish_reason="content_filter"), ask("a"))
    assert "content_filter" in answers["a"].error
