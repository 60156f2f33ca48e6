"""Self-refinement (PaD, 2305.13888, section 3.2): run the program, tell the student what happened, run its repair."""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from pad_ray.decoding.base import GREEDY_TEMPERATURE, Answer, Attempt, Strategy
from pad_ray.decoding.beam import StepBeam
from pad_ray.decoding.greedy import Greedy
from pad_ray.decoding.sampling import BestOfN, Vote
from pad_ray.decoding.votes import elect
from pad_ray.engines.base import Sampling
from pad_ray.paths.base import asked_text
from pad_ray.refinement import repair_source
from pad_ray.schema import AnswerKind, Outcome, PathKind


def _writes_programs(first: Greedy | Vote | BestOfN | StepBeam) -> Greedy | Vote | BestOfN | StepBeam:
    if first.path is not PathKind.PROGRAM:
        raise ValueError(f"`first` asks for a {first.path.value}, and only programs can be repaired")
    return first


First = Annotated[Greedy | Vote | BestOfN | StepBeam, Field(discriminator="kind"), AfterValidator(_writes_programs)]


class Refine(Strategy):
    """Repairs an answer that is none, as its own execution shows; gold has no part in it.

    A crash, a time-out or a value that cannot be compared is repaired, and with `min_support` also an answer that too few
    votes agree on. A wrong value is not: nothing tells it from a right one. A repair of a vote's answer is one more vote.
    """

    kind: Literal["refine"] = "refine"
    first: First = Field(default_factory=Greedy, description="strategy of the first answer, which asks for programs")
    rounds: int = Field(1, ge=1, description="repairs at most")
    min_support: float = Field(
        0.0, ge=0, le=1, description="share of votes below which a vote's answer is repaired too; the repair votes"
    )
    temperature: float = Field(
        0.0, ge=0, description="temperature of a repair; at 0 the same repair is not tried twice"
    )
    max_source_characters: int = Field(2000, ge=100, description="longest source of a repair, as in training")

    async def solve(self, attempt: Attempt) -> Answer:
        """The first answer that needs no repair, else the last one. An answer is not given up for a repair that has none."""
        answer = await self.first.solve(attempt)
        sources = set[str]()
        for number in range(self.rounds):
            source = repair_source(asked_text(attempt.question), answer.text, answer.feedback)
            # The likeliest repair of the same program is the same one: it votes once.
            again = source in sources and not self.temperature
            if again or not self._needs_repair(answer) or len(source) > self.max_source_characters:
                break
            sources.add(source)
            repaired = await self._repair(attempt, source, number)
            if repaired.outcome is Outcome.ENGINE_FAULT or (answer.valid and not repaired.valid):
                break
            if repaired.text == answer.text and not self.temperature:
                break
            answer = _elected(answer, repaired, attempt.question.answer_kind)
        return answer

    def _needs_repair(self, answer: Answer) -> bool:
        failed = not answer.valid and not answer.outcome.is_fault
        return answer.kind is PathKind.PROGRAM and (failed or (answer.valid and answer.support < self.min_support))

    async def _repair(self, attempt: Attempt, source: str, number: int) -> Answer:
        path = attempt.tools.paths[PathKind.PROGRAM]
        temperature = self.temperature or GREEDY_TEMPERATURE
        sampling = Sampling(temperature, 1.0, attempt.tools.max_tokens, path.stop)
        generations = await attempt.complete([source], sampling, "repair", number)
        (answer,) = await attempt.answers(PathKind.PROGRAM, generations)
        return answer


def _elected(answer: Answer, repaired: Answer, kind: AnswerKind) -> Answer:
    """The repair; if votes were counted and it has an answer, the one that wins with it as one more vote."""
    if not repaired.valid:
        return replace(repaired, votes=answer.votes)
    return elect([*answer.votes, repaired], kind) if answer.votes else repaired
