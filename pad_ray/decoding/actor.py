"""The actor of a solver: an engine and a sandbox that solve blocks of questions."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from pad_ray.decoding.base import Strategy, Tools, solve_question
from pad_ray.decoding.batcher import Batcher
from pad_ray.decoding.stored import SolveSettings
from pad_ray.decoding.verifiers import Verifiers
from pad_ray.engines.attempts import Suspicion, Turns, note_loaded, note_start
from pad_ray.engines.config import EngineConfig
from pad_ray.engines.kinds import open_engine
from pad_ray.engines.stage import MeteredEngine, RemoteEngine
from pad_ray.run.folder import RunDir
from pad_ray.sandbox import Candidate, Sandbox, SandboxConfig
from pad_ray.sandbox.judgement import judge_each
from pad_ray.schema import Outcome, Question, Solution, content_id


class SolverActor:
    """The actor: an engine with a sandbox."""

    def __init__(
        self,
        engine: EngineConfig,
        on_gpu: bool,
        attempts: Any,
        location: str,
        sandbox: SandboxConfig,
        settings: SolveSettings,
    ) -> None:
        note_start(attempts, engine)
        self.run, self.attempts = RunDir(location), attempts
        self.sandbox = Sandbox(sandbox)
        execute: Batcher[Candidate, Any] = Batcher(lambda candidates: judge_each(self.sandbox, candidates))
        opened = MeteredEngine(open_engine(engine, on_gpu=on_gpu))
        note_loaded(attempts)
        self.tools = Tools(opened, execute, settings.paths, settings.max_tokens, Verifiers())
        self.live = asyncio.Semaphore(settings.live_questions)
        self.turns = Turns()

    async def ready(self) -> None:
        """Returns once the engine is loaded."""

    async def solve(
        self, place: str, questions: list[Question], strategy: Strategy, budgets: Mapping[str, int], second: Any
    ) -> tuple[int, int]:
        """Solve and commit a block; returns the numbers of questions and of correct answers.

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
    """The solution recorded for a question that keeps killing its engine."""
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
    """The solutions of all questions, in order. Each question runs in a separate coroutine; `live` limits how many at once."""

    async def one(question: Question) -> Solution:
        async with live:
            return await solve_question(question, strategy, tools, (budgets or {}).get(question.question_id, 0))

    return list(await asyncio.gather(*map(one, questions)))
