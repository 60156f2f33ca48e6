"""A strategy over many questions, as a Ray Data pipeline: an actor holds engine and sandbox and commits solutions."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence

import pyarrow as pa
import ray.data

from pad_ray.decoding.greedy import Greedy
from pad_ray.engines.config import EngineConfig
from pad_ray.engines.kinds import fingerprint, open_engine
from pad_ray.engines.stage import actor_options, uses_gpu
from pad_ray.progress import Progress
from pad_ray.rundir import RunDir
from pad_ray.sandbox import Candidate, Sandbox, SandboxConfig, judge
from pad_ray.schema import Question, Solution, Verdict, content_id, from_table, to_table

SOLUTIONS = "solutions"
MANIFEST = "manifest.json"
BLOCK_QUESTIONS = 32


def solve(
    run: RunDir,
    label: str,
    questions: Sequence[Question],
    engine: EngineConfig,
    sandbox: SandboxConfig,
    strategy: Greedy,
    progress: Progress,
) -> tuple[list[Solution], float]:
    """Solutions of all questions, in their order, and the seconds this call took.

    They are kept under `solutions/<task>/<label>/`; questions that are already solved there by the same model and strategy
    are not solved again, and solutions by another model or strategy are replaced.
    """
    started = time.monotonic()
    folder = f"{SOLUTIONS}/{questions[0].task}/{label}"
    model, first = fingerprint(engine), strategy.path.prompt(questions[0])
    key = content_id("solve", model, strategy.name, first, strategy.max_tokens)
    if run.read_json(f"{folder}/{MANIFEST}", {}).get("key") != key:
        run.delete(folder)
        run.write_json(f"{folder}/{MANIFEST}", {"key": key, "model": model, "strategy": strategy.name})
    solved = {solution.question_id for solution in run.iter_records(folder, Solution)}
    left = [question for question in questions if question.question_id not in solved]
    if left:
        with progress.stage(f"evaluation {label}", "questions", len(questions), done=len(questions) - len(left)) as bar:
            done, correct = len(questions) - len(left), 0
            for row in _pipeline(run.location, folder, left, engine, sandbox, strategy).iter_rows():
                done, correct = done + row["questions"], correct + row["correct"]
                bar.update(done, f"{correct} right of the last {done - len(questions) + len(left)}")
    by_id = {solution.question_id: solution for solution in run.iter_records(folder, Solution)}
    return [by_id[question.question_id] for question in questions], time.monotonic() - started


def _pipeline(
    location: str,
    folder: str,
    questions: Sequence[Question],
    engine: EngineConfig,
    sandbox: SandboxConfig,
    strategy: Greedy,
) -> ray.data.Dataset:
    starts = range(0, len(questions), BLOCK_QUESTIONS)
    blocks = [to_table(Question, questions[start : start + BLOCK_QUESTIONS]) for start in starts]
    return ray.data.from_arrow(blocks).map_batches(
        _Solve,
        fn_constructor_args=(location, folder, engine, uses_gpu(engine), sandbox, strategy),
        batch_size=BLOCK_QUESTIONS,
        batch_format="pyarrow",
        **actor_options(engine),
    )


class _Solve:
    """The actor."""

    def __init__(
        self,
        location: str,
        folder: str,
        engine: EngineConfig,
        on_gpu: bool,
        sandbox: SandboxConfig,
        strategy: Greedy,
    ) -> None:
        self.run, self.folder, self.strategy = RunDir(location), folder, strategy
        self.sandbox = Sandbox(sandbox)
        self.engine = open_engine(engine, on_gpu=on_gpu)
        self.sandbox_free = asyncio.Lock()

    async def __call__(self, batch: pa.Table) -> AsyncIterator[pa.Table]:
        questions = from_table(Question, batch)
        solutions = await self.strategy.solve(questions, self.engine, self._judge)
        name = f"part-{content_id('part', [question.question_id for question in questions])}.parquet"
        self.run.write_records(f"{self.folder}/{name}", Solution, solutions)
        yield pa.table({"questions": [len(solutions)], "correct": [sum(s.correct for s in solutions)]})

    async def _judge(self, candidates: Sequence[Candidate]) -> list[Verdict]:
        # In a thread, so that the engine's other batch goes on; one at a time, because a sandbox serves one caller.
        async with self.sandbox_free:
            return await asyncio.to_thread(judge, self.sandbox, candidates)
