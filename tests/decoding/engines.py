"""In-process engines with known completions and probabilities."""

import asyncio
import math
from random import Random

from pad_ray.decoding.base import Tools
from pad_ray.decoding.batcher import Batcher
from pad_ray.engines.base import Generation
from pad_ray.sandbox import judge
from pad_ray.schema import AnswerKind, Question, content_id

HEAD = "def solution():\n"
CUES = ("Solution:\n", "Answer:\n", "Steps:\n")


def make_question(text="How many apples?", gold="12", kind=AnswerKind.NUMBER):
    return Question(content_id(text), "toy", "test", text, gold, kind, [])


def generation(request, text, logprob=None, reason="stop", error=None):
    tokens = len(text[:100_000].split())
    mean = None if logprob is None else logprob / max(1, tokens)
    return Generation(request.request_id, "fake", text, reason, 1, tokens, mean, 0.0, error)


class TreeEngine:
    """Writes lines from a tree of known probabilities, {text so far: {line: probability}}; texts without children end."""

    def __init__(self, tree):
        self.tree = tree
        self.requests = []

    async def generate(self, requests):
        self.requests += requests
        # Vary the order in which concurrent questions proceed.
        for _ in range(requests[0].seed % 3):
            await asyncio.sleep(0)
        return [self._answer(request) for request in requests]

    def _answer(self, request):
        begun = next(request.prompt.partition(cue)[2] for cue in CUES if cue in request.prompt)
        text, logprob, random = "", 0.0, Random(request.seed)
        while children := self.tree.get(begun + text):
            line = self._draw(children, request.sampling.temperature, random)
            text, logprob = text + line, logprob + math.log(children[line])
            if request.sampling.keep_stop:
                break
        return generation(request, text, logprob)

    def _draw(self, children, temperature, random):
        if temperature == 0:
            return max(children, key=children.get)
        weights = [probability ** (1 / temperature) for probability in children.values()]
        return random.choices(list(children), weights)[0]


class WrittenEngine:
    """Answers with a function of the request, which returns a text, a (text, mean log probability) pair, or an exception.

    With `reason` "length", the token limit cuts every completion.
    """

    def __init__(self, write, reason="stop"):
        self.write = write
        self.reason = reason
        self.requests = []

    async def generate(self, requests):
        self.requests += requests
        return [self._answer(request) for request in requests]

    def _answer(self, request):
        written = self.write(request)
        if isinstance(written, Exception):
            return generation(request, "", reason="error", error=str(written))
        text, mean = written if isinstance(written, tuple) else (written, None)
        # Stop there to keep the tests fast.
        start = text[:100_000]
        ends = [start.index(stop) + len(stop) for stop in request.sampling.stop if stop in start]
        if ends:
            text = text[: min(ends)] if request.sampling.keep_stop else text[: min(ends) - 1]
        logprob = None if mean is None else mean * len(text[:100_000].split())
        return generation(request, text, logprob, self.reason)


def random_tree(seed, depth=3, width=3):
    """A tree of programs of `depth` lines and a return; every line has a probability of at least 0.2."""
    random = Random(seed)
    tree = {"": {HEAD: 1.0}}

    def grow(text, level):
        if level == depth:
            tree[text] = {f"    return v{level}\n": 1.0}
            return
        weights = [random.uniform(1, 2) for _ in range(width)]
        numbers = random.sample(range(1, 100), width)
        lines = [f"    v{level + 1} = {f'v{level} + ' if level else ''}{number}\n" for number in numbers]
        tree[text] = {line: weight / sum(weights) for line, weight in zip(lines, weights, strict=True)}
        for line in lines:
            grow(text + line, level + 1)

    grow(HEAD, 0)
    return tree


def paths_of(tree, text="", logprob=0.0):
    """All finished texts of a tree with their log probabilities."""
    if not tree.get(text):
        yield text, logprob
        return
    for line, probability in tree[text].items():
        yield from paths_of(tree, text + line, logprob + math.log(probability))


def tools(engine, sandbox=None, **given):
    """The tools of an attempt; create them inside the event loop that uses them."""
    execute = Batcher(lambda candidates: judge(sandbox, candidates))
    return Tools(engine, execute, **given)
