"""Faults of a whole server: what is still sent, what a request is called, and what a job says before its first block."""

import asyncio
import contextlib

import pytest
from aiohttp import web

from pad_ray.engines.base import UNAVAILABLE, UNSENT
from pad_ray.engines.config import EngineConfig
from pad_ray.engines.kinds import check_server
from pad_ray.errors import InputError
from tests.engines.odd_server import Server, ask, completion, refusal, run, serving
from tests.servers import free_ports

MANY = ask(*map(str, range(100)))
HTML = "<!DOCTYPE html><html><body>Welcome to nginx</body></html>"


def reasons(answers):
    return [answers[request.request_id].finish_reason for request in MANY]


@pytest.mark.parametrize(
    ("status", "words"), [(401, "requires a key"), (402, "cannot be paid"), (403, "requires a key")]
)
def test_a_refused_account_stops_the_engine_at_once(status, words):
    server, answers = run(
        lambda name, n: completion() if int(name) < 40 else refusal(status, "no more"), MANY, concurrency=4
    )
    found = reasons(answers)
    assert found[:40] == ["stop"] * 40
    assert found.count(UNAVAILABLE) <= 4
    assert server.requests <= 44
    assert found[-1] == UNSENT and words in answers["99"].error and "no more" in answers["99"].error


def test_an_account_without_credit_stops_the_engine_at_once():
    server, answers = run(
        lambda name, n: refusal(429, "You exceeded your quota: insufficient_quota"), MANY, concurrency=1, attempts=1
    )
    assert server.requests == 1
    assert "insufficient_quota" in answers["99"].error


@pytest.mark.parametrize(
    "odd",
    [
        lambda name: refusal(404, f"no route for request {name}"),
        lambda name: web.Response(text=HTML, content_type="text/html"),
        lambda name: refusal(500, f"CUDA error in request '{name}'"),
        lambda name: completion(finish_reason="abort"),
        lambda name: web.json_response({"choices": []}),
    ],
    ids=["404", "HTML", "500", "abort", "no choices"],
)
def test_failures_alike_in_a_row_stop_the_engine(odd):
    server, answers = run(
        lambda name, n: completion() if int(name) < 10 else odd(name), MANY, concurrency=2, attempts=1
    )
    assert 10 + 2 < server.requests < 25
    found = reasons(answers)
    assert found[:10] == ["stop"] * 10 and "error" not in found
    assert "in a row" in answers["99"].error


def test_failures_between_successes_do_not_stop_the_engine():
    server, answers = run(
        lambda name, n: refusal(400, "too long") if int(name) % 2 else completion(), MANY, concurrency=2
    )
    found = reasons(answers)
    assert (server.requests, found.count("stop"), found.count(UNSENT)) == (100, 50, 0)
    # No success follows the last failure, so it may be the server's.
    assert found.count("error") >= 48


def test_answers_on_their_way_are_kept_when_the_engine_stops():
    async def behave(name, attempt):
        if name == "1":
            return refusal(402, "no credit")
        await asyncio.sleep(0.3)
        return completion()

    server, answers = run(behave, MANY, concurrency=3)
    assert [answers[name].finish_reason for name in ("0", "1", "2", "3")] == ["stop", UNAVAILABLE, "stop", UNSENT]
    assert server.requests == 3


def test_a_server_that_goes_away_and_comes_back_costs_only_the_requests_on_their_way(monkeypatch):
    monkeypatch.setattr("pad_ray.engines.openai.PING_S", 0.2)
    (port,) = free_ports(1)
    base_url = f"http://127.0.0.1:{port}/v1"
    first, second = Server(lambda name, n: completion("first")), Server(lambda name, n: completion("second"))

    async def work():
        config = EngineConfig(kind="openai", model="m", base_url=base_url, attempts=1, concurrency=4)
        from pad_ray.engines.openai import OpenAIEngine

        engine = OpenAIEngine(config)
        async with first.serve(port):
            before = await engine.generate(MANY[:8])
        pending = asyncio.create_task(engine.generate(MANY[8:20]))
        await asyncio.sleep(1.0)
        async with second.serve(port):
            return before, await pending

    before, after = asyncio.run(work())
    assert {one.text for one in before} == {"first"} and {one.text for one in after} == {"second"}


def test_a_lost_server_is_not_waited_for_longer_than_patience_says():
    (port,) = free_ports(1)
    server = Server(lambda name, n: completion())

    async def work():
        from pad_ray.engines.openai import OpenAIEngine

        url = f"http://127.0.0.1:{port}/v1"
        engine = OpenAIEngine(EngineConfig(kind="openai", model="m", base_url=url, attempts=1, patience_s=0.3))
        async with server.serve(port):
            await engine.generate(MANY[:1])
        return await engine.generate(MANY[1:3])

    assert {one.finish_reason for one in asyncio.run(work())} == {UNAVAILABLE}


