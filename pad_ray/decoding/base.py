"""The base class of strategies, and the tools that a strategy has for one question.

A strategy never sees gold: its question has none, and `solve_question` compares the answer afterwards. Every draw is seeded
by the question and the position of the draw, and each question runs in a separate coroutine. A question's result therefore
does not depend on the questions that are solved at the same time.
"""

import time
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import ClassVar, cast

from pydantic import BaseModel, ConfigDict, Field

from pad_ray.decoding.batcher import Batcher
from pad_ray.decoding.verifiers import Execute, ReasoningStep, VerifierConfig, Verifiers
from pad_ray.engines.base import Engine, Generation, NextToken, PartialCompletion, Request, Sampling, TokenEngine
from pad_ray.errors import attempt
from pad_ray.paths import PATHS, ReasoningPath
from pad_ray.paths.base import Message, ParsedPath
from pad_ray.paths.reading import Answer as Answer
from pad_ray.paths.reading import broken_answer, outcome_of, read_answer, read_verdict
from pad_ray.sandbox import Candidate
from pad_ray.schema import Outcome, PathKind, Question, Solution, content_id, storable

Prompt = str | tuple[Message, ...]
GREEDY_TEMPERATURE = 0.0
MAX_TEXT_CHARACTERS = 100_000
"""Longer completions are cut before they are read; a model's token limit stays far below this."""


@dataclass(frozen=True)
class Tools:
    """Tools shared by all attempts on one engine.

    `paths` build the student's prompt for each kind of path, `max_tokens` limits one path. `execute` runs programs,
    `verifiers` opens the step verifiers of strategies. `second` serves the strategy's `second_model`, if it has one.
    """

    engine: Engine
    execute: Execute
    paths: Mapping[PathKind, ReasoningPath] = field(default_factory=lambda: {kind: PATHS[kind]() for kind in PATHS})
    max_tokens: int = 256
    verifiers: Verifiers = field(default_factory=Verifiers)
    second: Engine | None = None

    @cached_property
    def top_tokens(self) -> Batcher[PartialCompletion, list[NextToken]]:
        """The most probable next tokens of partial completions; the calls of all questions are batched.

        Raises:
            ValueError: the engine gives no access to its tokens.
        """
        if not hasattr(self.engine, "top_tokens"):
            raise ValueError(
                "the engine gives no access to its tokens: a token-by-token search needs engine.kind transformers"
            )
        return Batcher(cast(TokenEngine, self.engine).top_tokens)


@dataclass
class Attempt:
    """One attempt at a question: calls the engine, reads and executes paths, and counts the cost.

    `stream` identifies the strategy, so that two strategies draw different samples. `budget` is the number of completion
    tokens that `Resample` may spend: those that another strategy spent on this question. `texts` are the completions that
    were considered, `sampled` the answers of independently sampled whole paths (empty for a path without an answer), and
    `sampled_logprobs` their log probabilities in nats per token.
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
        """An attempt at the same question that counts texts and costs separately, until `join`."""
        return replace(self, texts=[], sampled=[], sampled_logprobs=[], completion_tokens=0)

    def join(self, parts: Iterable["Attempt"]) -> None:
        """Add the texts and costs of parts that ran concurrently, in the given order, not in the order of completion."""
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
        """One completion per prompt, by the student or by another `engine`.

        `place` separates the seeds of these draws from the attempt's other draws. `keep` stores the texts.
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
        # vLLM and numpy need seeds below 2**31.
        return Request(request_id, prompt, sampling, seed=int(request_id[:8], 16) >> 1)

    def sampling(self, kind: PathKind, temperature: float = GREEDY_TEMPERATURE, top_p: float = 1.0) -> Sampling:
        """The sampling settings of a whole path of this kind."""
        return Sampling(temperature, top_p, self.tools.max_tokens, self.tools.paths[kind].stop)

    async def sample(
        self, kind: PathKind, count: int, temperature: float, top_p: float, *place: object
    ) -> list[Answer]:
        """Sample `count` whole paths of a kind and return their answers."""
        path = self.tools.paths[kind]
        prompts = [path.prompt(self.question, index) for index in range(count)]
        generations = await self.complete(prompts, self.sampling(kind, temperature, top_p), kind, *place)
        sampled = await self.answers(kind, generations)
        self.sampled += [answer.value or "" if answer.valid else "" for answer in sampled]
        self.sampled_logprobs += [answer.likelihood for answer in sampled]
        return sampled

    async def answers(self, kind: PathKind, generations: Sequence[Generation]) -> list[Answer]:
        """The answers of completions; an engine error becomes an `engine_fault`."""
        texts = [generation.text for generation in generations]
        cut = [generation.finish_reason == "length" for generation in generations]
        answers = await self.read(kind, texts, cut)
        return [
            _fault(kind, generation) if generation.error else replace(answer, mean_logprob=generation.mean_logprob)
            for answer, generation in zip(answers, generations, strict=True)
        ]

    async def read(self, kind: PathKind, texts: Sequence[str], cut: Sequence[bool] = ()) -> list[Answer]:
        """The answers of the paths in texts: programs are executed, other paths are parsed.

        A text that was `cut` by the token limit has an answer only if its path is complete.
        """
        path = self.tools.paths[kind]
        parsed = [attempt(partial(path.parse, text), partial(broken_answer, kind, text)) for text in texts]
        answers = [
            read_answer(kind, one, self.question.answer_kind, cut=was_cut) if isinstance(one, ParsedPath) else one
            for one, was_cut in zip(parsed, cut or [False] * len(texts), strict=True)
        ]
        programs = [one.text for one, answer in zip(parsed, answers, strict=True) if answer is None]
        executed = iter(await self.execute(programs) if programs else [])
        return [next(executed) if answer is None else answer for answer in answers]

    async def execute(self, programs: Sequence[str]) -> list[Answer]:
        """The answers that programs return."""
        # Without the question's text, the check for hard-coded answers is off: a student is scored only on its answer.
        kind = self.question.answer_kind
        candidates = [Candidate(self.question.question_id, program, None, kind, None) for program in programs]
        verdicts = await self.tools.execute(candidates)
        return [read_verdict(program, verdict, kind) for program, verdict in zip(programs, verdicts, strict=True)]

    async def log_scores(self, configs: Sequence[VerifierConfig], steps: Sequence[ReasoningStep]) -> list[float]:
        """The weighted sum of the verifiers' log scores of each step."""
        return await self.tools.verifiers.log_scores(configs, self.question, steps, self.tools.execute)


