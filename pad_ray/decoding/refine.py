"""Self-refinement (PaD, 2305.13888, section 3.2): run the program, show the student the error, run its repair."""

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
        raise ValueError(f"`first` has path {first.path.value}, but only programs can be repaired")
    return first


First = Annotated[Greedy | Vote | BestOfN | StepBeam, Field(discriminator="kind"), AfterValidator(_writes_programs)]


class Refine(Strategy):
    """Repairs programs whose execution gives no answer. Gold is not used.

    Crashes, time-outs and values that cannot be compared are repaired; with `min_support`, also answers with too small a share
    of the votes. Wrong values are not repaired, because nothing distinguishes them from correct ones. The repair of a vote's
    answer counts as one more vote.
    """

    kind: Literal["refine"] = "refine"
    first: First = Field(default_factory=Greedy, description="strategy of the first answer; its path must be program")
    rounds: int = Field(1, ge=1, description="maximum number of repairs")
    min_support: float = Field(
        0.0, ge=0, le=1, description="also repair a vote's answer if its share of votes is lower; the repair votes too"
    )
    temperature: float = Field(
        0.0, ge=0, description="temperature of a repair; at 0, the same program is repaired only once"
    )
    max_source_characters: int = Field(2000, ge=100, description="maximum length of a repair prompt, as in training")

    @property
    def baseline_path(self) -> PathKind:
        """The kind of the first answer's paths."""
        return self.first.path

    @property
    def base(self) -> Strategy:
        """The strategy of the first answer."""
        return self.first

    async def solve(self, attempt: Attempt) -> Answer:
        """The first answer that needs no repair, else the last one. A repair without an answer never replaces an answer."""
        answer = await self.first.solve(attempt)
        sources = set[str]()
        for number in range(self.rounds):
            source = repair_source(asked_text(attempt.question), answer.text, answer.feedback)
            # At temperature 0 the repair of the same program is always the same; it votes once.
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
    """The repair; if votes were counted and the repair has an answer, the winner of a vote that includes it."""
    if not repaired.valid:
        return replace(repaired, votes=answer.votes)
    return elect([*answer.votes, repaired], kind) if answer.votes else repaired
