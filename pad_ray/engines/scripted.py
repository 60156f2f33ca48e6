"""An engine without a model: completions come from a file. For tests and scale runs, in which the model is irrelevant."""

import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pad_ray.engines.base import Generation, Request, failed
from pad_ray.errors import InputError


def read_script(path: str) -> dict[str, Any]:
    """The script of an engine. Raises InputError if the file is missing or is not a JSON object."""
    try:
        script = json.loads(Path(path).read_text())
    except OSError as error:
        raise InputError(f"script {path}: {error.strerror}; give a file of completions by question") from None
    except (ValueError, RecursionError) as error:
        raise InputError(f"script {path}: not JSON: {error}") from None
    if not isinstance(script, dict):
        raise InputError(f"script {path}: has to be an object of completions by question")
    return script


class ScriptedEngine:
    """Answers each question from a list of completions, chosen by the request's seed.

    The script is a JSON object `{question text: [completion, ...]}`; the key `*` is used for every other question. The
    question of a chat is its last user message. Words count as tokens. A completion can be replaced with a fault:
    `{"error": message}` fails the request, `{"crash": true}` ends the process like a prompt that kills a real engine. For
    search line by line, a request with `keep_stop` gets a completion only up to its first stop string, and continues the
    completion whose beginning its prompt contains. The key `@` holds options: the `seconds` that every batch takes, and a
    file `log` to which every batch appends a line with its number of tokens.
    """

    def __init__(self, script: str) -> None:
        completions = read_script(script)
        options = completions.pop("@", {})
        self.seconds, self.log = options.get("seconds", 0.0), options.get("log")
        self.completions = {question: [_entry(item) for item in items] for question, items in completions.items()}
        self.default = self.completions.get("*", [_Entry()])

    async def generate(self, requests: Sequence[Request]) -> list[Generation]:
        await asyncio.sleep(self.seconds)
        generations = [self._answer(request) for request in requests]
        if self.log:
            with Path(self.log).open("a") as log:
                log.write(f"{sum(generation.completion_tokens for generation in generations)}\n")
        return generations

    def _answer(self, request: Request) -> Generation:
        text, words = _prompt(request)
        question, _, below = text.rsplit("Question: ", 1)[-1].partition("\n")
        choices = self.completions.get(question, self.default)
        if request.sampling.keep_stop:
            choices = _following(choices, below.partition("\n")[2], request.sampling.stop)
        chosen = choices[request.seed % len(choices)]
        if chosen.crash:
            os._exit(1)
        if chosen.error is not None:
            return failed(request, "scripted", chosen.error)
        return Generation(request.request_id, "scripted", chosen.text, "stop", words, chosen.words, None, 0.0)


def _following(choices: "Sequence[_Entry]", begun: str, stops: Sequence[str]) -> "list[_Entry]":
    """The rest of each completion that starts with `begun`, up to and including the first stop string."""
    rests = []
    for entry in choices:
        if entry.text.startswith(begun):
            rest = entry.text[len(begun) :]
            text = rest[: min((rest.index(stop) + len(stop) for stop in stops if stop in rest), default=len(rest))]
            rests.append(replace(entry, text=text, words=len(text.split())))
    return rests or [_Entry()]


@dataclass(frozen=True, slots=True)
class _Entry:
    text: str = ""
    error: str | None = None
    crash: bool = False
    words: int = 0


def _entry(item: str | dict[str, Any]) -> _Entry:
    # Count the words once: a scale run uses the same completion a million times.
    return _Entry(item, words=len(item.split())) if isinstance(item, str) else _Entry(**item)


def _prompt(request: Request) -> tuple[str, int]:
    """The text with the question, and the number of words in the whole prompt."""
    if isinstance(request.prompt, str):
        return request.prompt, len(request.prompt.split())
    question = next((message.content for message in reversed(request.prompt) if message.role == "user"), "")
    return question, sum(len(message.content.split()) for message in request.prompt)
