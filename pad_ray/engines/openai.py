"""An engine for servers with the OpenAI protocol: `vllm serve`, llama.cpp, or a commercial service."""

import asyncio
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any

import openai

from pad_ray.engines.base import UNAVAILABLE, Generation, Request, failed, unavailable, unsent
from pad_ray.engines.breaker import Breaker
from pad_ray.engines.config import EngineConfig
from pad_ray.engines.dialects import UnusableAnswerError, read_answer
from pad_ray.engines.server import ServerFault, fault_of, open_client

REFUSING = (401, 402, 403)
"""Statuses with which a server refuses the account, and so every request."""
# Longest wait between two questions whether a lost server is back.
PING_S = 30.0
KEEPS_NO_STOP = "the OpenAI protocol does not say what a completion's last token wrote"
RESENDS = 2
"""How often a request is sent again, with all its attempts, after its server was lost and came back."""


class OpenAIEngine:
    """Sends plain prompts to `/completions` and messages to `/chat/completions`, one completion per request.

    The client retries a request after 408, 409, 429, 5xx, a lost connection or a time-out: with exponential back-off and
    jitter up to 8 s, or after the server's `Retry-After` of up to two minutes. If a server that has answered before is lost,
    the engine waits up to `patience_s` for it. Settings that a request does not contain, such as `top_k` and penalties, are
    chosen by the server, which may also ignore `seed`.

    One odd answer fails one request. If requests fail alike in a row, or the server refuses the account, the fault is the
    server's: requests that were not sent yet return as `unsent`, and those that were sent are awaited.
    """

    def __init__(self, config: EngineConfig) -> None:
        """Create the client; it does not connect yet.

        Raises:
            InputError: the environment variable with the key is not set, or the client cannot be created.
        """
        self.config = config
        self.name = f"openai {config.model}@{config.host}"
        self.free = asyncio.Semaphore(config.concurrency)
        self.client = open_client(config, _RequestPace(config.requests_per_minute).wait)
        self.breaker = Breaker(config.concurrency)
        self.failed_after: dict[str, int] = {}
        self.waiting = asyncio.Lock()

    async def generate(self, requests: Sequence[Request]) -> list[Generation]:
        """One generation per request, in order.

        The `finish_reason` of a request without a completion is `error` if that is its own fault, `unavailable` if it is the
        server's, and `unsent` if it was not sent because of the server's fault.
        """
        tasks = [asyncio.create_task(self._one(request)) for request in requests]
        try:
            return [self._classified(one) for one in await asyncio.gather(*tasks)]
        except BaseException:
            for task in tasks:
                task.cancel()
            raise

    async def _one(self, request: Request) -> Generation:
        if request.sampling.keep_stop:
            return failed(request, self.name, KEEPS_NO_STOP)
        async with self.free:
            if not self.breaker.stopped:
                with self.breaker.inside():
                    return await self._sent(request)
        # Requests on their way are paid for, so wait until they have returned.
        await self.breaker.emptied()
        return unsent(request, self.name, self.breaker.stopped)

    async def _sent(self, request: Request) -> Generation:
        """The result of a request, which is sent again if the server was lost on the way and is back."""
        for resend in range(RESENDS + 1):
            started = time.monotonic()
            try:
                text = await self._ask(request)
            except (openai.APIError, ValueError) as error:
                fault = fault_of(error, self.config)
                if fault.lost and self.breaker.successes and resend < RESENDS and await self._back(fault):
                    continue
                return self._failure(request, fault)
            return self._generation(request, text, time.monotonic() - started)
        raise AssertionError("a request is sent at least once")

    async def _back(self, fault: ServerFault) -> bool:
        """Wait until the server answers again; if it does not within `patience_s` seconds, stop the engine and return False."""
        async with self.waiting:
            deadline, pause = time.monotonic() + self.config.patience_s, 0.5
            while not self.breaker.stopped:
                try:
                    await self.client.with_options(max_retries=0, timeout=10).models.list()
                    return True
                except openai.APIError as error:
                    if not fault_of(error, self.config).lost:
                        return True
                if time.monotonic() + pause > deadline:
                    # The requests behind this one must not wait as long again, one after the other.
                    self.breaker.failed(fault.message, fault.signature, at_once=True)
                    return False
                await asyncio.sleep(pause)
                pause = min(2 * pause, PING_S)
        return False

    async def _ask(self, request: Request) -> str:
        """The text of the server's answer."""
        sampling = request.sampling
        arguments: dict[str, Any] = {
            "model": self.config.model,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "max_tokens": sampling.max_tokens,
            "seed": request.seed,
            "n": 1,
        }
        if sampling.stop:
            arguments["stop"] = list(sampling.stop)
        if isinstance(request.prompt, str):
            if self.config.logprobs:
                arguments["logprobs"] = 1  # Alternatives per token: the smallest value that every server accepts.
            completions = self.client.completions.with_raw_response
            return str((await completions.create(prompt=request.prompt, **arguments)).text)
        if self.config.logprobs:
            arguments["logprobs"] = True
        messages = [asdict(message) for message in request.prompt]
        chat = self.client.chat.completions.with_raw_response
        return str((await chat.create(messages=messages, **arguments)).text)

    def _generation(self, request: Request, text: str, seconds: float) -> Generation:
        try:
            answer = read_answer(json.loads(text), request.sampling.max_tokens)
        except json.JSONDecodeError:
            words = " ".join(text.split())[:200]
            return self._failure(request, ServerFault(f"the answer is not JSON: {words}", signature="not JSON"))
        except UnusableAnswerError as error:
            return self._failure(request, ServerFault(self.config.without_key(str(error))))
        self.breaker.succeeded()
        return Generation(
            request_id=request.request_id,
            engine=self.name,
            text=answer.text,
            finish_reason=answer.finish_reason,
            prompt_tokens=answer.prompt_tokens,
            completion_tokens=answer.completion_tokens,
            mean_logprob=answer.mean_logprob,
            seconds=seconds,
            reasoning=answer.reasoning,
        )

    def _failure(self, request: Request, fault: ServerFault) -> Generation:
        self.breaker.failed(fault.message, fault.signature, at_once=fault.status in REFUSING or fault.no_credit)
        self.failed_after[request.request_id] = self.breaker.successes
        return (unavailable if fault.of_server else failed)(request, self.name, fault.message)

    def _classified(self, generation: Generation) -> Generation:
        """A failure is the request's own fault only if another request has succeeded after it."""
        successes = self.failed_after.pop(generation.request_id, -1)
        if generation.finish_reason != "error" or self.breaker.successes > successes:
            return generation
        return replace(generation, finish_reason=UNAVAILABLE)


class _RequestPace:
    """Starts requests at even intervals, so that no minute exceeds the limit."""

    def __init__(self, per_minute: float | None) -> None:
        self.interval_s = 60.0 / per_minute if per_minute else 0.0
        self.next_start = 0.0

    async def wait(self, _: object) -> None:
        now = time.monotonic()
        start = max(now, self.next_start)
        self.next_start = start + self.interval_s
        await asyncio.sleep(start - now)
