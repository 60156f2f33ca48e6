"""What a strategy is, and what it has at hand for one question.

A strategy never sees gold: the question it is given has none, and its answer is compared afterwards, in `solve_question`.
Everything it draws is seeded by the question and the place of the draw, and each question is a coroutine of its own. So a
question's result does not depend on the questions that are solved beside it.
"""

import time
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import cast

from pydantic import BaseModel, ConfigDict, Field

from pad_ray.decoding.batcher import Batcher
from pad_ray.decoding.verifiers import Execute, Step, VerifierConfig, Verifiers
from pad_ray.engines.base import Continued, Engine, Generation, NextToken, Request, Sampling, TokenEngine
from pad_ray.errors import attempt
from pad_ray.paths import PATHS, ReasoningPath
from pad_ray.paths.base import Message, Parsed
from pad_ray.paths.reading import Answer as Answer
from pad_ray.paths.reading import broken_answer, outcome_of, read_answer, read_verdict
from pad_ray.sandbox import Candidate
from pad_ray.schema import Outcome, PathKind, Question, Solution, content_id, storable

Prompt = str | tuple[Message, ...]
GREEDY_TEMPERATURE = 0.0
MAX_TEXT_CHARACTERS = 100_000
"""Of a completion that is looked at; a model's token limit stays far below it."""


@dataclass(frozen=True)
class Tools:
    """What the attempts of one engine share.

    `paths` are how the student is asked for each kind of path, `max_tokens` bounds one path. `execute` runs programs;
    `verifiers` are those that strategies name. `second` serves the strategy's `second_model`, where it has one.
    """

    engine: Engine
    execute: Execute
    paths: Mapping[PathKind, ReasoningPath] = field(default_factory=lambda: {kind: PATHS[kind]() for kind in PATHS})
    max_tokens: int = 256
    verifiers: Verifiers = field(default_factory=Verifiers)
    second: Engine | None = None

    @cached_property
    def top_tokens(self) -> Batcher[Continued, list[NextToken]]:
        """The likeliest next tokens of completions that have begun, those of all questions computed together.

        Raises:
            ValueError: the engine does not show its tokens.
        """
        if not hasattr(self.engine, "top_tokens"):
            raise ValueError(
                "the engine does not show its tokens: a search token by token needs engine.kind transformers"
            )
        return Batcher(cast(TokenEngine, self.engine).top_tokens)


@dataclass
class Attempt:
    """One question on its way to an answer: asks the engine, reads and executes paths, and counts what that costs.

    `stream` names the strategy: two strategies draw different samples. `budget` is what another strategy spent on this
    question, in completion tokens, for a strategy that is to spend as much. `texts` are the completions that were looked at,
    `sampled` the answers of whole paths that were drawn beside each other, empty ones where there is none, and
    `sampled_logprobs` their log probabilities a token.
    """

    question: Question
    tools: Tools
    stream: str
    budget: int = 0
    texts: list[str] = field(default_factory=list)
    sampled: list[str] = field(default_factory=list)
    sampled_logprobs: list[float] = field(default_factory=list)
    completion_tokens: int = 0

    def part(self) -> "Attempt":
        """An attempt at the same question whose texts and costs are counted apart, until they are joined."""
        return replace(self, texts=[], sampled=[], sampled_logprobs=[], completion_tokens=0)

    def join(self, parts: Iterable["Attempt"]) -> None:
        """Take over what parts that ran side by side have made, in the order given and not in that of their ends."""
        for one in parts:
            self.texts += one.texts
            self.sampled += one.sampled
            self.sampled_logprobs += one.sampled_logprobs
            self.completion_tokens += one.completion_tokens

    async def complete(
        self,
        prompts: Sequence[Prompt],
        sampling: Sampling,
        *place: object,
        keep: bool = True,
        engine: Engine | None = None,
    ) -> list[Generation]:
        """One completion a prompt; `place` tells these draws from the attempt's others. `keep` stores their texts.

        By the student, or by another `engine`.
        """
        requests = [
            self._request(prompt, sampling, content_id("solve", self.question.question_id, self.stream, *place, index))
            for index, prompt in enumerate(prompts)
        ]
        generations = [_bounded(generation) for generation in await (engine or self.tools.engine).generate(requests)]
        self.completion_tokens += sum(generation.completion_tokens for generation in generations)
        if keep:
            self.texts += [generation.text for generation in generations]
        return generations

    def _request(self, prompt: Prompt, sampling: Sampling, request_id: str) -> Request:
        # vLLM and numpy take seeds below 2**31.
        return Request(request_id, prompt, sampling, seed=int(request_id[:8], 16) >> 1)

    def sampling(self, kind: PathKind, temperature: float = GREEDY_TEMPERATURE, top_p: float = 1.0) -> Sampling:
        """How a whole path of this kind is drawn."""
        return Sampling(temperature, top_p, self.tools.max_tokens, self.tools.paths[kind].stop)

    async def sample(
        self, kind: PathKind, count: int, temperature: float, top_p: float, *place: object
    ) -> list[Answer]:
        """The answers of `count` whole paths of a kind."""
        path = self.tools.paths[kind]
        prompts = [path.prompt(self.question, index) for index in range(count)]
        generations = await self.complete(prompts, self.sampling(kind, temperature, top_p), kind, *place)
        found = await self.answers(kind, generations)
        self.sampled += [answer.value or "" if answer.valid else "" for answer in found]
        self.sampled_logprobs += [answer.likelihood for answer in found]
        return found

    async def answers(self, kind: PathKind, generations: Sequence[Generation]) -> list[Answer]:
        """What completions answer."""
        texts = [generation.text for generation in generations]
        cut = [generation.finish_reason == "length" for generation in generations]
        found = await self.read(kind, texts, cut)
        return [
            _fault(kind, generation) if generation.error else replace(answer, mean_logprob=generation.mean_logprob)
            for answer, generation in zip(found, generations, strict=True)
        ]

    async def read(self, kind: PathKind, texts: Sequence[str], cut: Sequence[bool] = ()) -> list[Answer]:
        """What the paths in texts answer: programs are executed, others are read.

        Texts that were `cut` by the token limit answer only where all of their path is there: half a path states nothing.
        """
        path = self.tools.paths[kind]
        parsed = [attempt(partial(path.parse, text), partial(broken_answer, kind, text)) for text in texts]
        answers = [
            read_answer(kind, one, self.question.answer_kind, cut=was_cut) if isinstance(one, Parsed) else one
            for one, was_cut in zip(parsed, cut or [False] * len(texts), strict=True)
        ]
        programs = [one.text for one, answer in zip(parsed, answers, strict=True) if answer is None]
        executed = iter(await self.execute(programs) if programs else [])
        return [next(executed) if answer is None else answer for answer in answers]

    async def execute(self, programs: Sequence[str]) -> list[Answer]:
        """What programs return."""
        # Without the question's text the check for hard-coded answers is off: a student is scored on its answer alone.
        kind = self.question.answer_kind
        candidates = [Candidate(self.question.question_id, program, None, kind, None) for program in programs]
        verdicts = await self.tools.execute(candidates)
        return [read_verdict(program, verdict, kind) for program, verdict in zip(programs, verdicts, strict=True)]

    async def log_scores(self, configs: Sequence[VerifierConfig], steps: Sequence[Step]) -> list[float]:
        """The weighted sum of the verifiers' log scores of each step."""
        return await self.tools.verifiers.log_scores(configs, self.question, steps, self.tools.execute)


