"""Text completion with a calculator: if a model writes `<<16-3=`, the calculator adds `13>>` (GSM8K, 2110.14168)."""

from dataclasses import dataclass

from pad_ray.decoding.base import Attempt
from pad_ray.decoding.steps import without_end
from pad_ray.engines.base import Engine, Sampling
from pad_ray.paths.base import END_TOKENS
from pad_ray.paths.equations import calculate

OPEN, CLOSE, EQUALS = "<<", ">>", "="
MAX_CALLS = 64
"""Limit per text: a model may write nothing but equals signs."""
MAX_CHARACTERS = 20_000


@dataclass(frozen=True, slots=True)
class CalculatedText:
    """A text written by the model and the calculator.

    `error` is the engine's error, if it failed. `cut` is True if the text did not end within its token limit. `lack` says
    what else is missing.
    """

    text: str
    error: str | None = None
    cut: bool = False
    lack: str | None = None


async def complete(
    attempt: Attempt,
    prompt: str,
    stop: tuple[str, ...],
    max_tokens: int,
    *place: object,
    use: bool = True,
    engine: Engine | None = None,
) -> CalculatedText:
    """The greedy completion of a prompt up to a stop text; with `use`, the calculator writes every value after `<<…=`.

    If an expression has no value, the model continues: the student, or the model of another `engine`.
    """
    text, tokens = "", 0
    stops = (*stop, *END_TOKENS, *((EQUALS,) if use else ()))
    for number in range(MAX_CALLS):
        sampling = Sampling(0.0, 1.0, max_tokens - tokens, stops, keep_stop=use)
        (generation,) = await attempt.complete([prompt + text], sampling, *place, number, keep=False, engine=engine)
        if generation.error is not None:
            return CalculatedText(text, generation.error)
        tokens += generation.completion_tokens
        text += generation.text
        cut, ended = _up_to(text, stop)
        paused = EQUALS in generation.text and generation.finish_reason == "stop"
        full = tokens >= max_tokens or len(text) > MAX_CHARACTERS
        if ended or not paused or full:
            return CalculatedText(cut, cut=not ended and (generation.finish_reason == "length" or (paused and full)))
        text = with_value(text)
    return CalculatedText(_up_to(text, stop)[0], cut=True)


def with_value(text: str) -> str:
    """The text, which ends with an equals sign, plus the value of its open calculation, if it has one."""
    begun = text.rfind(OPEN)
    inside = text[begun + len(OPEN) :] if begun >= 0 else CLOSE
    if CLOSE in inside or EQUALS not in inside:
        return text
    expression = inside[: inside.index(EQUALS)]
    value = calculate(expression)
    return text if value is None else f"{text[:begun]}{OPEN}{expression}{EQUALS}{value}{CLOSE}"


def _up_to(text: str, stop: tuple[str, ...]) -> tuple[str, bool]:
    """The text up to its first end or stop text, and whether it has one."""
    text, ended = without_end(text)
    ends = [text.index(word) for word in stop if word in text]
    return text[: min(ends, default=len(text))], ended or bool(ends)
