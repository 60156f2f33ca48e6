"""transformers in process: the fallback for models that vLLM does not support, such as T5. Correctness before speed."""

import asyncio
import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer, GenerationConfig

from pad_ray.engines.base import Generation, NextToken, PartialCompletion, Request, Sampling, failed
from pad_ray.engines.chat import chat_token_ids
from pad_ray.engines.config import EngineConfig
from pad_ray.models import resolve

# The only generation settings taken from a model; penalties and temperatures come from the request.
ENDS = ("bos_token_id", "eos_token_id", "decoder_start_token_id")


class TransformersEngine:
    """Serves decoder-only and encoder-decoder models, one batch of `max_sequences` at a time.

    Each request has its own random generator, so its sample does not depend on its batch, except for rounding: padding changes
    the last bits of a probability, which can change a token if two are almost equally probable.
    """

    def __init__(self, config: EngineConfig, *, on_gpu: bool) -> None:
        model = resolve(config.model)
        self.config = config
        self.name = f"transformers {metadata.version('transformers')} {model.name}@{model.revision}"
        self.device = torch.device("cuda" if on_gpu else "cpu")
        if not on_gpu:
            torch.set_num_threads(config.threads or os.cpu_count() or 1)
        self.tokenizer = AutoTokenizer.from_pretrained(model.path)
        self.encodes = bool(AutoConfig.from_pretrained(model.path).is_encoder_decoder)
        kind = AutoModelForSeq2SeqLM if self.encodes else AutoModelForCausalLM
        self.model = kind.from_pretrained(model.path, dtype=_dtype(config, on_gpu=on_gpu)).to(self.device).eval()
        self._forget_defaults()
        self.free = asyncio.Lock()

    async def generate(self, requests: Sequence[Request]) -> list[Generation]:
        """One generation per request, in order. Only the request fails if its prompt is too long or the template is missing."""
        async with self.free:
            # In a thread, so that the actor stays responsive to Ray.
            return await asyncio.to_thread(self._generate, requests)

    def top_tokens(self, asked: Sequence[PartialCompletion]) -> list[list[NextToken]]:
        """The most probable next tokens of partial texts, best first for each text, for token-by-token search.

        The list is empty for a text that fills `max_model_len`. Blocks; every call computes the whole text again.
        """
        candidates: list[list[NextToken]] = []
        for start in range(0, len(asked), self.config.max_sequences):
            candidates += self._top_tokens(asked[start : start + self.config.max_sequences])
        return candidates

    def _top_tokens(self, partial: Sequence[PartialCompletion]) -> list[list[NextToken]]:
        rows: list[list[NextToken]] = [[] for _ in partial]
        prompts = {place: tokens for place, one in enumerate(partial) if (tokens := self._fitting(one)) is not None}
        if not prompts:
            return rows
        with torch.inference_mode():
            logits = self._next_logits(list(prompts.values()), [list(partial[place].tokens) for place in prompts])
        for place, row in zip(prompts, logits.float().log_softmax(-1), strict=True):
            best = row.topk(min(partial[place].count, len(row)))
            rows[place] = [self._candidate(partial[place], int(token), float(row[token])) for token in best.indices]
        return rows

    def _fitting(self, one: PartialCompletion) -> list[int] | None:
        """The tokens of the prompt; None if there is no room for another token."""
        try:
            prompt = self._token_ids(Request("", one.prompt, Sampling(0.0, 1.0, 1), 0))
        except ValueError:
            return None
        length = len(one.tokens) + (0 if self.encodes else len(prompt))
        return prompt if length < self.config.max_model_len else None

    def _candidate(self, one: PartialCompletion, token: int, logprob: float) -> NextToken:
        tokens = (*one.tokens, token)
        ends = self.model.generation_config.eos_token_id
        ended = token in (ends if isinstance(ends, list) else [ends])
        return NextToken(tokens, self.tokenizer.decode(tokens, skip_special_tokens=True), logprob, ended)

    def _next_logits(self, prompts: Sequence[list[int]], begun: Sequence[list[int]]) -> Any:
        """Logits of shape (rows, vocabulary). Padding is on the right, where attention to the real tokens ignores it."""
        if self.encodes:
            inputs = self.tokenizer.pad({"input_ids": list(prompts)}, return_tensors="pt").to(self.device)
            begins = [[self.model.generation_config.decoder_start_token_id, *tokens] for tokens in begun]
            logits = self.model(**inputs, decoder_input_ids=self._padded(begins), use_cache=False).logits
        else:
            begins = [[*prompt, *tokens] for prompt, tokens in zip(prompts, begun, strict=True)]
            logits = self.model(input_ids=self._padded(begins), use_cache=False).logits
        return logits[range(len(begins)), [len(tokens) - 1 for tokens in begins]]

    def _padded(self, rows: Sequence[list[int]]) -> Any:
        longest = max(map(len, rows))
        pad = self.tokenizer.pad_token_id
        return torch.tensor([[*row, *[pad] * (longest - len(row))] for row in rows], device=self.device)

    def _forget_defaults(self) -> None:
        if self.tokenizer.pad_token_id is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        self.tokenizer.padding_side = "right" if self.encodes else "left"
        settings = self.model.generation_config
        kept = {name: getattr(settings, name, None) for name in ENDS}
        self.model.generation_config = GenerationConfig(**kept, pad_token_id=self.tokenizer.pad_token_id)

    def _generate(self, requests: Sequence[Request]) -> list[Generation]:
        done: dict[int, Generation] = {}
        prompts: list[tuple[int, list[int]]] = []
        for index, request in enumerate(requests):
            try:
                prompts.append((index, self._token_ids(request)))
            except ValueError as error:
                done[index] = failed(request, self.name, str(error))
        for batch in self._batches(prompts):
            served = [requests[index] for index, _ in batch]
            answers = self._complete(served, [tokens for _, tokens in batch])
            done.update(zip([index for index, _ in batch], answers, strict=True))
        return [done[index] for index in range(len(requests))]

    def _token_ids(self, request: Request) -> list[int]:
        if isinstance(request.prompt, str):
            tokens = list(self.tokenizer(request.prompt).input_ids)
        else:
            tokens = chat_token_ids(self.tokenizer, request.prompt)
        if not 0 < len(tokens) < self.config.max_model_len:
            raise ValueError(
                f"the prompt has {len(tokens)} tokens; with the completion, 1 to {self.config.max_model_len} "
                "(max_model_len) are served"
            )
        return tokens

    def _batches(self, prompts: list[tuple[int, list[int]]]) -> Iterator[list[tuple[int, list[int]]]]:
        """Batches of prompts of similar length, to minimise padding."""
        ordered = sorted(prompts, key=lambda item: len(item[1]))
        size = self.config.max_sequences
        return (ordered[start : start + size] for start in range(0, len(ordered), size))

    def _complete(self, requests: Sequence[Request], prompts: Sequence[list[int]]) -> list[Generation]:
        started = time.monotonic()
        rows = [self._row(request, len(tokens)) for request, tokens in zip(requests, prompts, strict=True)]
        inputs = self.tokenizer.pad({"input_ids": list(prompts)}, return_tensors="pt").to(self.device)
        self.model.generate(
            **inputs,
            # `_Choose` samples: it leaves one token per row, which greedy search then selects.
            do_sample=False,
            max_new_tokens=max(row.limit for row in rows),
            logits_processor=[_Choose(rows)],
            stopping_criteria=[_EndCriterion(rows)],
        )
        seconds = time.monotonic() - started
        return [row.generation(self.name, seconds) for row in rows]

    def _row(self, request: Request, prompt_tokens: int) -> "_Row":
        # The prompt of an encoder-decoder does not use the room of the completion.
        room = self.config.max_model_len - (0 if self.encodes else prompt_tokens)
        eos = self.model.generation_config.eos_token_id
        return _Row(
            request=request,
            prompt_tokens=prompt_tokens,
            limit=min(request.sampling.max_tokens, room),
            ends=frozenset([eos] if isinstance(eos, int) else eos or ()),
            tokenizer=self.tokenizer,
            generator=torch.Generator(self.device).manual_seed(request.seed),
        )


