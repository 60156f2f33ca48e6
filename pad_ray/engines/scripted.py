"""An engine without a model: completions come from a file. For tests and scale runs, where the engine is no matter."""

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
    """The script of an engine. Raises InputError if it is missing or holds no JSON object."""
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

    The script is a JSON object `{question text: [completion, ...]}`; the key `*` answers every other question. The question
    of a chat is in its last user message. Tokens are counted as words. In place of a completion stands a fault:
    `{"error": message}` fails the request, `{"crash": true}` ends the process as a prompt does that kills a real engine.
    A request that keeps its stop strings gets its completion up to the first one, and goes on in it where its prompt holds
    the beginning: that is how a path is asked for line by line. The key `@` holds options: `seconds` that every batch
    takes, and a file `log` to which each adds its tokens as a line.
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
        asked, words = _prompt(request)
        question, _, below = asked.rsplit("Question: ", 1)[-1].partition("\n")
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
    """What follows in the completions that begin as a prompt does, up to the first stop string and with it."""
    found = []
    for entry in choices:
        if entry.text.startswith(begun):
            rest = entry.text[len(begun) :]
            text = rest[: min((rest.index(stop) + len(stop) for stop in stops if stop in rest), default=len(rest))]
            found.append(replace(entry, text=text, words=len(text.split())))
    return found or [_Entry()]


@dataclass(frozen=True, slots=True)
class _Entry:
    text: str = ""
    error: str | None = None
    crash: bool = False
    words: int = 0


def _entry(item: str | dict[str, Any]) -> _Entry:
    # Counted here, once: a scale run gives the same completion a million times.
    return _Entry(item, words=len(item.split())) if isinstance(item, str) else _Entry(**item)


def _prompt(request: Request) -> tuple[str, int]:
    """The text that holds the question, and the words of the whole prompt."""
    if isinstance(request.prompt, str):
        return request.prompt, len(request.prompt.split())
    asked = next((message.content for message in reversed(request.prompt) if message.role == "user"), "")
    return asked, sum(len(message.content.split()) for message in request.prompt)
