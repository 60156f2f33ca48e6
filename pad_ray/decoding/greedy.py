"""Greedy decoding of a program path: one completion a question at temperature 0, executed for its answer."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from pad_ray.engines.base import Engine, Generation, Request, Sampling
from pad_ray.paths import Program
from pad_ray.sandbox import Candidate
from pad_ray.schema import Outcome, Question, Solution, Verdict

Judge = Callable[[Sequence[Candidate]], Awaitable[list[Verdict]]]


@dataclass(frozen=True)
class Greedy:
    """Asks with `path`'s prompt; a path with demonstrations is how a student that was not trained yet is asked."""

    path: Program
    max_tokens: int
    name: str = "greedy"

    async def solve(self, questions: Sequence[Question], engine: Engine, judge: Judge) -> list[Solution]:
        """One solution a question, in order. A question's result does not depend on the others in the batch."""
        sampling = Sampling(temperature=0.0, top_p=1.0, max_tokens=self.max_tokens, stop=self.path.stop)
        requests = [Request(q.question_id, self.path.prompt(q), sampling, seed=0) for q in questions]
        generations = await engine.generate(requests)
        verdicts = await judge([_candidate(q, g) for q, g in zip(questions, generations, strict=True)])
        return [self._solution(*item) for item in zip(questions, generations, verdicts, strict=True)]

    def _solution(self, question: Question, generation: Generation, verdict: Verdict) -> Solution:
        outcome = Outcome.ENGINE_FAULT if generation.error else verdict.outcome
        return Solution(
            question_id=question.question_id,
            strategy=self.name,
            paths=[generation.text],
            outcome=outcome,
            answer=verdict.value,
            gold=question.gold,
            correct=outcome is Outcome.ACCEPTED,
            feedback=generation.error or verdict.feedback,
            completion_tokens=generation.completion_tokens,
            latency_s=generation.seconds,
        )


def _candidate(question: Question, generation: Generation) -> Candidate:
    # Without the question's text the check for hard-coded answers is off: a student is scored on its answer alone.
    return Candidate(
        question.question_id,
        Program().parse(generation.text).text,
        question.gold,
        question.answer_kind,
        question_text=None,
    )
