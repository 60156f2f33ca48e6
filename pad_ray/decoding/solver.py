"""Run strategies on many questions: each actor holds an engine and a sandbox, and commits solutions block by block.

The questions of a block are solved concurrently, and an engine works on several blocks: while one question waits for the
sandbox or a verifier, others generate. The number of live questions is limited, so that an engine's key-value cache can hold
their prefixes.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import ray
from ray.exceptions import RayError

from pad_ray.decoding.actor import SolverActor
from pad_ray.decoding.base import Strategy
from pad_ray.decoding.stored import MANIFEST, SOLUTIONS, SolveSettings, StoredSolutions
from pad_ray.engines.attempts import Attempts
from pad_ray.engines.config import EngineConfig
from pad_ray.engines.stage import EngineActor, actor_resources, engine_count, gpus, uses_gpu, waits_for
from pad_ray.errors import InputError
from pad_ray.models import resolve
from pad_ray.run import ray_internals
from pad_ray.run.folder import RunDir
from pad_ray.run.progress import Progress
from pad_ray.run.workers import PATIENCE_S, Patience, dead_nodes, failure, first_done
from pad_ray.sandbox import SandboxConfig
from pad_ray.schema import Question, Solution, content_id

BLOCK_QUESTIONS = 32
BLOCKS_IN_FLIGHT = 4


@dataclass(frozen=True)
class SolveResult:
    """Solutions in the order of their questions, and the seconds spent on them by this call and by all calls.

    `all_seconds` is pro-rated: total seconds × solutions returned / solutions stored.
    """

    solutions: list[Solution]
    seconds: float
    all_seconds: float


@dataclass(frozen=True)
class RunningEngines:
    """The actors of engines that run already, and the number of nodes that the cluster had lost when they started."""

    actors: tuple[Any, ...] = ()
    lost: int | None = None


class Solver:
    """A student and its engines, for any number of strategies and tasks. A context manager; Ray must be running.

    Engines start with the first unsolved question, or with `start`, and run until the solver closes. `running` are the engines
    of another solver with the same run, engine and settings: several processes may share engines.
    """

    def __init__(
        self,
        run: RunDir,
        engine: EngineConfig,
        sandbox: SandboxConfig,
        settings: SolveSettings,
        progress: Progress,
        running: RunningEngines | None = None,
    ) -> None:
        self.run, self.engine, self.sandbox, self.settings, self.progress = run, engine, sandbox, settings, progress
        self.actors: list[Any] = list(running.actors) if running else []
        # Actors that `close` ends; those of another solver are not among them.
        self._opened: list[Any] = []
        self.lost = running.lost if running else None
        self.second_models: dict[str, list[Any]] = {}
        # Keep a handle: Ray ends the counter actor once nothing refers to it.
        self.attempts: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(at_once=error is not None)

    def close(self, *, at_once: bool = False) -> None:
        """End the engines that this solver started: each after its last block and with clean-up, or `at_once`.

        Dropping the handles is not enough: others may exist, for example in objects that Ray Tune keeps of a campaign.
        """
        if at_once:
            for actor in self._opened:
                ray.kill(actor)
        else:
            ray_internals.end(self._opened)
        self._opened.clear()
        self.actors.clear()
        self.second_models.clear()
        self.attempts = None

    def solve(
        self,
        task: str,
        folder: str,
        questions: Sequence[Question],
        strategy: Strategy,
        budgets: Mapping[str, int] | None = None,
    ) -> SolveResult:
        """Solve questions of one task; `budgets` gives `Resample` its completion tokens by question.

        Solutions are stored under `solutions/<task>/<folder>/`. Questions that the same model and strategy have solved there
        are not solved again; solutions of another model or strategy are replaced (`StoredSolutions`).

        Raises:
            InputError: the engine does not support the strategy, or the model or a verifier's model cannot be used.
            StageError: the engines failed for good; committed work is kept.
        """
        self._check(strategy)
        place = f"{SOLUTIONS}/{task}/{folder}"
        stored = StoredSolutions(self.run, place, self.engine, self.sandbox, self.settings, strategy)
        made_by, by_id = stored.keep_what_fits(questions, budgets or {})
        left = [question for question in questions if question.question_id not in by_id]
        seconds = 0.0
        if left:
            seconds = self._solve_left(place, left, len(questions), strategy, budgets or {})
            made_by = {**made_by, "seconds": made_by["seconds"] + seconds}
            self.run.write_json(f"{place}/{MANIFEST}", made_by)
            by_id = {solution.question_id: solution for solution in self.run.iter_records(place, Solution)}
        solutions = [by_id[question.question_id] for question in questions]
        return SolveResult(solutions, seconds, made_by["seconds"] * len(solutions) / len(by_id))

    def _check(self, strategy: Strategy) -> None:
        if strategy.base is not None:
            self._check(strategy.base)
        if strategy.continues_text and self.engine.kind == "openai":
            raise InputError(
                f"{strategy.label} works line by line, which the OpenAI protocol cannot do: evaluate with engine.kind vllm"
            )
        if strategy.works_line_by_line and any(path.chat for path in self.settings.paths.values()):
            raise InputError(
                f"{strategy.label} works line by line, which a chat does not support: use plain-text prompts"
            )
        if strategy.continues_text and self.engine.kind == "transformers" and _encodes(self.engine.model):
            raise InputError(
                f"{strategy.label} continues a partial text, but {self.engine.model} is an encoder-decoder, which would read "
                "that text as part of the question: use token_beam, or calculator: false"
            )
        seconds = {*self.second_models, strategy.second_model} - {None}
        if seconds and uses_gpu(self.engine):
            models = 1 + len(seconds)
            room = gpus() // (models * self.engine.tensor_parallel)
            if engine_count(self.engine) > room:
                raise InputError(
                    f"{strategy.label}: {models} models need separate engines, and the cluster has {gpus()} GPUs: "
                    + (f"set evaluation.engine.actors to {room}" if room else "add GPUs")
                )
        if strategy.needs_tokens and self.engine.kind != "transformers":
            raise InputError(
                f"{strategy.label} searches token by token: evaluate with engine.kind transformers, or use step_beam"
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
            blocks = self._blocks(place, left, strategy, budgets)
            for count, right in self.progress.each(blocks, f"{name}: the next answers"):
                done, correct = done + count, correct + right
                accuracy = correct / done
                bar.update(before + done, f"{accuracy:.1%} right", {"accuracy": accuracy})
            return time.monotonic() - started

    def start(self, second: str | None = None) -> None:
        """Start the engines if none are running, and wait until they are ready, so that solve times exclude model loading.

        `second` is a strategy's second model, which gets separate engines.
        """
        if not self.actors:
            self.lost = dead_nodes()
            self.actors = self._open(SolverActor, self.engine, self.run.location, self.sandbox, self.settings)
        if second is not None and second not in self.second_models:
            self.second_models[second] = self._open(EngineActor, self.engine.serving(second))

    def _open(self, kind: type, engine: EngineConfig, *rest: object) -> list[Any]:
        """Start one actor per engine; drop those that the cluster cannot place."""
        attempts = self.attempts = self.attempts or Attempts.start(self.engine.max_restarts)
        # Not in the placement group of a Ray Tune trial, which has no room for engines.
        actor = ray.remote(scheduling_strategy="DEFAULT", **actor_resources(engine))(kind)
        actors = [actor.remote(engine, uses_gpu(engine), self.attempts, *rest) for _ in range(engine_count(engine))]
        self._opened += actors
        starting = {one.ready.remote(): one for one in actors}
        with self.progress.wait(lambda: f"evaluation: {waits_for(engine, len(self._opened), attempts)}"):
            ready, _ = ray.wait(list(starting), num_returns=len(starting), timeout=PATIENCE_S)
            if not ready:
                ready, _ = ray.wait(list(starting))
        self._get(ready)
        if len(ready) < len(starting):
            self.progress.say(f"evaluation: the cluster has room for {len(ready)} of {len(starting)} engines")
        return [starting[reference] for reference in ready]

    def _blocks(
        self, place: str, left: Sequence[Question], strategy: Strategy, budgets: Mapping[str, int]
    ) -> Iterator[tuple[int, int]]:
        """The numbers of questions and of correct answers of each block, as it is committed."""
        blocks = iter([left[start : start + BLOCK_QUESTIONS] for start in range(0, len(left), BLOCK_QUESTIONS)])
        seconds = self.second_models.get(strategy.second_model or "", [])
        running: dict[Any, Any] = {}
        patience = Patience(self.lost)
        # Solvers that share engines and have few questions each should not all begin with the same engine.
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
            (counts,) = self._get([reference])
            submit(actor)
            yield counts

    def _get(self, references: list[Any]) -> list[Any]:
        try:
            return list(ray.get(references))
        except (RayError, OSError) as error:
            failed = failure("evaluation", error)
        raise failed


def _encodes(model: str) -> bool:
    config = json.loads((Path(resolve(model).path) / "config.json").read_text())
    return bool(config.get("is_encoder_decoder"))
