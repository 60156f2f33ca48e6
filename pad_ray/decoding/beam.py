"""Step-wise beam search: lines are proposed, scored by likelihood and step verifiers, and pruned (PaD, 2305.13888, 3.3).

PaD searches token by token and scores a line when it ends, with one step counter for a whole batch. Here a step is a
request: each live hypothesis of a question proposes lines, a greedy one and samples, and each question has its own counter, so
that many questions share an engine that batches requests as they come and reuses the prefixes they have in common.

A hypothesis travels as text and is cut into tokens anew for each line. It keeps what its last token wrote behind the line's
end, so that these are the tokens it was made of. Not so where empty lines stand before a line that is not indented: GPT-2's
way to cut joins them at the end of a text and not within one.

Lines compete with lines of the same number. A hypothesis that is finished keeps its place among the `beams`: those that go on
get the places that are left, and finished ones of different length are compared at the end by `score`.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self

from pydantic import Field, model_validator

from pad_ray.decoding.base import GREEDY_TEMPERATURE, Answer, Attempt, Strategy
from pad_ray.decoding.ranking import NOTHING, Evidence, Score
from pad_ray.decoding.steps import is_finished, is_step, without_end
from pad_ray.decoding.verifiers import PRUNED, Step, VerifierConfig, require_fitting
from pad_ray.engines.base import Generation, Sampling
from pad_ray.paths.base import END_TOKENS
from pad_ray.schema import Outcome, PathKind

LINE_END = "\n"
MAX_BLANKS = 3
"""Empty lines that one proposal may begin with."""
MAX_CHARACTERS = 16_384


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A path as far as it is written. `score` is what it is ranked by, `logprob` its log probability in nats.

    `cut` is True if it ended before it was complete: out of tokens, or failed with `error` in the engine.
    """

    text: str = ""
    score: float = 0.0
    evidence: Evidence = NOTHING
    logprob: float = 0.0
    tokens: int = 0
    finished: bool = False
    cut: bool = False
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """A hypothesis with one more line, not yet scored, and the step to score, if it is one.

    `lines` is 0 if the path ends without a further line.
    """

    hypothesis: Hypothesis
    likelihood: float
    lines: int
    step: Step | None


