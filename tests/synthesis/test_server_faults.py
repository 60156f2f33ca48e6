"""Synthesis with a teacher whose server fails: what is stored, what is paid, and what the same command requests again."""

import asyncio
import random

import pytest
from aiohttp import web

from pad_ray.engines.config import EngineConfig
from pad_ray.errors import InputError, StageError
from pad_ray.tasks import arithmetic
from tests.engines.odd_server import completion, refusal, serving
from tests.synthesis.conftest import QUESTIONS as TRAIN_QUESTIONS
from tests.synthesis.conftest import make_synthesis

SAMPLES = 4
QUESTIONS = TRAIN_QUESTIONS[:12]
PLANNED = SAMPLES * len(QUESTIONS)
PROGRAMS = {
    problem.question.text: problem.reference_program
    for problem, _ in zip(arithmetic.generate("train", 0), QUESTIONS, strict=False)
}


def right(prompt):
    """The answer of a healthy server: the program of the prompt's question."""
    question = next(text for text in PROGRAMS if text in prompt)
    return completion(f" {PROGRAMS[question].removeprefix('def solution():')}")


@pytest.fixture
def synthesis(local_ray, tmp_path, script):
    """Creates a run whose teacher is a server; `go()` runs the stage as the same command would."""

    def make(server, name="run", **fields):
        teacher = EngineConfig(kind="openai", model="m", base_url=server.url, attempts=1, concurrency=4, **fields)
        return make_synthesis(tmp_path / name, script, QUESTIONS, teacher=teacher, samples=SAMPLES, block_questions=4)

    return make


def stored(run, folder):
    return sum(run.row_count(part) for part in run.parts(folder))


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (lambda: refusal(402, "add credit, please"), "402: add credit, please; add credit and run the same command"),
        (lambda: refusal(404, "the model was unloaded"), "404: the model was unloaded"),
    ],
    ids=["credit", "model"],
)
def test_a_server_that_fails_in_the_middle_stops_the_stage_and_nothing_is_paid_twice(synthesis, fault, words):
    healthy = [True]

    def behave(prompt, attempt):
        return right(prompt) if healthy[0] or server.requests <= 10 else fault()

    with serving(behave) as server:
        healthy[0] = False
        made = synthesis(server)
        with pytest.raises(StageError) as stopped:
            made.go()
        message = str(stopped.value)
        assert words in message
        assert f"10 drafts of {PLANNED} are stored; the same command requests only the others" in message
        assert stored(made.run, "drafts") == 10
        failed = server.requests - 10
        assert failed <= 4 + 8 + 4

        healthy[0] = True
        made.go()
        assert stored(made.run, "drafts") == PLANNED
        assert server.requests == PLANNED + failed


def test_a_wrong_url_costs_nothing(synthesis):
    with serving(lambda prompt, n: right(prompt)) as server:
        url = server.url
        server.url = url.removesuffix("/v1")
        made = synthesis(server)
        with pytest.raises(InputError, match=f"answers at {url}: set base_url to it"):
            made.go()
        assert server.requests == 0 and not made.run.parts("faults")


def test_requests_that_the_server_failed_are_requested_again_by_the_same_command(synthesis):
    failing = [True]

    def behave(prompt, attempt):
        odd = failing[0] and QUESTIONS[3].text in prompt
        return refusal(503, "overloaded") if odd else right(prompt)

    with serving(behave) as server:
        made = synthesis(server)
        failed = made.go().outcomes["engine_fault"]
        assert failed == SAMPLES and stored(made.run, "drafts") == PLANNED - failed
        failing[0] = False
        assert made.go().outcomes.total() == failed
        assert stored(made.run, "drafts") == PLANNED
        assert made.go().made == 0


def test_a_server_with_every_fault_at_random_gives_the_corpus_of_a_healthy_one(synthesis):
    chance = random.Random(3)

    def silent():
        async def wait():
            await asyncio.Event().wait()

        return wait()

    def closed():
        raise asyncio.CancelledError

    faults = [
        lambda: refusal(500, "boom"),
        lambda: refusal(503, "busy"),
        lambda: refusal(429, "slow down", **{"Retry-After": "0.1"}),
        lambda: web.Response(text="<html>bad gateway</html>", content_type="text/html", status=502),
        silent,
        closed,
    ]

    def odd(prompt, attempt):
        return chance.choice(faults)() if chance.random() < 0.1 else right(prompt)

    hashes = []
    for name, behave in (("healthy", lambda prompt, attempt: right(prompt)), ("odd", odd)):
        with serving(behave) as server:
            made = synthesis(server, name=name, timeout_s=4.0)
            while made.go().outcomes["engine_fault"]:
                pass
            hashes.append(made.corpus(validation_share=0.2).hash)
    assert hashes[0] == hashes[1]