class Strategy(BaseModel):
    """A way to answer a question with a student: settings, what it needs, and the method `solve`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    needs_tokens: ClassVar[bool] = False
    """It chooses among the engine's next tokens, which only engine.kind transformers gives."""
    repairable: ClassVar[bool] = False
    """`refine` can repair its answers."""

    kind: str
    name: str | None = Field(None, pattern=r"^[a-z0-9_.-]{1,60}$", description="name of the results; default: the kind")
    seed: int = Field(0, ge=0, lt=2**63, description="seed of all samples")

    @property
    def label(self) -> str:
        """The name of the results."""
        return self.name or self.kind

    @property
    def baseline_path(self) -> PathKind | None:
        """For a strategy that spends many tokens: the kind of path that its baseline samples with as many; else None."""
        return None

    @property
    def single_path(self) -> PathKind | None:
        """The kind of its path if its answer follows from one text, which can be read again without an engine; else None."""
        return None

    @property
    def continues_text(self) -> bool:
        """Whether it asks the engine to continue a partial text."""
        return False

    @property
    def works_line_by_line(self) -> bool:
        """Whether its prompts end within an answer, which a chat does not support."""
        return self.continues_text

    @property
    def whole_paths(self) -> int:
        """The number of independent samples per question, for pass@k and maj@k; 0 if it draws none."""
        return 0

    @property
    def reference(self) -> str | None:
        """The name of the earlier strategy whose tokens are its budget, if it has one."""
        return None

    @property
    def base(self) -> "Strategy | None":
        """The strategy whose answers it improves, if there is one."""
        return None

    @property
    def second_model(self) -> str | None:
        """A model that the strategy uses in addition to the measured student."""
        return None

    @abstractmethod
    async def solve(self, attempt: Attempt) -> Answer:
        """The answer to the attempt's question."""


async def solve_question(question: Question, strategy: Strategy, tools: Tools, budget: int = 0) -> Solution:
    """Answer one question and compare the answer with gold. `latency_s` is wall time, shared with concurrent questions."""
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
    """A one-path solution, read from its text and compared again under the current rules. `tools` need no engine."""
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
"""Outcomes that depend on the comparison with gold: the solution has an answer."""


def compared(question: Question, solution: Solution) -> Solution:
    """The solution, compared again if the question's gold answer has changed."""
    if solution.gold == question.gold:
        return solution
    if solution.outcome not in COMPARED or solution.answer is None:
        return replace(solution, gold=question.gold)
    answer = Answer(PathKind.PROGRAM, solution.chosen, Outcome.ACCEPTED, solution.answer, solution.feedback)
    outcome, _ = outcome_of(question, answer)
    return replace(solution, gold=question.gold, outcome=outcome, correct=outcome is Outcome.ACCEPTED)


def _bounded(generation: Generation) -> Generation:
    """The generation with its text cut to `MAX_TEXT_CHARACTERS`."""
    if len(generation.text) <= MAX_TEXT_CHARACTERS:
        return generation
    return replace(generation, text=generation.text[:MAX_TEXT_CHARACTERS])


def _fault(kind: PathKind, generation: Generation) -> Answer:
    return Answer(kind, generation.text, Outcome.ENGINE_FAULT, None, str(generation.error))
