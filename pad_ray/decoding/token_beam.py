"""PaD's beam search (2305.13888, section 3.3): token by token without sampling; each finished line is scored once.

For encoder-decoders, and for comparison: each token waits for the previous one, so `step_beam` is faster if the engine batches
requests. Unlike PaD's code, each question has its own step counter, so that a result does not depend on the other questions.
Needs the transformers engine.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from pad_ray.decoding.base import Answer, Attempt, Strategy
from pad_ray.decoding.ranking import NOTHING, Evidence, Score
from pad_ray.decoding.steps import is_finished, steps_of
from pad_ray.decoding.verifiers import PRUNED, VerifierConfig, require_fitting
from pad_ray.engines.base import NextToken, PartialCompletion
from pad_ray.schema import Outcome, PathKind

CANDIDATES_A_BEAM = 2
"""Candidates per beam. Each hypothesis proposes 2 B tokens, so that at least B of the best candidates have not ended."""


@dataclass(frozen=True, slots=True)
class Beam:
    """A hypothesis; `evidence` sums log p over tokens and log S over scored lines."""

    tokens: tuple[int, ...] = ()
    text: str = ""
    score: float = 0.0
    evidence: Evidence = NOTHING
    lines: int = 0
    ended: bool = False


class TokenBeam(Strategy):
    """Beam search by log p of tokens and λ log S of lines, summed or averaged: keeps the best B of 2 B candidates per token."""

    needs_tokens: ClassVar[bool] = True

    kind: Literal["token_beam"] = "token_beam"
    path: PathKind = Field(PathKind.PROGRAM, description="kind of the path: program, rationale or socratic")
    beams: int = Field(4, ge=1, description="number of hypotheses kept per question")
    verifiers: tuple[VerifierConfig, ...] = Field(
        (VerifierConfig(kind="execution"),), description="step verifiers; a score of 0 prunes a hypothesis"
    )
    weight: float = Field(1.0, ge=0, description="λ, the factor of log S; with 0 this is ordinary beam search")
    score: Score = Field(
        "mean",
        description="ranking of hypotheses: mean of log p per token and of log S per line; length, their sum with a length "
        "penalty; sum, as in PaD, which favours few lines",
    )

    @property
    def baseline_path(self) -> PathKind:
        """The kind of its paths."""
        return self.path

    @model_validator(mode="after")
    def _fits(self) -> Self:
        require_fitting(self.path, self.verifiers)
        return self

    async def solve(self, attempt: Attempt) -> Answer:
        """The answer of the best hypothesis."""
        hypotheses = await self.search(attempt)
        attempt.texts += [beam.text for beam in hypotheses]
        best = hypotheses[0]
        if not best.tokens:
            reason = "the prompt leaves no room for an answer (engine.max_model_len)"
            return Answer(self.path, "", Outcome.ENGINE_FAULT, None, reason)
        (answer,) = await attempt.read(self.path, [best.text], [not best.ended])
        return replace(answer, mean_logprob=best.evidence.likelihood / len(best.tokens))

    async def search(self, attempt: Attempt) -> list[Beam]:
        """At most `beams` hypotheses, best first; only ended ones if there are any.

        They grow until the model's context is full; if the prompt fills it, the result is one hypothesis without tokens.
        """
        prompt = attempt.tools.paths[self.path].prompt(attempt.question)
        live, ended = [Beam()], list[Beam]()
        for _ in range(attempt.tools.max_tokens):
            continued = [PartialCompletion(prompt, beam.tokens, CANDIDATES_A_BEAM * self.beams) for beam in live]
            attempt.completion_tokens += len(continued)
            proposed = await attempt.tools.top_tokens(continued)
            candidates = _best(self._grown(live, proposed), CANDIDATES_A_BEAM * self.beams)
            if not candidates:
                break
            grown = await self._score(attempt, candidates, alone=not ended)
            ended = _best([*ended, *(beam for beam in grown if beam.ended)], self.beams)
            live = _best([beam for beam in grown if not beam.ended], self.beams)
            # A sum only falls as a hypothesis grows. A mean can rise, but this stopping rule assumes that it does not.
            if not live or (len(ended) == self.beams and ended[-1].score >= live[0].score):
                break
        return ended or live or [Beam()]

    async def _score(self, attempt: Attempt, beams: Sequence[Beam], *, alone: bool) -> list[Beam]:
        """The hypotheses with the log score of the line that they have just finished.

        Pruned hypotheses are returned only if all are pruned and `alone` is true, that is, none has ended before.
        """
        paths = [steps_of(self.path, _finished_lines(beam)) for beam in beams]
        new = [len(steps) > beam.lines for beam, steps in zip(beams, paths, strict=True)]
        scored = [steps[-1] for steps, is_new in zip(paths, new, strict=True) if is_new]
        scores = iter(await attempt.log_scores(self.verifiers, scored) if self.weight else [0.0] * len(scored))
        sound, doomed = list[Beam](), list[Beam]()
        for beam, steps, is_new in zip(beams, paths, new, strict=True):
            log_score = next(scores) if is_new else 0.0
            over = beam.ended or (is_new and is_finished(self.path, _finished_lines(beam)))
            counted = replace(beam, lines=len(steps), ended=over)
            if log_score == PRUNED:
                doomed.append(counted)
            else:
                evidence = beam.evidence.with_line(log_score) if is_new else beam.evidence
                sound.append(replace(counted, evidence=evidence, score=evidence.score(self.score, self.weight)))
        return sound or (doomed if alone else [])

    def _grown(self, live: Sequence[Beam], proposed: Sequence[Sequence[NextToken]]) -> list[Beam]:
        grown = []
        for beam, some in zip(live, proposed, strict=True):
            for one in some:
                evidence = beam.evidence.with_likelihood(one.logprob)
                score = evidence.score(self.score, self.weight)
                grown.append(Beam(one.tokens, one.text, score, evidence, beam.lines, one.ended))
        return grown


def _finished_lines(beam: Beam) -> str:
    """The text up to the end of its last complete line; the whole text if the path has ended."""
    return beam.text if beam.ended else beam.text[: beam.text.rfind("\n") + 1]


def _best(beams: Sequence[Beam], count: int) -> list[Beam]:
    """The best hypotheses, best first; ties are broken by their tokens, so that the order is fixed."""
    return sorted(beams, key=lambda beam: (-beam.score, beam.tokens))[:count]
