"""The step verifier `verifier`: a trained scorer of partial paths, and the data to train one.

As in Math-Shepherd (2312.08935), the label of a partial path is the share of its sampled completions that reach gold. Labels
use gold, so label only train questions. The scorer is a sequence classifier in the Hugging Face layout with one output (S is
its sigmoid) or two (S is the softmax of the second); its input is `scorer_source`, in training and at inference. Not covered:
the training.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa

from pad_ray.decoding.base import Attempt, Tools
from pad_ray.decoding.batcher import Batcher
from pad_ray.decoding.steps import steps_of
from pad_ray.decoding.verifiers import Execute, ReasoningStep, VerifierConfig
from pad_ray.errors import StageError
from pad_ray.models import resolve
from pad_ray.paths.base import asked_text
from pad_ray.schema import PathKind, Question, storable
from pad_ray.tasks.answers import equal

MAX_TOKENS = 512
BATCH = 32
DECIMALS = 4
"""Scores are rounded, as in `faithfulness`: the last bits depend on the batch."""


@dataclass(frozen=True, slots=True)
class LabelledStep:
    """A partial path and the `share` of its `rollouts` completions that reach gold."""

    question_id: str
    source: str
    step: int
    share: float
    rollouts: int


def scorer_source(question: Question, text: str) -> str:
    """The scorer's input: the question, and the path up to and including the scored line."""
    return f"Question: {asked_text(question)}\n{storable(text.rstrip())}"


async def label_steps(
    question: Question, text: str, tools: Tools, rollouts: int = 8, temperature: float = 0.7, seed: int = 0
) -> list[LabelledStep]:
    """Label the beginnings of one program for a train question; each ends after a line and is completed `rollouts` times.

    The last one is the whole program, which needs no completion; its share is 0 or 1.
    """
    attempt = Attempt(question, tools, f"label {seed}")
    steps = steps_of(PathKind.PROGRAM, text)
    shares = await asyncio.gather(*(_share(attempt, step, rollouts, temperature) for step in steps[:-1]))
    whole = [await _reached(attempt, [text])] if steps else []
    return [
        LabelledStep(question.question_id, scorer_source(question, step.text), number, share, rollouts)
        for number, (step, share) in enumerate(zip(steps, [*shares, *whole], strict=True))
    ]


def to_table(rows: Sequence[LabelledStep]) -> pa.Table:
    """Rows as a scorer's training table."""
    return pa.Table.from_pylist([asdict(row) for row in rows])


async def _share(attempt: Attempt, step: ReasoningStep, rollouts: int, temperature: float) -> float:
    prompt = attempt.tools.paths[PathKind.PROGRAM].prompt(attempt.question)
    if not isinstance(prompt, str):
        raise ValueError("a chat turn cannot be continued: label with plain-text prompts")
    sampling = attempt.sampling(PathKind.PROGRAM, temperature)
    generations = await attempt.complete([prompt + step.text] * rollouts, sampling, step.text)
    texts = [step.text + generation.text for generation in generations if generation.error is None]
    return await _reached(attempt, texts)


async def _reached(attempt: Attempt, texts: Sequence[str]) -> float:
    """The share of programs that return gold, not counting engine and sandbox faults.

    Raises:
        StageError: all programs ended in faults; a label of 0 would blame the step.
    """
    question = attempt.question
    answers = [answer for answer in await attempt.read(PathKind.PROGRAM, texts) if not answer.outcome.is_fault]
    if not answers:
        raise StageError(f"question {question.question_id}: engine or sandbox failed all completions of a step")
    right = [
        answer.valid and equal(question.answer_kind, str(answer.value), question.gold) is True for answer in answers
    ]
    return sum(right) / len(right)


class StepScorer:
    """Scores with a sequence classifier on the CPU."""

    def __init__(self, config: VerifierConfig) -> None:
        from transformers import AutoModelForSequenceClassification, AutoTokenizer

        folder = resolve(str(config.model)).path
        self.tokenizer = AutoTokenizer.from_pretrained(folder, truncation_side="left")
        self.model = AutoModelForSequenceClassification.from_pretrained(folder).float().eval()
        if self.tokenizer.pad_token_id is None:
            self.tokenizer.pad_token = self.tokenizer.eos_token
        self.model.config.pad_token_id = self.tokenizer.pad_token_id
        self.score = Batcher(self._score)

    async def scores(self, question: Question, steps: Sequence[ReasoningStep], execute: Execute) -> Sequence[float]:
        """The scorer's estimate of the probability that a path with this beginning reaches gold."""
        return await self.score([scorer_source(question, step.text) for step in steps])

    def _score(self, texts: list[str]) -> Sequence[float]:
        batches = [texts[start : start + BATCH] for start in range(0, len(texts), BATCH)]
        return [score for batch in batches for score in self._forward(batch)]

    def _forward(self, texts: list[str]) -> list[float]:
        import torch

        inputs = self.tokenizer(texts, padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
        with torch.inference_mode():
            logits: Any = self.model(**inputs).logits
        chances = logits[:, 0].sigmoid() if logits.shape[1] == 1 else logits.softmax(-1)[:, -1]
        return [round(float(chance), DECIMALS) for chance in chances]
