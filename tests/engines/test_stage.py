"""Generation as a Ray Data stage: with real vLLM and small weights, and with scripted engines."""

import asyncio
import json

import pytest

from pad_ray.engines.attempts import DEATHS_OF_ONE_PROMPT, Attempts
from pad_ray.engines.base import Request, Sampling
from pad_ray.engines.config import EngineConfig
from pad_ray.engines.kinds import fingerprint, open_engine
from pad_ray.engines.stage import generate, generations_from, requests_from, to_json
from pad_ray.engines.vllm import CPU_STEP_TOKENS
from pad_ray.paths.base import Message
from pad_ray.schema import content_id

GREEDY = Sampling(temperature=0.0, top_p=1.0, max_tokens=12)
LINE = Sampling(temperature=0.0, top_p=1.0, max_tokens=12, stop=("\n",), keep_stop=True)
CODE = "def solution():\n    a = 1\n    b = 2\n    c = 3\n    d = 4\n    e ="
SAMPLED = Sampling(temperature=1.0, top_p=1.0, max_tokens=12)


def run(ray, config, rows):
    """The generations of each row's requests, by row name."""
    import ray.data

    table = [{"name": name, "requests": to_json(requests)} for name, requests in rows.items()]
    generated = generate(ray.data.from_items(table), config, batch_rows=4)
    return {row["name"]: generations_from(row["generations"]) for row in generated.iter_rows()}


@pytest.fixture(scope="module")
def generations(local_ray):
    prompt = "The capital of France is"
    rows = {
        "greedy": [Request("a", prompt, GREEDY, 0), Request("b", prompt, GREEDY, 1)],
        "seeds": [Request(str(seed), prompt, SAMPLED, seed) for seed in (5, 6, 7)],
        "again": [Request("5 again", prompt, SAMPLED, 5)],
        "crowd": [Request(f"c{n}", f"{n} " + prompt * 40, SAMPLED, n) for n in range(20)],
        "stop": [Request("s", prompt, Sampling(0.0, 1.0, 40, stop=("Paris",)), 0)],
        "lines": [Request("code", CODE, GREEDY, 0), Request("line", CODE, LINE, 0)],
        "chat": [Request("chat", (Message("user", "What is 2+2?"),), Sampling(0.0, 1.0, 30), 0)],
        "too long": [Request("l", prompt * 400, GREEDY, 0), Request("after", prompt, GREEDY, 0)],
    }
    config = EngineConfig(model="smollm2-135m", max_model_len=256, threads=1)
    return run(local_ray, config, rows)


def test_greedy_completions_do_not_depend_on_the_seed(generations):
    a, b = generations["greedy"]
    assert a.text == b.text
    assert "Paris" in a.text


def test_each_sample_uses_its_seed(generations):
    texts = [generation.text for generation in generations["seeds"]]
    assert len(set(texts)) == 3
    assert generations["again"][0].text == texts[0]


def test_a_stop_string_ends_a_completion_and_is_cut_off(generations):
    (generation,) = generations["stop"]
    assert generation.finish_reason == "stop"
    assert "Paris" not in generation.text


def test_a_stop_string_can_be_kept_with_the_rest_of_its_token(generations):
    whole, line = generations["lines"]
    assert line.finish_reason == "stop"
    assert "\n    " in f"{line.text} "
    assert whole.text.startswith(line.text)


def test_messages_use_the_models_chat_template(generations):
    (generation,) = generations["chat"]
    assert "4" in generation.text
    assert (generation.finish_reason, generation.error) == ("stop", None)


def test_tokens_and_log_probabilities_are_counted(generations):
    generation = generations["greedy"][0]
    assert (generation.finish_reason, generation.completion_tokens) == ("length", 12)
    assert generation.prompt_tokens == 5
    assert -5 < generation.mean_logprob < 0


def test_the_engine_names_version_model_and_revision(generations):
    name = generations["greedy"][0].engine
    assert name.startswith("vllm 0.")
    assert name.endswith(fingerprint(EngineConfig(model="smollm2-135m")))


def test_only_the_prompt_that_is_too_long_fails(generations):
    too_long, after = generations["too long"]
    assert too_long.finish_reason == "error"
    assert "256" in too_long.error
    assert after.text == generations["greedy"][0].text


def test_more_seeded_prompts_than_fit_into_one_step_are_all_served(generations):
    assert sum(generation.prompt_tokens for generation in generations["crowd"]) > CPU_STEP_TOKENS
    assert [generation.error for generation in generations["crowd"]] == [None] * 20


def test_scripted_completions_are_chosen_by_question_and_seed(local_ray, tmp_path):
    script = tmp_path / "script.json"
    script.write_text(json.dumps({"How many?": ["one", "two"], "*": ["none"]}))
    config = EngineConfig(kind="scripted", script=str(script))
    ask = "Question: shown\nSolution:\n1\n\nQuestion: {}\nSolution:\n"
    rows = {
        "known": [Request(str(seed), ask.format("How many?"), GREEDY, seed) for seed in (0, 1, 2)],
        "other": [Request("o", ask.format("Why?"), GREEDY, 0)],
    }
    texts = {name: [g.text for g in result] for name, result in run(local_ray, config, rows).items()}
    assert texts == {"known": ["one", "two", "one"], "other": ["none"]}


def test_a_script_answers_the_last_question_of_a_chat(tmp_path):
    chat = (
        Message("user", "Question: Why?\nSolution:"),
        Message("assistant", "so"),
        Message("user", "Question: How many?"),
    )
    (answer,) = scripted(tmp_path, {"How many?": ["one"], "*": ["none"]}, [Request("a", chat, GREEDY, 0)])
    assert (answer.text, answer.prompt_tokens) == ("one", 7)


def test_a_script_can_fail_a_request(tmp_path):
    requests = [Request(str(seed), "Question: q\n", GREEDY, seed) for seed in (0, 1)]
    bad, good = scripted(tmp_path, {"q": [{"error": "no"}, "yes"]}, requests)
    assert (bad.finish_reason, bad.error, bad.text) == ("error", "no", "")
    assert (good.finish_reason, good.text) == ("stop", "yes")


def test_a_script_can_end_the_process(tmp_path):
    import multiprocessing

    arguments = (tmp_path, {"*": [{"crash": True}]}, [Request("a", "q", GREEDY, 0)])
    process = multiprocessing.get_context("spawn").Process(target=scripted, args=arguments)
    process.start()
    process.join(60)
    assert process.exitcode == 1


def scripted(folder, completions, requests):
    script = folder / "script.json"
    script.write_text(json.dumps(completions))
    return asyncio.run(open_engine(EngineConfig(kind="scripted", script=str(script)), on_gpu=False).generate(requests))


def test_a_request_round_trips_through_json():
    chat = (Message("user", "prompt \u2019\n"), Message("assistant", ""))
    requests = [Request(content_id(n), "prompt \u2019\n" if n else chat, SAMPLED, n) for n in range(3)]
    assert requests_from(to_json(requests)) == requests


def test_hundreds_of_engines_may_start_before_one_has_served_anything():
    attempts = Attempts(max_restarts=3)
    assert all(attempts.engine_started(f"actor {number}") <= 0 for number in range(300))
    restarts = [attempts.engine_started("actor 0") for _ in range(DEATHS_OF_ONE_PROMPT + 1)]
    assert (max(restarts[:-1]), restarts[-1]) == (0, 1)
    attempts.leave("a batch")
    assert attempts.engine_started("actor 1") <= 0
