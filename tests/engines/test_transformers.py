"""transformers in process: a real decoder-only model, and an encoder-decoder built here with random weights."""

import asyncio
import json

import pytest

from pad_ray.decoding.base import Attempt, Tools
from pad_ray.decoding.token_beam import TokenBeam
from pad_ray.engines.base import PartialCompletion, Request, Sampling
from pad_ray.engines.config import EngineConfig
from pad_ray.engines.kinds import fingerprint, open_engine
from pad_ray.engines.stage import generate, generations_from, to_json
from pad_ray.paths import Program
from pad_ray.paths.base import Message
from pad_ray.schema import AnswerKind, Question

PROMPT = "The capital of France is"
CODE = "def add(a, b):\n    return a + b\n\n\ndef multiply(a, b):\n"
LINES = "def solution():\n    a = 1\n    b = 2\n    c = 3\n    d = 4\n    e ="
GREEDY = Sampling(temperature=0.0, top_p=1.0, max_tokens=16)
SAMPLED = Sampling(temperature=1.0, top_p=0.95, max_tokens=16)
CHAT = (Message("user", "What is 2+2?"),)
WORDS = ["one", "two", "three", "four", "five", "six", "seven", "eight"]


def ask(engine, *requests):
    """Generations by name."""
    answers = asyncio.run(engine.generate(requests))
    assert [answer.request_id for answer in answers] == [request.request_id for request in requests]
    return {answer.request_id: answer for answer in answers}


@pytest.fixture(scope="module")
def engine():
    config = EngineConfig(kind="transformers", model="smollm2-135m", max_model_len=256, max_sequences=4)
    return open_engine(config, on_gpu=False)


