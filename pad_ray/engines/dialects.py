"""Read answers of servers with the OpenAI protocol, in the dialects that servers speak.

Servers differ in the names of finish reasons, in the form of log probabilities and usage, and in what they leave out. An answer
is read as plain JSON, and a part that cannot be read counts as absent.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# Finish reasons of completions that ended by themselves or at their limit, in lower case.
STOPPED = {
    "stop",
    "eos",
    "eos_token",
    "stop_token",
    "stop_sequence",
    "stop_str",
    "end_turn",
    "end",
    "complete",
    "finished",
}
FULL = {"length", "max_tokens", "max_length", "model_length", "max_new_tokens", "limit"}
# Parts of finish reasons that say that the server did not finish the completion.
CUT_SHORT = (
    "filter",
    "safety",
    "error",
    "abort",
    "cancel",
    "tool",
    "function",
    "recitation",
    "block",
    "prohibit",
    "refus",
)


class UnusableAnswerError(Exception):
    """The answer holds no completion; the message says why."""


@dataclass(frozen=True)
class ServerAnswer:
    """A completion; tokens are 0 if the server does not count them, `mean_logprob` is None if it gives none.

    `reasoning` is the text that a reasoning model wrote before its answer, if the server returns it separately.
    """

    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    mean_logprob: float | None
    reasoning: str


def read_answer(answer: Any, max_tokens: int) -> ServerAnswer:
    """The first completion of an answer of `/completions` or `/chat/completions`.

    Raises:
        UnusableAnswerError: the answer has no completion, or the server did not finish it.
    """
    fields = _mapping(answer)
    choice = next((one for one in _sequence(fields.get("choices")) if isinstance(one, Mapping)), None)
    if choice is None:
        raise UnusableAnswerError(server_words(answer) or f"the answer holds no completion: {answer!s}")
    message = _mapping(choice.get("message"))
    text = _text(choice.get("text")) or _text(message.get("content"))
    usage, logprobs = _mapping(fields.get("usage")), list(_logprobs(choice))
    written = _count(usage, "completion_tokens", "output_tokens") or len(logprobs)
    return ServerAnswer(
        text=text,
        finish_reason=_finish_reason(choice.get("finish_reason"), text, written, max_tokens),
        prompt_tokens=_count(usage, "prompt_tokens", "input_tokens"),
        completion_tokens=written,
        mean_logprob=sum(logprobs) / len(logprobs) if logprobs else None,
        reasoning=_text(message.get("reasoning_content")) or _text(message.get("reasoning")),
    )


def server_words(body: Any) -> str:
    """The message in an error's body, in the forms that servers use; empty if there is none."""
    fields = _mapping(body)
    error = fields.get("error", fields)
    for value in (error, *(_mapping(error).get(name) for name in ("message", "detail", "msg", "error"))):
        if isinstance(value, str) and value.strip():
            return value.strip()
    return ""


def _finish_reason(given: Any, text: str, written: int, max_tokens: int) -> str:
    """`stop` or `length`; a reason that is missing or unknown is inferred from the number of tokens."""
    reason = given.lower() if isinstance(given, str) else ""
    if reason in STOPPED or reason in FULL:
        return "stop" if reason in STOPPED else "length"
    if any(part in reason for part in CUT_SHORT) or (not reason and not text):
        raise UnusableAnswerError(f"the server ended the completion: {given}")
    return "length" if written >= max_tokens else "stop"


def _logprobs(choice: Mapping[Any, Any]) -> Iterator[float]:
    """The log probabilities of a completion's tokens in nats, from the form of either endpoint."""
    found = _mapping(choice.get("logprobs"))
    tokens = _sequence(found.get("content")) or _sequence(found.get("token_logprobs"))
    for token in tokens:
        value = token.get("logprob") if isinstance(token, Mapping) else token
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            yield float(value)


def _text(value: Any) -> str:
    """A text, or the joined texts of a list of parts."""
    if isinstance(value, str):
        return value
    parts = (part.get("text") if isinstance(part, Mapping) else part for part in _sequence(value))
    return "".join(part for part in parts if isinstance(part, str))


def _count(usage: Mapping[Any, Any], *names: str) -> int:
    """The first of the counts that is a number; 0 without any."""
    numbers = (usage.get(name) for name in names)
    return next((max(0, int(n)) for n in numbers if isinstance(n, int | float) and math.isfinite(n)), 0)


def _mapping(value: Any) -> Mapping[Any, Any]:
    return value if isinstance(value, Mapping) else {}


def _sequence(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list | tuple) else ()
