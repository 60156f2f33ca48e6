"""The interface of engines: requests in, generations out."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pad_ray.paths.base import Message

UNAVAILABLE = "unavailable"
UNSENT = "unsent"


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sampling settings; a temperature of 0 is greedy. `max_tokens` limits one completion.

    With `keep_stop`, the text of a completion includes the stop string and the rest of the last token: a tokenizer joins the
    end of a line with the next line's indentation, and a request that continues the text must start from the same tokens.
    """

    temperature: float
    top_p: float
    max_tokens: int
    stop: tuple[str, ...] = ()
    keep_stop: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One completion to generate. Every request has its own seed, so that a repeated request repeats its sample.

    `prompt` is a text to continue, or the messages of a chat to answer.
    """

    request_id: str
    prompt: str | tuple[Message, ...]
    sampling: Sampling
    seed: int


@dataclass(frozen=True, slots=True)
class Generation:
    """The result of a request.

    `engine` names engine version, model and revision. `finish_reason` is `stop` or `length`. If `error` is set, it is `error`,
    `unavailable` if the engine's server failed and not the request, or `unsent` if the request was not sent because of such a
    failure. `mean_logprob` is in nats per token, None if the engine gives none. `reasoning` is what a reasoning model wrote
    before its answer, if the engine separates it.
    """

    request_id: str
    engine: str
    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    mean_logprob: float | None
    seconds: float
    error: str | None = None
    reasoning: str = ""


@dataclass(frozen=True, slots=True)
class PartialCompletion:
    """A partial completion with its `tokens`, and the `count` of candidates wanted for its next token."""

    prompt: str | tuple[Message, ...]
    tokens: tuple[int, ...]
    count: int


@dataclass(frozen=True, slots=True)
class NextToken:
    """A completion with one more token: all tokens, their text, the new token's log probability, whether it has ended."""

    tokens: tuple[int, ...]
    text: str
    logprob: float
    ended: bool


class Engine(Protocol):
    """Generates completions for a batch; a failed request returns with `error` set and does not affect the others."""

    async def generate(self, requests: Sequence[Request]) -> list[Generation]: ...


class TokenEngine(Protocol):
    """An engine that returns the most probable next tokens, for token-by-token search. It blocks, so call it in a thread."""

    def top_tokens(self, asked: Sequence[PartialCompletion]) -> list[list[NextToken]]: ...


def failed(request: Request, engine: str, error: str) -> Generation:
    """The generation of a request that an engine could not serve."""
    return _without_text(request, engine, "error", error)


def unavailable(request: Request, engine: str, error: str) -> Generation:
    """The generation of a request that failed because the engine's server did; the same request can succeed later."""
    return _without_text(request, engine, UNAVAILABLE, error)


def unsent(request: Request, engine: str, error: str) -> Generation:
    """The generation of a request that was not sent because the engine's server fails."""
    return _without_text(request, engine, UNSENT, error)


def _without_text(request: Request, engine: str, finish_reason: str, error: str) -> Generation:
    return Generation(request.request_id, engine, "", finish_reason, 0, 0, None, 0.0, error[:500])