@dataclass
class _Row:
    """A request in a batch: chooses its tokens and detects its end."""

    request: Request
    prompt_tokens: int
    limit: int
    ends: frozenset[int]
    tokenizer: Any
    generator: Any
    tokens: list[int] = field(default_factory=list)
    logprob_sum: float = 0.0
    text: str = ""
    finish_reason: str | None = None

    def choose(self, logprobs: Any) -> int:
        """The next token, given log probabilities of shape (vocabulary,). A finished row returns padding."""
        if self.finish_reason:
            return int(self.tokenizer.pad_token_id)
        token = _draw(logprobs, self.request.sampling, self.generator)
        self.tokens.append(token)
        self.logprob_sum += float(logprobs[token])
        self._update(token)
        return token

    def _update(self, token: int) -> None:
        # Decode all tokens each time: characters and spaces depend on the whole sequence.
        text = self.tokenizer.decode(self.tokens, skip_special_tokens=True)
        stops = [text.index(stop) for stop in self.request.sampling.stop if stop in text]
        self.text = text[: min(stops)] if stops and not self.request.sampling.keep_stop else text
        if stops or token in self.ends:
            self.finish_reason = "stop"
        elif len(self.tokens) == self.limit:
            self.finish_reason = "length"

    def generation(self, engine: str, seconds: float) -> Generation:
        return Generation(
            request_id=self.request.request_id,
            engine=engine,
            text=self.text,
            finish_reason=self.finish_reason or "length",
            prompt_tokens=self.prompt_tokens,
            completion_tokens=len(self.tokens),
            mean_logprob=self.logprob_sum / len(self.tokens),
            seconds=seconds,
        )


class _Choose:
    """A logits processor for `generate`: keeps one token per row of scores of shape (rows, vocabulary)."""

    def __init__(self, rows: Sequence[_Row]) -> None:
        self.rows = rows

    def __call__(self, input_ids: Any, scores: Any) -> Any:
        logprobs = scores.log_softmax(-1)
        chosen = [row.choose(of_row) for row, of_row in zip(self.rows, logprobs, strict=True)]
        only = torch.full_like(scores, -torch.inf)
        only[range(len(chosen)), chosen] = 0.0
        return only


class _EndCriterion:
    """A stopping criterion for `generate`: marks the rows that have ended."""

    def __init__(self, rows: Sequence[_Row]) -> None:
        self.rows = rows

    def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
        return torch.tensor([row.finish_reason is not None for row in self.rows], device=input_ids.device)


def _draw(logprobs: Any, sampling: Sampling, generator: Any) -> int:
    if sampling.temperature == 0:
        return int(logprobs.argmax())
    probabilities = (logprobs / sampling.temperature).softmax(-1)
    if sampling.top_p < 1:
        ordered, tokens = probabilities.sort(descending=True)
        # Keep a token if the more probable ones have not reached top_p, so the first one is always kept.
        outside = ordered.cumsum(-1) - ordered >= sampling.top_p
        probabilities[tokens[outside]] = 0.0
    return int(torch.multinomial(probabilities, 1, generator=generator))


def _dtype(config: EngineConfig, *, on_gpu: bool) -> Any:
    if config.dtype != "auto":
        return getattr(torch, config.dtype)
    return torch.bfloat16 if on_gpu else torch.float32