class StepBeam(Strategy):
    """Beam search over lines by log p and λ log S of each line, summed or averaged over lines."""

    kind: Literal["step_beam"] = "step_beam"
    path: PathKind = Field(PathKind.PROGRAM, description="kind of the path: program, rationale or socratic")
    beams: int = Field(4, ge=1, description="hypotheses that a question keeps")
    proposals: int = Field(4, ge=1, description="lines that each hypothesis proposes: the greedy one and samples")
    temperature: float = Field(0.7, gt=0, description="temperature of the sampled lines")
    top_p: float = Field(1.0, gt=0, le=1, description="share of the probability that they are drawn from")
    verifiers: tuple[VerifierConfig, ...] = Field(
        (VerifierConfig(kind="execution"),), description="step verifiers; a score of 0 prunes a line"
    )
    weight: float = Field(1.0, ge=0, description="λ: factor of log S; with 0 the search is by likelihood alone")
    likelihood: Literal["total", "mean"] = Field(
        "total", description="log p of a line: of all its tokens, or the mean a token"
    )
    score: Score = Field(
        "mean",
        description="how whole hypotheses are compared: mean, of log p and of log S a line; length, their sum with a length "
        "penalty; sum, as PaD does, which favours few lines",
    )
    max_lines: int = Field(40, ge=1, description="lines of a path at most")
    line_tokens: int = Field(96, ge=1, description="longest line, in tokens")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        require_fitting(self.path, self.verifiers)
        return self

    async def solve(self, attempt: Attempt) -> Answer:
        """The answer of the best hypothesis."""
        found = await self.search(attempt)
        attempt.texts += [hypothesis.text for hypothesis in found]
        best = found[0]
        if best.error is not None:
            return Answer(self.path, best.text, Outcome.ENGINE_FAULT, None, best.error)
        (answer,) = await attempt.read(self.path, [best.text], [best.cut])
        return replace(answer, mean_logprob=best.logprob / best.tokens if best.tokens else None)

    async def search(self, attempt: Attempt) -> list[Hypothesis]:
        """At most `beams` hypotheses, the best first; finished ones alone, if there is any."""
        live, finished = [Hypothesis()], list[Hypothesis]()
        for _ in range(self.max_lines):
            if not live:
                break
            proposed = await asyncio.gather(*(self._propose(attempt, hypothesis) for hypothesis in live))
            scored, doomed = await self._score(attempt, [proposal for some in proposed for proposal in some])
            # A program that fails is still better than none: it says why, and it can be repaired.
            kept = _best(scored or ([] if finished else doomed), self.beams - len(finished))
            finished += [hypothesis for hypothesis in kept if hypothesis.finished]
            live = [hypothesis for hypothesis in kept if not hypothesis.finished]
        return _best(finished or live, self.beams)

    async def _propose(self, attempt: Attempt, hypothesis: Hypothesis) -> list[Proposal]:
        """The distinct lines that may follow, in the order in which they were proposed."""
        made = await asyncio.gather(*(self._line(attempt, hypothesis, index) for index in range(self.proposals)))
        distinct = {proposal.hypothesis.text: proposal for proposal in reversed(made)}
        return list(reversed(distinct.values()))

    async def _line(self, attempt: Attempt, hypothesis: Hypothesis, index: int) -> Proposal:
        """One non-empty line more, or the end of the path."""
        text, grown = "", hypothesis
        while True:
            (generation,) = await attempt.complete(
                [self._prompt(attempt, grown)], self._sampling(attempt, grown, index), grown.text, index, keep=False
            )
            grown = self._grow(grown, generation, attempt.tools.max_tokens)
            text = grown.text[len(hypothesis.text) :]
            if grown.finished or text.strip() or text.count(LINE_END) > MAX_BLANKS:
                break
        likelihood = grown.logprob - hypothesis.logprob
        if self.likelihood == "mean":
            likelihood /= max(1, grown.tokens - hypothesis.tokens)
        step = Step(hypothesis.text, text) if text.strip() and is_step(self.path, hypothesis.text) else None
        return Proposal(grown, likelihood, int(bool(text.strip())), step)

    def _prompt(self, attempt: Attempt, hypothesis: Hypothesis) -> str:
        prompt = attempt.tools.paths[self.path].prompt(attempt.question)
        if not isinstance(prompt, str):
            raise ValueError("step_beam asks with plain text: a turn of a chat cannot be continued line by line")
        return prompt + hypothesis.text

    def _sampling(self, attempt: Attempt, hypothesis: Hypothesis, index: int) -> Sampling:
        tokens = max(1, min(self.line_tokens, attempt.tools.max_tokens - hypothesis.tokens))
        stop = (LINE_END, *END_TOKENS)
        if index == 0:
            return Sampling(GREEDY_TEMPERATURE, 1.0, tokens, stop, keep_stop=True)
        return Sampling(self.temperature, self.top_p, tokens, stop, keep_stop=True)

    def _grow(self, hypothesis: Hypothesis, generation: Generation, max_tokens: int) -> Hypothesis:
        written, ended = without_end(generation.text)
        text = hypothesis.text + written
        tokens = hypothesis.tokens + generation.completion_tokens
        logprob = hypothesis.logprob + (generation.mean_logprob or 0.0) * generation.completion_tokens
        stopped = ended or (generation.finish_reason == "stop" and LINE_END not in written)
        complete = stopped or (LINE_END in written and is_finished(self.path, text))
        spent = tokens >= max_tokens or (generation.finish_reason == "length" and LINE_END not in written)
        too_long = len(text) > MAX_CHARACTERS
        cut = generation.error is not None or too_long or (spent and not complete)
        text = hypothesis.text if too_long else text
        grown = replace(hypothesis, text=text, logprob=logprob, tokens=tokens)
        return replace(grown, finished=complete or cut, cut=cut, error=generation.error)

    async def _score(
        self, attempt: Attempt, proposals: Sequence[Proposal]
    ) -> tuple[list[Hypothesis], list[Hypothesis]]:
        """Hypotheses with their scores, and beside them those that were cut or pruned, without their last line's log S."""
        steps = [proposal.step for proposal in proposals if proposal.step is not None]
        found = iter(await attempt.log_scores(self.verifiers, steps) if self.weight else [0.0] * len(steps))
        scored, doomed = list[Hypothesis](), list[Hypothesis]()
        for proposal in proposals:
            log_score = next(found) if proposal.step is not None else 0.0
            evidence = proposal.hypothesis.evidence.with_likelihood(proposal.likelihood, proposal.lines)
            if log_score == PRUNED or proposal.hypothesis.cut:
                doomed.append(self._ranked(proposal.hypothesis, evidence))
            else:
                evidence = evidence.with_line(log_score) if proposal.step is not None else evidence
                scored.append(self._ranked(proposal.hypothesis, evidence))
        return scored, doomed

    def _ranked(self, hypothesis: Hypothesis, evidence: Evidence) -> Hypothesis:
        return replace(hypothesis, evidence=evidence, score=evidence.score(self.score, self.weight))


def _best(hypotheses: Iterable[Hypothesis], count: int) -> list[Hypothesis]:
    """The best of those with different lines, the best first; equally good ones by their texts, so that order is no chance.

    Those that the engine failed come last: nothing is known of how likely they are.
    """

    def place(one: Hypothesis) -> tuple[bool, float, str]:
        return one.error is not None, -one.score, one.text

    distinct = {_lines(hypothesis.text): hypothesis for hypothesis in sorted(hypotheses, key=place, reverse=True)}
    return sorted(distinct.values(), key=place)[:count]


def _lines(text: str) -> tuple[str, ...]:
    """What tells two hypotheses apart: their lines, without blank ones and blanks at their ends."""
    return tuple(line.rstrip() for line in text.splitlines() if line.strip())