class Strategy(BaseModel):
    """A way to answer a question with a student: its settings, and `solve`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    name: str | None = Field(
        None, pattern=r"^[a-z0-9_.-]{1,60}$", description="what its results are called; default: its kind"
    )
    seed: int = Field(0, description="seed of everything that is drawn; another one is another sample of all")

    @property
    def label(self) -> str:
        """What its results are called."""
        return self.name or self.kind

    @property
    def second_model(self) -> str | None:
        """Another student that the strategy asks beside the one that is measured."""
        return None

    @abstractmethod
    async def solve(self, attempt: Attempt) -> Answer:
        """The answer to the attempt's question."""


async def solve_question(question: Question, strategy: Strategy, tools: Tools, budget: int = 0) -> Solution:
    """One question answered and compared with gold. `latency_s` is wall time, in company of the questions beside it."""
    started = time.monotonic()
    stream = content_id("strategy", strategy.kind, strategy.seed)
    trial = Attempt(replace(question, gold=""), tools, stream, budget)
    answer = await strategy.solve(trial)
    outcome, feedback = outcome_of(question, answer)
    return Solution(
        question_id=question.question_id,
        strategy=strategy.label,
        paths=[storable(text) for text in trial.texts],
        outcome=outcome,
        answer=None if answer.value is None else storable(answer.value),
        gold=question.gold,
        correct=outcome is Outcome.ACCEPTED,
        feedback=storable(feedback),
        completion_tokens=trial.completion_tokens,
        latency_s=time.monotonic() - started,
        chosen="" if outcome.is_fault else storable(answer.text),
        sampled=[storable(text) for text in trial.sampled],
        sampled_logprobs=trial.sampled_logprobs,
    )


async def read_again(question: Question, solution: Solution, path: PathKind, tools: Tools) -> Solution:
    """A solution of one path as its text is read and compared now. `tools` need no engine."""
    if not solution.paths or solution.outcome is Outcome.ENGINE_FAULT:
        return replace(solution, gold=question.gold)
    trial = Attempt(replace(question, gold=""), tools, stream="")
    was_cut = solution.outcome is Outcome.TRUNCATED or solution.completion_tokens >= tools.max_tokens
    (answer,) = await trial.read(path, solution.paths[:1], [was_cut])
    outcome, feedback = outcome_of(question, answer)
    value = None if answer.value is None else storable(answer.value)
    return replace(
        solution,
        outcome=outcome,
        answer=value,
        gold=question.gold,
        correct=outcome is Outcome.ACCEPTED,
        feedback=storable(feedback),
        chosen="" if outcome.is_fault else storable(answer.text),
        sampled=[value or "" if answer.valid else ""],
    )


COMPARED = (Outcome.ACCEPTED, Outcome.WRONG_ANSWER, Outcome.NOT_COMPARABLE)
"""Outcomes of a solution that states an answer, which gold decides."""


def compared(question: Question, solution: Solution) -> Solution:
    """A solution, its answer compared with the question's gold answer if that is not the one it was compared with."""
    if solution.gold == question.gold:
        return solution
    if solution.outcome not in COMPARED or solution.answer is None:
        return replace(solution, gold=question.gold)
    answer = Answer(PathKind.PROGRAM, solution.chosen, Outcome.ACCEPTED, solution.answer, solution.feedback)
    outcome, _ = outcome_of(question, answer)
    return replace(solution, gold=question.gold, outcome=outcome, correct=outcome is Outcome.ACCEPTED)


def _bounded(generation: Generation) -> Generation:
    """A generation whose text takes no time to read."""
    if len(generation.text) <= MAX_TEXT_CHARACTERS:
        return generation
    return replace(generation, text=generation.text[:MAX_TEXT_CHARACTERS])


def _fault(kind: PathKind, generation: Generation) -> Answer:
    return Answer(kind, generation.text, Outcome.ENGINE_FAULT, None, str(generation.error))