def refused(base_url, model="m", **fields):
    with pytest.raises(InputError) as error:
        check_server(EngineConfig(kind="openai", model=model, base_url=base_url, **fields), chat=False)
    return str(error.value)


def test_a_server_that_answers_passes():
    with serving(lambda name, n: completion()) as server:
        check_server(EngineConfig(kind="openai", model="m", base_url=server.url), chat=True)
        assert server.requests == 0


@pytest.mark.parametrize("ending", ["", "/v1/chat/completions", "/v1/completions", "/v1/models", "/api"])
def test_a_wrong_base_url_is_refused_with_the_right_one(ending):
    with serving(lambda name, n: completion()) as server:
        words = refused(server.url.removesuffix("/v1") + ending)
        if ending != "/api":
            assert f"answers at {server.url}: set base_url to it" in words
        else:
            assert "check base_url, which is the part before /completions" in words


@contextlib.contextmanager
def answering(answer):
    """A server that gives every request this answer."""

    class Same(Server):
        async def handle(self, http):
            return answer()

        list_models = handle

    with serving(None, server=Same(None)) as server:
        yield server


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda: web.Response(text=HTML, content_type="text/html"), "not JSON"),
        (lambda: refusal(401, "who are you"), "requires a key: set api_key_env"),
        (lambda: refusal(402, "no credit"), "cannot be paid: 402: no credit; add credit"),
        (lambda: refusal(403, "not you"), "requires a key: set api_key_env"),
        (lambda: refusal(404, "model m not found"), "404: model m not found"),
        (lambda: refusal(400, "logprobs are not supported"), "400: logprobs are not supported"),
        (lambda: refusal(429, "insufficient_quota: add credit"), "insufficient_quota"),
        (lambda: web.json_response({"detail": "no such route"}), "no such route"),
    ],
    ids=["HTML", "401", "402", "403", "404", "400", "quota", "no choices"],
)
def test_a_server_that_refuses_is_named_before_the_first_block(answer, words):
    with answering(answer) as server:
        message = refused(server.url)
        assert words in message and server.url in message


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_passes_because_the_job_waits_for_it(status):
    with answering(lambda: refusal(status, "loading")) as server:
        check_server(EngineConfig(kind="openai", model="m", base_url=server.url), chat=False)


def test_an_unknown_model_is_refused_with_the_models_that_the_server_lists():
    def behave(name, attempt):
        return completion()

    class Strict(Server):
        async def handle(self, http):
            return refusal(404, "The model `m` does not exist")

    with serving(behave, server=Strict(behave, ("qwen-7b", "qwen-72b"))) as server:
        assert "the server has no model m: it lists qwen-72b, qwen-7b" in refused(server.url)


@pytest.mark.parametrize(
    ("url", "variables", "words"),
    [
        ("http://127.0.0.1:{free}/v1", {}, "nothing listens at 127.0.0.1:{free}: start the server"),
        ("http://no-such-host.invalid/v1", {}, "the host no-such-host.invalid is unknown: check base_url"),
        ("https://127.0.0.1:{plain}/v1", {}, "speaks no TLS on this port: use http:// in base_url"),
        ("http://example.invalid/v1", {"HTTP_PROXY": "http://127.0.0.1:{free}"}, "check HTTP_PROXY"),
        ("http://example.invalid/v1", {"ALL_PROXY": "socks5://127.0.0.1:{free}"}, "SOCKS"),
        ("http://127.0.0.1:{plain}/v1", {"SSL_CERT_FILE": "/no/such/file.pem"}, "SSL_CERT_FILE"),
    ],
    ids=["closed port", "unknown host", "TLS to a plain port", "dead proxy", "SOCKS", "no certificates"],
)
def test_a_missing_connection_names_its_cause(monkeypatch, url, variables, words):
    (free,) = free_ports(1)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serving(lambda name, n: completion()) as server:
        ports = {"free": free, "plain": server.url.split(":")[2].split("/")[0]}
        for name, value in variables.items():
            monkeypatch.setenv(name, value.format(**ports))
        message = refused(url.format(**ports))
    assert words.format(**ports) in message
    assert "Connection error" not in message


@pytest.mark.parametrize("port", ["80000", "-1", "http"])
def test_a_port_that_does_not_exist_is_refused_in_the_recipe(port):
    with pytest.raises(ValueError, match="has an unusable port"):
        EngineConfig(kind="openai", model="m", base_url=f"http://127.0.0.1:{port}/v1")
