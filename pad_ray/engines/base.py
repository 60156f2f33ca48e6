"""What every engine takes and gives back."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from pad_ray.paths.base import Message


@dataclass(frozen=True, slots=True)
class Sampling:
    """How completions are drawn; a temperature of 0 is greedy. `max_tokens` bounds one completion.

    With `keep_stop` the text of a completion holds the stop string and whatever else the last token wrote: a tokenizer joins
    a line's end with the next one's indentation, and a completion that goes on from there has to see the same tokens.
    """

    temperature: float
    top_p: float
    max_tokens: int
    stop: tuple[str, ...] = ()
    keep_stop: bool = False


@dataclass(frozen=True, slots=True)
class Request:
    """One completion to generate. Every sample has a seed of its own, so that a repeated request repeats its sample.

    `prompt` is text that the completion follows, or the messages of a chat that it answers.
    """

    request_id: str
    prompt: str | tuple[Message, ...]
    sampling: Sampling
    seed: int


@dataclass(frozen=True, slots=True)
class Generation:
    """What an engine made of a request.

    `engine` names engine version, model and revision. `finish_reason` is `stop`, `length` or, with `error` set, `error`.
    `mean_logprob` is in nats a token, None where the engine does not say.
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


@dataclass(frozen=True, slots=True)
class Continued:
    """A completion that has begun with `tokens`, and how many candidates for its next token are wanted."""

    prompt: str | tuple[Message, ...]
    tokens: tuple[int, ...]
    count: int


@dataclass(frozen=True, slots=True)
class NextToken:
    """A completion with one token more: all its tokens, their text, the last one's log probability, whether it has ended."""

    tokens: tuple[int, ...]
    text: str
    logprob: float
    ended: bool


class Engine(Protocol):
    """Generates completions for a batch; a request that fails comes back with `error` set and harms no other."""

    async def generate(self, requests: Sequence[Request]) -> list[Generation]: ...


class TokenEngine(Protocol):
    """An engine that shows the likeliest next tokens, for a search token by token. Blocks, so call it in a thread."""

    def top_tokens(self, asked: Sequence[Continued]) -> list[list[NextToken]]: ...


def failed(request: Request, engine: str, error: str) -> Generation:
    """The generation of a request that an engine could not serve."""
    return Generation(request.request_id, engine, "", "error", 0, 0, None, 0.0, error[:500])