@pytest.fixture(scope="module")
def tiny_t5(tmp_path_factory):
    """A random T5 of one layer whose tokenizer knows eight words, in the Hugging Face layout."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

    vocabulary = {token: number for number, token in enumerate(["<pad>", "</s>", "<unk>", *WORDS])}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    backend.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=len(vocabulary), d_model=32, d_kv=8, d_ff=64, num_layers=1, num_heads=2, decoder_start_token_id=0
    )
    folder = tmp_path_factory.mktemp("models") / "tiny-t5"
    T5ForConditionalGeneration(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def t5(tiny_t5):
    config = EngineConfig(kind="transformers", model=str(tiny_t5), max_model_len=64, max_sequences=4)
    return open_engine(config, on_gpu=False)


def test_greedy_texts_and_log_probabilities_equal_those_of_vllm(engine, vllm_server):
    """Both compute in float32 here; in bfloat16 they may differ if two tokens are almost equally probable."""
    requests = [Request("a", PROMPT, GREEDY, 0), Request("b", CODE, GREEDY, 0), Request("c", CHAT, GREEDY, 0)]
    vllm = open_engine(EngineConfig(kind="openai", model="smollm2-135m", base_url=vllm_server), on_gpu=False)
    ours, theirs = ask(engine, *requests), ask(vllm, *requests)
    for name, answer in theirs.items():
        assert (ours[name].text, ours[name].finish_reason) == (answer.text, answer.finish_reason)
        assert ours[name].prompt_tokens == answer.prompt_tokens
        assert ours[name].completion_tokens == answer.completion_tokens
        assert ours[name].mean_logprob == pytest.approx(answer.mean_logprob, abs=1e-3)


@pytest.mark.parametrize("kind", ["engine", "t5"])
def test_a_sample_is_the_same_alone_and_in_a_batch(request, kind):
    engine = request.getfixturevalue(kind)
    prompt = PROMPT if kind == "engine" else "one two three"
    alone = ask(engine, Request("x", prompt, SAMPLED, 5))["x"]
    others = [Request(f"o{n}", f"{prompt} " * (n % 5 + 1), SAMPLED, n) for n in range(10)]
    crowd = ask(engine, *others[:7], Request("x", prompt, SAMPLED, 5), *others[7:])
    assert crowd["x"].text == alone.text
    assert crowd["x"].mean_logprob == pytest.approx(alone.mean_logprob, abs=1e-4)


def test_another_seed_draws_another_sample(engine):
    texts = {answer.text for answer in ask(engine, *[Request(str(n), PROMPT, SAMPLED, n) for n in range(3)]).values()}
    assert len(texts) == 3


def test_a_small_top_p_leaves_the_most_probable_token(engine):
    narrow = Sampling(temperature=1.0, top_p=1e-6, max_tokens=16)
    answers = ask(engine, Request("narrow", PROMPT, narrow, 3), Request("greedy", PROMPT, GREEDY, 0))
    assert answers["narrow"].text == answers["greedy"].text


def test_a_stop_string_ends_a_completion_and_is_cut_off(engine):
    answers = ask(
        engine,
        Request("stop", PROMPT, Sampling(0.0, 1.0, 16, stop=("never", "Paris")), 0),
        Request("whole", PROMPT, GREEDY, 0),
    )
    assert (answers["stop"].finish_reason, answers["stop"].text) == ("stop", " ")
    assert (answers["whole"].finish_reason, answers["whole"].completion_tokens) == ("length", 16)


def test_generation_line_by_line_equals_generation_at_once(engine):
    """Each request continues the last one's tokens: the end of a line and the next line's indentation are one token."""
    whole = ask(engine, Request("whole", LINES, Sampling(0.0, 1.0, 24), 0))["whole"]
    assert "\n    " in whole.text
    line, text, tokens = Sampling(0.0, 1.0, 24, stop=("\n",), keep_stop=True), "", 0
    while tokens < whole.completion_tokens:
        answer = ask(engine, Request("line", LINES + text, line, 0))["line"]
        text, tokens = text + answer.text, tokens + answer.completion_tokens
    assert text.startswith(whole.text)


def test_only_the_invalid_request_fails(engine, t5):
    answers = ask(engine, Request("long", PROMPT * 400, GREEDY, 0), Request("good", PROMPT, GREEDY, 0))
    assert "max_model_len" in answers["long"].error
    assert answers["good"].error is None
    answers = ask(t5, Request("chat", CHAT, GREEDY, 0), Request("good", "one two", GREEDY, 0))
    assert "no chat template" in answers["chat"].error
    assert answers["good"].error is None


def test_prompt_and_completion_fit_into_the_context_together(engine):
    (answer,) = ask(engine, Request("a", "word " * 250, GREEDY, 0)).values()
    assert answer.finish_reason == "length"
    assert answer.prompt_tokens + answer.completion_tokens == 256


def test_an_encoder_decoder_answers_with_its_own_words(t5):
    (answer,) = ask(t5, Request("a", "one two three", GREEDY, 0)).values()
    assert answer.prompt_tokens == 4
    assert set(answer.text.split()) <= set(WORDS)
    assert 1 <= answer.completion_tokens <= 16
    assert answer.mean_logprob < 0


def test_an_encoder_decoder_samples_tokens_by_their_probability(t5):
    """Compares the first token of many seeds with the model's distribution by a chi-squared test."""
    import torch
    from scipy import stats

    once = Sampling(temperature=1.0, top_p=1.0, max_tokens=1)
    drawn = ask(t5, *[Request(str(seed), "one two", once, seed * 7919) for seed in range(600)])
    inputs = t5.tokenizer("one two", return_tensors="pt")
    with torch.inference_mode():
        logits = t5.model(**inputs, decoder_input_ids=torch.tensor([[0]])).logits[0, -1]
    likely = logits.softmax(-1)
    texts = [answer.text for answer in drawn.values()]
    counts = [sum(text == word for text in texts) for word in WORDS]
    expected = [600 * float(likely[3 + number]) for number in range(len(WORDS))]
    rest = (600 - sum(counts), 600 - sum(expected))
    assert stats.chisquare([*counts, rest[0]], [*expected, rest[1]]).pvalue > 1e-3


