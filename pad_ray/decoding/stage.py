"""Strategies over many questions: actors hold an engine and a sandbox each, and commit solutions block by block.

All questions of a block are solved at once, and an engine works on several blocks: as one question waits for the sandbox or a
verifier, others generate. How many questions are live is bounded, so that an engine's key-value cache holds their prefixes.
"""

import asyncio
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import ray
from ray.exceptions import RayError

from pad_ray import ray_internals
from pad_ray.decoding.base import Strategy, Tools, solve_question
from pad_ray.decoding.batcher import Batcher
from pad_ray.decoding.beam import StepBeam
from pad_ray.decoding.greedy import Greedy
from pad_ray.decoding.refine import Refine
from pad_ray.decoding.socratic import SocraticSteps
from pad_ray.decoding.stored import MANIFEST, SOLUTIONS, Asking, StoredSolutions
from pad_ray.decoding.token_beam import TokenBeam
from pad_ray.decoding.verifiers import Verifiers
from pad_ray.engines.attempts import Attempts, Suspicion, Turns, note_start
from pad_ray.engines.config import EngineConfig
from pad_ray.engines.kinds import open_engine
from pad_ray.engines.stage import EngineActor, Metered, RemoteEngine, actor_resources, engine_count, gpus, uses_gpu
from pad_ray.errors import InputError
from pad_ray.models import resolve
from pad_ray.progress import Progress
from pad_ray.rundir import RunDir
from pad_ray.sandbox import Candidate, Sandbox, SandboxConfig
from pad_ray.sandbox.judgement import judge_each
from pad_ray.schema import Outcome, Question, Solution, content_id
from pad_ray.workers import PATIENCE_S, Patience, dead_nodes, failure, first_done

BLOCK_QUESTIONS = 32
BLOCKS_IN_FLIGHT = 4


__all__ = ["MANIFEST", "SOLUTIONS", "Asking", "Solved", "Solver", "solutions_folder"]


def solutions_folder(student: str, label: str) -> str:
    """Where a student's solutions by a strategy are, below those of a task."""
    return label if student == "after" else f"{student}-{label}"


@dataclass(frozen=True)
class Solved:
    """Solutions in the order of their questions, and the seconds spent on them: by this call, and by all calls.

    Of what all calls spent they have the share that they are of the solutions that are there.
    """

    solutions: list[Solution]
    seconds: float
    all_seconds: float


