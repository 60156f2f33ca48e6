"""The dialects of servers: the same completion in many forms, and answers that hold none."""

import pytest
from aiohttp import web

from pad_ray.engines.base import UNAVAILABLE, Request
from pad_ray.paths.base import Message
from tests.engines.odd_server import SAMPLING, ask, completion, run

USAGE = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}


def answer(choice, **fields):
    return {"id": "1", "object": "text_completion", "model": "m", "choices": [choice], "usage": USAGE, **fields}


def plain(**fields):
    return {"index": 0, "text": "ok", "finish_reason": "stop", **fields}


def reply(content="ok", **fields):
    return {"index": 0, "message": {"role": "assistant", "content": content, **fields}, "finish_reason": "stop"}


def generated(body, chat=False):
    """The generation of a request that gets this answer, beside one that gets a plain one."""
    prompt = (Message("user", "odd"),) if chat else "odd"
    requests = [Request("odd", prompt, SAMPLING, 0), *ask("good")]
    _, answers = run(lambda name, n: web.json_response(body) if name == "odd" else completion(), requests, attempts=1)
    assert (answers["good"].text, answers["good"].error) == ("ok", None)
    return answers["odd"]


@pytest.mark.parametrize(
    "reason",
    ["stop", "eos", "eos_token", "stop_sequence", "end_turn", "STOP", "stop_token", "COMPLETE", None, "", "done"],
)
def test_a_completion_that_ended_by_itself(reason):
    assert (generated(answer(plain(finish_reason=reason))).finish_reason) == "stop"


@pytest.mark.parametrize("reason", ["length", "max_tokens", "MAX_TOKENS", "max_length", "model_length"])
def test_a_completion_that_reached_its_limit(reason):
    assert generated(answer(plain(finish_reason=reason))).finish_reason == "length"


def test_without_a_finish_reason_the_number_of_tokens_tells():
    full = {**USAGE, "completion_tokens": SAMPLING.max_tokens}
    assert generated(answer(plain(finish_reason=None), usage=full)).finish_reason == "length"


@pytest.mark.parametrize("reason", ["content_filter", "SAFETY", "abort", "error", "tool_calls", "RECITATION"])
def test_a_completion_that_the_server_cut_short_fails(reason):
    odd = generated(answer(plain(finish_reason=reason)))
    assert odd.error == f"the server ended the completion: {reason}"


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None},
        {"prompt_tokens": "many"},
        {"prompt_tokens": -1, "completion_tokens": -1},
    ],
    ids=str,
)
def test_without_counts_the_tokens_are_0(usage):
    odd = generated(answer(plain(), usage=usage))
    assert (odd.text, odd.prompt_tokens, odd.completion_tokens) == ("ok", 0, 0)


@pytest.mark.parametrize(
    "usage", [{"prompt_tokens": 3.0, "completion_tokens": 1.0}, {"input_tokens": 3, "output_tokens": 1}], ids=str
)
def test_counts_by_other_names_and_types(usage):
    odd = generated(answer(plain(), usage=usage))
    assert (odd.prompt_tokens, odd.completion_tokens) == (3, 1)


@pytest.mark.parametrize(
    "logprobs",
    [
        {"token_logprobs": [-0.5, None, -1.5]},
        {"content": [{"token": "o", "logprob": -0.5}, {"token": "k", "logprob": -1.5}]},
        {"content": [{"token": "o", "logprob": -0.5}, None, {"token": "k", "logprob": -1.5}], "refusal": None},
        {"tokens": ["o", "k"], "token_logprobs": [-0.5, -1.5], "top_logprobs": None, "text_offset": None},
    ],
    ids=["plain", "chat", "chat with gaps", "plain with nulls"],
)
@pytest.mark.parametrize("chat", [False, True])
def test_log_probabilities_in_either_form_at_either_endpoint(logprobs, chat):
    choice = {**(reply() if chat else plain()), "logprobs": logprobs}
    assert generated(answer(choice), chat=chat).mean_logprob == -1.0


@pytest.mark.parametrize("logprobs", [None, {}, [], {"content": None}, {"content": [{"logprob": "?"}]}], ids=str)
def test_without_usable_log_probabilities_there_are_none(logprobs):
    assert generated(answer(plain(logprobs=logprobs))).mean_logprob is None


@pytest.mark.parametrize(
    "content",
    [
        "ok",
        [{"type": "text", "text": "o"}, {"type": "text", "text": "k"}],
        ["ok"],
        [{"type": "text", "text": "ok"}, {}],
    ],
    ids=str,
)
def test_content_as_a_text_or_as_parts(content):
    assert generated(answer(reply(content)), chat=True).text == "ok"


@pytest.mark.parametrize("name", ["reasoning_content", "reasoning"])
def test_reasoning_is_kept_beside_the_answer(name):
    odd = generated(answer(reply(**{name: "3 and 4 are 7"})), chat=True)
    assert (odd.text, odd.reasoning) == ("ok", "3 and 4 are 7")


def test_a_null_choice_before_a_completion_is_passed_over():
    assert generated({"choices": [None, plain()], "usage": USAGE}).text == "ok"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"choices": []}, "the answer holds no completion"),
        ({"choices": [None]}, "the answer holds no completion"),
        ({"choices": None}, "the answer holds no completion"),
        ({"choices": {"text": "ok"}}, "the answer holds no completion"),
        ({"error": {"message": "out of memory", "code": 500}}, "out of memory"),
        ({"error": "out of memory"}, "out of memory"),
        ({"detail": "no such route"}, "no such route"),
        ([], "the answer holds no completion"),
        (None, "the answer holds no completion"),
        (answer({"finish_reason": None}), "the server ended the completion: None"),
        (answer({"message": None, "finish_reason": None}), "the server ended the completion: None"),
    ],
    ids=str,
)
def test_an_answer_without_a_completion_fails_one_request_in_the_servers_words(body, words):
    odd = generated(body)
    assert words in odd.error
    assert odd.finish_reason in ("error", UNAVAILABLE)