def test_a_model_s_own_generation_settings_are_not_applied(tiny_t5, tmp_path):
    import shutil

    folder = tmp_path / "opinionated"
    shutil.copytree(tiny_t5, folder)
    settings = json.loads((folder / "generation_config.json").read_text())
    opinions = {"repetition_penalty": 9.0, "do_sample": True, "num_beams": 3, "min_length": 9, "max_length": 3}
    (folder / "generation_config.json").write_text(json.dumps({**settings, **opinions}))
    asked = [Request("a", "one two three", GREEDY, 0)]
    plain, other = (
        ask(open_engine(EngineConfig(kind="transformers", model=str(path), max_model_len=64), on_gpu=False), *asked)
        for path in (tiny_t5, folder)
    )
    assert other["a"].text == plain["a"].text
    assert other["a"].completion_tokens == plain["a"].completion_tokens


def test_the_engine_names_version_model_and_revision(engine):
    name = ask(engine, Request("a", PROMPT, GREEDY, 0))["a"].engine
    assert name.startswith("transformers 5.")
    assert name.endswith(fingerprint(engine.config))


@pytest.mark.parametrize("kind", ["engine", "t5"])
def test_next_tokens_are_those_that_greedy_decoding_takes(request, kind):
    engine = request.getfixturevalue(kind)
    prompts = ["one two three", "four"]
    greedy = ask(engine, *[Request(prompt, prompt, Sampling(0.0, 1.0, 4), 0) for prompt in prompts])
    begun = [()] * len(prompts)
    for _ in range(4):
        asked = [PartialCompletion(prompt, tokens, 2) for prompt, tokens in zip(prompts, begun, strict=True)]
        candidates = engine.top_tokens(asked)
        assert all(first.logprob >= second.logprob for first, second in candidates)
        begun = [first.tokens if not first.ended else begun[n] for n, (first, _) in enumerate(candidates)]
    for prompt, tokens in zip(prompts, begun, strict=True):
        assert engine.tokenizer.decode(tokens, skip_special_tokens=True) == greedy[prompt].text


@pytest.mark.parametrize("kind", ["engine", "t5"])
def test_a_text_that_fills_the_context_has_no_next_token(request, kind):
    engine = request.getfixturevalue(kind)
    long = "one " * engine.config.max_model_len
    full, open_ = engine.top_tokens([PartialCompletion(long, (), 2), PartialCompletion("one", (), 2)])
    assert (full, len(open_)) == ([], 2)


@pytest.mark.parametrize("beams", [1, 2, 4])
def test_token_beam_equals_the_beam_search_of_transformers(t5, beams):
    import torch

    question = Question("q", "toy", "test", "one two", "2", AnswerKind.NUMBER, [])
    strategy = TokenBeam(beams=beams, weight=0)

    async def search():
        return await strategy.search(Attempt(question, Tools(t5, None, max_tokens=8), "test"))

    result = asyncio.run(search())[0]
    inputs = t5.tokenizer(Program().prompt(question), return_tensors="pt")
    with torch.inference_mode():
        expected = t5.model.generate(
            **inputs, num_beams=beams, do_sample=False, max_new_tokens=8, length_penalty=0.0, early_stopping="never"
        )
    assert result.text == t5.tokenizer.decode(expected[0], skip_special_tokens=True)


def test_batches_of_a_stage_are_served_one_after_the_other(t5, local_ray):
    import ray.data

    rows = [{"requests": to_json([Request(f"{n} {i}", "one two", SAMPLED, i) for i in range(3)])} for n in range(4)]
    generated = generate(ray.data.from_items(rows), t5.config, batch_rows=1)
    texts = [tuple(answer.text for answer in generations_from(row["generations"])) for row in generated.iter_rows()]
    assert len(texts) == 4
    assert len(set(texts)) == 1