class Solver:
    """A student and its engines, for as many strategies and tasks as are asked for. A context manager; Ray must be there.

    Engines start with the first question that is not solved yet, or with `start`, and stay until the end. `actors` are those
    of another solver of the same run, engine and way of asking: several processes may ask the same engines. `lost` is how many
    nodes the cluster had lost when they started. With `retry_faults`, questions that engine or sandbox failed are asked again.
    """

    def __init__(
        self,
        run: RunDir,
        engine: EngineConfig,
        sandbox: SandboxConfig,
        asking: Asking,
        progress: Progress,
        actors: Sequence[Any] = (),
        lost: int | None = None,
        *,
        retry_faults: bool = False,
    ) -> None:
        self.run, self.engine, self.sandbox, self.asking, self.progress = run, engine, sandbox, asking, progress
        self.actors: list[Any] = list(actors)
        # What `close` ends: not the actors of another solver.
        self._opened: list[Any] = []
        self.lost, self.retry_faults = lost, retry_faults
        self.seconds: dict[str, list[Any]] = {}
        # Without a handle here it would end with the first start of the engines that it counts the starts of.
        self.attempts: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(at_once=error is not None)

    def close(self, *, at_once: bool = False) -> None:
        """End the engines that this solver started: each after its last block, closing what it has open, or `at_once`.

        Handles of them may live on, in what Ray Tune keeps of a campaign for one.
        """
        if at_once:
            for actor in self._opened:
                ray.kill(actor)
        else:
            ray_internals.end(self._opened)
        self._opened.clear()
        self.actors.clear()
        self.seconds.clear()
        self.attempts = None

    def solve(
        self,
        task: str,
        folder: str,
        questions: Sequence[Question],
        strategy: Strategy,
        budgets: Mapping[str, int] | None = None,
    ) -> Solved:
        """Solve questions of one task; `budgets` are completion tokens by question, for a strategy that is to spend them.

        Solutions are kept under `solutions/<task>/<folder>/`. Questions that are solved there by the same model and strategy
        are not solved again; solutions by another model or strategy are replaced (`StoredSolutions`).

        Raises:
            InputError: the engine cannot ask as the strategy needs, or the model or a verifier's model cannot be used.
            StageError: the engines failed for good; what is committed stays.
        """
        self._check(strategy)
        place = f"{SOLUTIONS}/{task}/{folder}"
        stored = StoredSolutions(
            self.run, place, self.engine, self.sandbox, self.asking, strategy, retry_faults=self.retry_faults
        )
        made_by, by_id = stored.keep_what_fits(questions, budgets or {})
        left = [question for question in questions if question.question_id not in by_id]
        seconds = 0.0
        if left:
            seconds = self._solve_left(place, left, len(questions), strategy, budgets or {})
            made_by = {**made_by, "seconds": made_by["seconds"] + seconds}
            self.run.write_json(f"{place}/{MANIFEST}", made_by)
            by_id = {solution.question_id: solution for solution in self.run.iter_records(place, Solution)}
        solutions = [by_id[question.question_id] for question in questions]
        return Solved(solutions, seconds, made_by["seconds"] * len(solutions) / len(by_id))

    def _check(self, strategy: Strategy) -> None:
        if isinstance(strategy, Refine):
            self._check(strategy.first)
        if _continues(strategy) and self.engine.kind == "openai":
            raise InputError(
                f"{strategy.label} asks line by line, which the OpenAI protocol cannot: evaluate with engine.kind vllm"
            )
        line_by_line = _continues(strategy) or isinstance(strategy, SocraticSteps)
        if line_by_line and any(path.chat for path in self.asking.paths.values()):
            raise InputError(f"{strategy.label} asks line by line, which a chat cannot: ask with plain text")
        if _continues(strategy) and self.engine.kind == "transformers" and _encodes(self.engine.model):
            raise InputError(
                f"{strategy.label} goes on with what is written, and {self.engine.model} is an encoder-decoder, which would "
                "read it as part of the question: take token_beam, or calculator: false"
            )
        seconds = {*self.seconds, strategy.second_model} - {None}
        if seconds and uses_gpu(self.engine):
            models = 1 + len(seconds)
            room = gpus() // (models * self.engine.tensor_parallel)
            if engine_count(self.engine) > room:
                raise InputError(
                    f"{strategy.label}: {models} models have engines of their own, and the cluster has {gpus()} GPUs: "
                    + (f"set evaluation.engine.actors to {room}" if room else "that is not enough")
                )
        if isinstance(strategy, TokenBeam) and self.engine.kind != "transformers":
            raise InputError(
                f"{strategy.label} searches token by token: evaluate with engine.kind transformers, or take step_beam"
            )

    def _solve_left(
        self,
        place: str,
        left: Sequence[Question],
        total: int,
        strategy: Strategy,
        budgets: Mapping[str, int],
    ) -> float:
        before = total - len(left)
        name = place.replace(SOLUTIONS, "evaluation", 1)
        with self.progress.stage(name, "questions", total, done=before) as bar:
            self.start(strategy.second_model)
            started = time.monotonic()
            done = correct = 0
            for count, right in self._blocks(place, left, strategy, budgets):
                done, correct = done + count, correct + right
                accuracy = correct / done
                bar.update(before + done, f"{accuracy:.1%} right", {"accuracy": accuracy})
            return time.monotonic() - started

    def start(self, second: str | None = None) -> None:
        """Start the engines where there are none, and wait until they can answer: loading a model is no part of solving.

        `second` is a strategy's second model, which gets engines of its own.
        """
        if not self.actors:
            self.lost = dead_nodes()
            self.actors = self._open(_Solve, self.engine, self.run.location, self.sandbox, self.asking)
        if second is not None and second not in self.seconds:
            self.seconds[second] = self._open(EngineActor, self.engine.serving(second))

    def _open(self, kind: type, engine: EngineConfig, *rest: object) -> list[Any]:
        """As many actors as there are to be engines, ready to answer; those that find no place are done without."""
        self.attempts = self.attempts or Attempts.start(self.engine.max_restarts)
        # Not in the placement group that a trial of Ray Tune is in: that has no room for engines.
        actor = ray.remote(scheduling_strategy="DEFAULT", **actor_resources(engine))(kind)
        actors = [actor.remote(engine, uses_gpu(engine), self.attempts, *rest) for _ in range(engine_count(engine))]
        self._opened += actors
        asked = {one.ready.remote(): one for one in actors}
        ready, _ = ray.wait(list(asked), num_returns=len(asked), timeout=PATIENCE_S)
        if not ready:
            ready, _ = ray.wait(list(asked))
        self._get(ready)
        if len(ready) < len(asked):
            self.progress.say(f"evaluation: {len(ready)} of {len(asked)} engines found a place")
        return [asked[reference] for reference in ready]

    def _blocks(
        self, place: str, left: Sequence[Question], strategy: Strategy, budgets: Mapping[str, int]
    ) -> Iterator[tuple[int, int]]:
        """Questions and right answers of each block, as it is committed."""
        blocks = iter([left[start : start + BLOCK_QUESTIONS] for start in range(0, len(left), BLOCK_QUESTIONS)])
        seconds = self.seconds.get(strategy.second_model or "", [])
        running: dict[Any, Any] = {}
        patience = Patience(self.lost)
        # Several solvers that share engines, with few questions each, do not all begin with the same one.
        first = int(content_id("first engine", place)[:8], 16) % len(self.actors)
        actors = self.actors[first:] + self.actors[:first]

        def submit(actor: Any) -> None:
            block = next(blocks, None)
            if block is not None:
                own = {q.question_id: budgets[q.question_id] for q in block if q.question_id in budgets}
                second = seconds[self.actors.index(actor) % len(seconds)] if seconds else None
                running[actor.solve.remote(place, list(block), strategy, own, second)] = actor

        for _ in range(BLOCKS_IN_FLIGHT):
            for actor in actors:
                submit(actor)
        while running:
            reference = first_done(list(running), patience)
            actor = running.pop(reference)
            (found,) = self._get([reference])
            submit(actor)
            yield found

    def _get(self, references: list[Any]) -> list[Any]:
        try:
            return list(ray.get(references))
        except (RayError, OSError) as error:
            failed = failure("evaluation", error)
        raise failed


