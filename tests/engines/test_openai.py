"""The OpenAI engine on a real vLLM server with real small weights."""

import asyncio

import pytest

from pad_ray.engines.base import Request, Sampling
from pad_ray.engines.config import EngineConfig
from pad_ray.engines.kinds import fingerprint, open_engine
from pad_ray.engines.stage import generate, generations_from, to_json
from pad_ray.paths.base import Message

PROMPT = "The capital of France is"
GREEDY = Sampling(temperature=0.0, top_p=1.0, max_tokens=12)
SAMPLED = Sampling(temperature=1.0, top_p=1.0, max_tokens=12)
CHAT = (Message("user", "What is 2+2?"),)


@pytest.fixture(scope="module")
def config(vllm_server):
    return EngineConfig(kind="openai", model="smollm2-135m", base_url=vllm_server)


@pytest.fixture(scope="module")
def generations(config):
    requests = [
        Request("greedy", PROMPT, GREEDY, 0),
        *[Request(f"seed {seed}", PROMPT, SAMPLED, seed) for seed in (5, 6, 7)],
        Request("seed 5 again", PROMPT, SAMPLED, 5),
        Request("stop", PROMPT, Sampling(0.0, 1.0, 40, stop=("Paris",)), 0),
        Request("chat", CHAT, Sampling(0.0, 1.0, 30), 0),
        Request("chat seed 5", CHAT, SAMPLED, 5),
        Request("chat seed 5 again", CHAT, SAMPLED, 5),
        Request("too long", PROMPT * 400, GREEDY, 0),
        Request("after", PROMPT, GREEDY, 0),
    ]
    answers = asyncio.run(open_engine(config, on_gpu=False).generate(requests))
    assert [answer.request_id for answer in answers] == [request.request_id for request in requests]
    return {answer.request_id: answer for answer in answers}


def test_a_plain_prompt_is_continued(generations):
    answer = generations["greedy"]
    assert answer.text.startswith(" Paris")
    assert (answer.finish_reason, answer.prompt_tokens, answer.completion_tokens) == ("length", 5, 12)
    assert answer.error is None


def test_a_chat_is_answered_and_ends_by_itself(generations):
    answer = generations["chat"]
    assert "4" in answer.text
    assert answer.finish_reason == "stop"
    # Includes the template's tokens: the question has only about eight.
    assert answer.prompt_tokens > 15


def test_each_sample_uses_its_seed(generations):
    texts = [generations[f"seed {seed}"].text for seed in (5, 6, 7)]
    assert len(set(texts)) == 3
    assert generations["seed 5 again"].text == texts[0]
    assert generations["chat seed 5 again"].text == generations["chat seed 5"].text


def test_a_stop_string_ends_a_completion_and_is_cut_off(generations):
    answer = generations["stop"]
    assert (answer.finish_reason, "Paris" in answer.text) == ("stop", False)


@pytest.mark.parametrize("name", ["greedy", "chat"])
def test_log_probabilities_are_counted_at_both_endpoints(generations, name):
    assert -5 < generations[name].mean_logprob < 0


def test_only_the_prompt_that_is_too_long_fails(generations):
    assert generations["too long"].finish_reason == "error"
    assert "256" in generations["too long"].error
    assert generations["after"].text == generations["greedy"].text


def test_the_host_replaces_the_revision(config, generations):
    host = config.base_url.removeprefix("http://").removesuffix("/v1")
    assert fingerprint(config) == f"smollm2-135m@{host}"
    assert generations["greedy"].engine == f"openai smollm2-135m@{host}"


def test_an_unknown_model_fails_with_the_servers_message(config):
    other = config.model_copy(update={"model": "gpt-0"})
    (answer,) = asyncio.run(open_engine(other, on_gpu=False).generate([Request("a", PROMPT, GREEDY, 0)]))
    assert "404" in answer.error
    assert "gpt-0" in answer.error


def test_batches_of_a_stage_share_the_concurrency(config, local_ray):
    import ray.data

    narrow = config.model_copy(update={"concurrency": 2})
    rows = [{"requests": to_json([Request(f"{n} {i}", PROMPT, GREEDY, 0) for i in range(3)])} for n in range(4)]
    generated = generate(ray.data.from_items(rows), narrow, batch_rows=1)
    answers = [answer for row in generated.iter_rows() for answer in generations_from(row["generations"])]
    assert len(answers) == 12
    assert {(answer.text, answer.error) for answer in answers} == {(answers[0].text, None)}
