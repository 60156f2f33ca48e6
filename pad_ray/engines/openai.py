"""An engine for servers with the OpenAI protocol: `vllm serve`, llama.cpp, or a commercial service."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import openai

from pad_ray.engines.base import Generation, Request, failed
from pad_ray.engines.config import EngineConfig
from pad_ray.errors import InputError, StageError

CONNECT_TIMEOUT_S = 10.0
FINISHED = ("stop", "length")


class OpenAIEngine:
    """Sends plain prompts to `/completions` and messages to `/chat/completions`, one completion per request.

    The client retries a request after 408, 409, 429, 5xx, a lost connection or a time-out: with exponential back-off and
    jitter up to 8 s, or after the server's `Retry-After` of up to two minutes. Settings that a request does not contain, such
    as `top_k` and penalties, are chosen by the server, which may also ignore `seed`.
    """

    def __init__(self, config: EngineConfig) -> None:
        """Create the client; it does not connect yet.

        Raises:
            InputError: the environment variable with the key is not set.
        """
        key = config.api_key()
        self.config, self.secret = config, key
        self.name = f"openai {config.model}@{config.host}"
        self.free = asyncio.Semaphore(config.concurrency)
        # A hook of the HTTP client, so that retries keep the pace too.
        hooks = {"request": [_Pace(config.requests_per_minute).wait]}
        # Untyped: the overloads of its methods do not accept keyword arguments from a dict.
        self.client: Any = openai.AsyncOpenAI(
            api_key=key or "none",
            base_url=config.base_url,
            timeout=openai.Timeout(config.timeout_s, connect=min(CONNECT_TIMEOUT_S, config.timeout_s)),
            max_retries=config.attempts - 1,
            http_client=openai.DefaultAsyncHttpxClient(event_hooks=hooks),
        )

    async def generate(self, requests: Sequence[Request]) -> list[Generation]:
        """One generation per request, in order. If the server rejects a request, only that request fails.

        Raises:
            InputError: the server rejects the key (401, 403).
            StageError: after all attempts, the server cannot be reached or is still rate-limited (429).
        """
        tasks = [asyncio.create_task(self._one(request)) for request in requests]
        try:
            return list(await asyncio.gather(*tasks))
        except BaseException:
            for task in tasks:
                task.cancel()
            raise

    async def _one(self, request: Request) -> Generation:
        if request.sampling.keep_stop:
            return failed(request, self.name, "the OpenAI protocol does not say what a completion's last token wrote")
        async with self.free:
            started = time.monotonic()
            try:
                answer = await self._ask(request)
            except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
                raise InputError(f"{self.config.base_url} {self._refusal()} ({self._message(error)})") from None
            except openai.APITimeoutError:
                timeout = f"no answer within {self.config.timeout_s:g} s, asked {self.config.attempts} times"
                return failed(request, self.name, timeout)
            except (openai.APIConnectionError, openai.RateLimitError) as error:
                raise StageError(
                    f"{self.config.base_url} failed {self.config.attempts} times: {self._message(error)}"
                ) from None
            except (openai.APIError, ValueError) as error:
                # ValueError: the prompt is not valid Unicode, or the answer is not JSON.
                return failed(request, self.name, self._message(error))
            return self._generation(request, answer, time.monotonic() - started)

    async def _ask(self, request: Request) -> Any:
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
            return await self.client.completions.create(prompt=request.prompt, **arguments)
        if self.config.logprobs:
            arguments["logprobs"] = True
        messages = [asdict(message) for message in request.prompt]
        return await self.client.chat.completions.create(messages=messages, **arguments)

    def _generation(self, request: Request, answer: Any, seconds: float) -> Generation:
        choices = getattr(answer, "choices", None)
        if not choices:
            return failed(request, self.name, f"the answer holds no completion: {self._hide(str(answer))}")
        choice, usage = choices[0], answer.usage
        if choice.finish_reason not in FINISHED:
            return failed(request, self.name, f"the server ended the completion: {choice.finish_reason}")
        text = choice.text if isinstance(request.prompt, str) else choice.message.content
        return Generation(
            request_id=request.request_id,
            engine=self.name,
            text=text or "",
            finish_reason=choice.finish_reason,
            prompt_tokens=usage.prompt_tokens if usage else 0,
            completion_tokens=usage.completion_tokens if usage else 0,
            mean_logprob=_mean_logprob(choice.logprobs),
            seconds=seconds,
        )

    def _refusal(self) -> str:
        if self.config.api_key_env is None:
            return "requires a key: set api_key_env to the name of the environment variable that holds it"
        return (
            f"rejects the key in the environment variable {self.config.api_key_env}: set a key that may use the model"
        )

    def _message(self, error: Exception) -> str:
        """The server's error message, or the client's if the server sends none."""
        body = getattr(error, "body", None)
        text = body.get("message") if isinstance(body, dict) else None
        status = f"{error.status_code}: " if isinstance(error, openai.APIStatusError) else ""
        return self._hide(f"{status}{text or error}")

    def _hide(self, text: str) -> str:
        # Servers may repeat the key in an error.
        return text.replace(self.secret, "(key)") if self.secret else text


class _Pace:
    """Starts requests at even intervals, so that no minute exceeds the limit."""

    def __init__(self, per_minute: float | None) -> None:
        self.interval_s = 60.0 / per_minute if per_minute else 0.0
        self.next_start = 0.0

    async def wait(self, _: object) -> None:
        now = time.monotonic()
        start = max(now, self.next_start)
        self.next_start = start + self.interval_s
        await asyncio.sleep(start - now)


def _mean_logprob(logprobs: Any) -> float | None:
    """The mean log probability in nats per token, from the format of either endpoint; None if the server gives none."""
    if logprobs is None:
        return None
    content = getattr(logprobs, "content", None)
    values = [token.logprob for token in content] if content else getattr(logprobs, "token_logprobs", None)
    known = [value for value in values or () if value is not None]
    return sum(known) / len(known) if known else None