class _Solve:
    """The actor."""

    def __init__(
        self,
        engine: EngineConfig,
        on_gpu: bool,
        attempts: Any,
        location: str,
        sandbox: SandboxConfig,
        asking: Asking,
    ) -> None:
        note_start(attempts, engine)
        self.run, self.attempts = RunDir(location), attempts
        self.sandbox = Sandbox(sandbox)
        execute: Batcher[Candidate, Any] = Batcher(lambda candidates: judge_each(self.sandbox, candidates))
        opened = Metered(open_engine(engine, on_gpu=on_gpu))
        self.tools = Tools(opened, execute, asking.paths, asking.max_tokens, Verifiers())
        self.live = asyncio.Semaphore(asking.live_questions)
        self.turns = Turns()

    async def ready(self) -> None:
        """Answers once the engine is there."""

    async def solve(
        self, place: str, questions: list[Question], strategy: Strategy, budgets: Mapping[str, int], second: Any
    ) -> tuple[int, int]:
        """Solve and commit a block; returns how many questions it has and how many answers are right.

        `second` is the actor that serves the strategy's second model, if it has one.
        """
        tools = self.tools if second is None else replace(self.tools, second=RemoteEngine(second))

        async def serve(some: Sequence[Question]) -> list[Solution]:
            return await solve_block(some, strategy, tools, self.live, budgets)

        suspicion = Suspicion(
            self.attempts,
            lambda question: f"{place}/{question.question_id}",
            serve,
            partial(_unsolved, strategy),
            self.turns,
        )
        solutions = await suspicion.answer(questions)
        name = f"part-{content_id('part', [question.question_id for question in questions])}.parquet"
        await asyncio.to_thread(self.run.write_records, f"{place}/{name}", Solution, solutions)
        return len(solutions), sum(solution.correct for solution in solutions)


def _unsolved(strategy: Strategy, question: Question, reason: str) -> Solution:
    """What stands for a question on which engines die."""
    return Solution(
        question_id=question.question_id,
        strategy=strategy.label,
        paths=[],
        outcome=Outcome.ENGINE_FAULT,
        answer=None,
        gold=question.gold,
        correct=False,
        feedback=reason,
        completion_tokens=0,
        latency_s=0.0,
    )


async def solve_block(
    questions: Sequence[Question],
    strategy: Strategy,
    tools: Tools,
    live: asyncio.Semaphore,
    budgets: Mapping[str, int] | None = None,
) -> list[Solution]:
    """Solutions of all questions, in order, each question a coroutine of its own; `live` bounds how many run at once."""

    async def one(question: Question) -> Solution:
        async with live:
            return await solve_question(question, strategy, tools, (budgets or {}).get(question.question_id, 0))

    return list(await asyncio.gather(*map(one, questions)))


def _continues(strategy: Strategy) -> bool:
    """Whether it asks for more of a text that has begun."""
    return isinstance(strategy, StepBeam) or (isinstance(strategy, Greedy | SocraticSteps) and strategy.calculator)


def _encodes(model: str) -> bool:
    config = json.loads((Path(resolve(model).path) / "config.json").read_text())
    return bool(config.get("is_encoder_decoder"))
