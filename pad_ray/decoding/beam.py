"""Step-wise beam search: lines are proposed, scored by likelihood and step verifiers, and pruned (PaD, 2305.13888, 3.3).

PaD searches token by token and scores a line when it ends, with one step counter for a whole batch. Here, a step is one
request per proposed line: each live hypothesis proposes a greedy line and sampled lines. Each question counts its own steps,
so that many questions can share an engine that batches requests continuously and reuses common prefixes.

A hypothesis is sent as text and tokenized again for each line. It keeps the characters that its last token wrote after the
line's end, so that the tokens stay the same. One exception: if blank lines precede a line without indentation, GPT-2's
tokenizer joins them at the end of a text but not within one.

Lines compete with lines of the same number. A finished hypothesis keeps its place among the `beams`; live ones get the
remaining places. Finished hypotheses of different length are compared at the end by `score`.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from pad_ray.decoding.base import GREEDY_TEMPERATURE, Answer, Attempt, Strategy
from pad_ray.decoding.ranking import NOTHING, Evidence, Score
from pad_ray.decoding.steps import is_finished, is_step, without_end
from pad_ray.decoding.verifiers import PRUNED, ReasoningStep, VerifierConfig, require_fitting
from pad_ray.engines.base import Generation, Sampling
from pad_ray.paths.base import END_TOKENS
from pad_ray.schema import Outcome, PathKind

LINE_END = "\n"
MAX_BLANKS = 3
"""Maximum number of blank lines at the start of a proposal."""
MAX_CHARACTERS = 16_384


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A partial path. `score` ranks it, `logprob` is its log probability in nats.

    `cut` is True if it ended incomplete: the token limit was reached, or the engine failed with `error`.
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
    """A hypothesis with one more line, not yet scored. `step` is the step to score, None if the line is not a step.

    `lines` is 0 if the path ends without another line.
    """

    hypothesis: Hypothesis
    likelihood: float
    lines: int
    step: ReasoningStep | None


class StepBeam(Strategy):
    """Beam search over lines, ranked by log p + λ log S, summed or averaged over lines."""

    repairable: ClassVar[bool] = True

    kind: Literal["step_beam"] = "step_beam"
    path: PathKind = Field(PathKind.PROGRAM, description="kind of the path: program, rationale or socratic")
    beams: int = Field(4, ge=1, description="number of hypotheses kept per question")
    proposals: int = Field(4, ge=1, description="lines proposed per hypothesis: one greedy, the others sampled")
    temperature: float = Field(0.7, gt=0, description="temperature of the sampled lines")
    top_p: float = Field(1.0, gt=0, le=1, description="top-p of the sampled lines")
    verifiers: tuple[VerifierConfig, ...] = Field(
        (VerifierConfig(kind="execution"),), description="step verifiers; a score of 0 prunes a line"
    )
    weight: float = Field(1.0, ge=0, description="λ, the factor of log S; with 0 only the likelihood counts")
    likelihood: Literal["total", "mean"] = Field(
        "total", description="log p of a line: total over its tokens, or mean per token"
    )
    score: Score = Field(
        "mean",
        description="ranking of whole hypotheses: mean of log p and log S per line; length, their sum with a length penalty; "
        "sum, as in PaD, which favours few lines",
    )
    max_lines: int = Field(40, ge=1, description="maximum number of lines of a path")
    line_tokens: int = Field(96, ge=1, description="maximum length of a line, in tokens")

    @property
    def baseline_path(self) -> PathKind:
        """The kind of its paths."""
        return self.path

    @property
    def continues_text(self) -> bool:
        """Always: each hypothesis is a partial text."""
        return True

    @model_validator(mode="after")
    def _fits(self) -> Self:
        require_fitting(self.path, self.verifiers)
        return self

    async def solve(self, attempt: Attempt) -> Answer:
        """The answer of the best hypothesis."""
        hypotheses = await self.search(attempt)
        attempt.texts += [hypothesis.text for hypothesis in hypotheses]
        best = hypotheses[0]
        if best.error is not None:
            return Answer(self.path, best.text, Outcome.ENGINE_FAULT, None, best.error)
        (answer,) = await attempt.read(self.path, [best.text], [best.cut])
        return replace(answer, mean_logprob=best.logprob / best.tokens if best.tokens else None)

    async def search(self, attempt: Attempt) -> list[Hypothesis]:
        """At most `beams` hypotheses, best first; only finished ones if there are any."""
        live, finished = [Hypothesis()], list[Hypothesis]()
        for _ in range(self.max_lines):
            if not live:
                break
            proposed = await asyncio.gather(*(self._propose(attempt, hypothesis) for hypothesis in live))
            scored, doomed = await self._score(attempt, [proposal for some in proposed for proposal in some])
            # A failing program is better than none: its error is reported, and it can be repaired.
            kept = _best(scored or ([] if finished else doomed), self.beams - len(finished))
            finished += [hypothesis for hypothesis in kept if hypothesis.finished]
            live = [hypothesis for hypothesis in kept if not hypothesis.finished]
        return _best(finished or live, self.beams)

    async def _propose(self, attempt: Attempt, hypothesis: Hypothesis) -> list[Proposal]:
        """The distinct next lines, in the order in which they were proposed."""
        proposed = await asyncio.gather(*(self._line(attempt, hypothesis, index) for index in range(self.proposals)))
        distinct = {proposal.hypothesis.text: proposal for proposal in reversed(proposed)}
        return list(reversed(distinct.values()))

    async def _line(self, attempt: Attempt, hypothesis: Hypothesis, index: int) -> Proposal:
        """The hypothesis with one more non-empty line, or with the end of the path."""
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
        step = ReasoningStep(hypothesis.text, text) if text.strip() and is_step(self.path, hypothesis.text) else None
        return Proposal(grown, likelihood, int(bool(text.strip())), step)

    def _prompt(self, attempt: Attempt, hypothesis: Hypothesis) -> str:
        prompt = attempt.tools.paths[self.path].prompt(attempt.question)
        if not isinstance(prompt, str):
            raise ValueError("step_beam needs plain-text prompts: a chat turn cannot be continued line by line")
        return prompt + hypothesis.text

    def _sampling(self, attempt: Attempt, hypothesis: Hypothesis, index: int) -> Sampling:
        tokens = max(1, min(self.line_tokens, attempt.tools.max_tokens - hypothesis.tokens))
        stop = (LINE_END, *END_TOKENS)
        if index == 0:
            return Sampling(GREEDY_TEMPERATURE, 1.0, tokens, stop, keep_stop=True)
        return Sampling(self.temperature, self.top_p, tokens, stop, keep_stop=True)

    def _grow(self, hypothesis: Hypothesis, generation: Generation, max_tokens: int) -> Hypothesis:
        continuation, ended = without_end(generation.text)
        text = hypothesis.text + continuation
        tokens = hypothesis.tokens + generation.completion_tokens
        logprob = hypothesis.logprob + (generation.mean_logprob or 0.0) * generation.completion_tokens
        stopped = ended or (generation.finish_reason == "stop" and LINE_END not in continuation)
        complete = stopped or (LINE_END in continuation and is_finished(self.path, text))
        spent = tokens >= max_tokens or (generation.finish_reason == "length" and LINE_END not in continuation)
        too_long = len(text) > MAX_CHARACTERS
        cut = generation.error is not None or too_long or (spent and not complete)
        text = hypothesis.text if too_long else text
        grown = replace(hypothesis, text=text, logprob=logprob, tokens=tokens)
        return replace(grown, finished=complete or cut, cut=cut, error=generation.error)

    async def _score(
        self, attempt: Attempt, proposals: Sequence[Proposal]
    ) -> tuple[list[Hypothesis], list[Hypothesis]]:
        """The scored hypotheses, and separately the cut or pruned ones, without log S of their last line."""
        steps = [proposal.step for proposal in proposals if proposal.step is not None]
        scores = iter(await attempt.log_scores(self.verifiers, steps) if self.weight else [0.0] * len(steps))
        scored, doomed = list[Hypothesis](), list[Hypothesis]()
        for proposal in proposals:
            log_score = next(scores) if proposal.step is not None else 0.0
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
    """The best hypotheses with distinct lines, best first; ties are broken by their texts, so that the order is fixed.

    Hypotheses with an engine error come last, because their likelihood is unknown.
    """

    def place(one: Hypothesis) -> tuple[bool, float, str]:
        return one.error is not None, -one.score, one.text

    distinct = {_lines(hypothesis.text): hypothesis for hypothesis in sorted(hypotheses, key=place, reverse=True)}
    return sorted(distinct.values(), key=place)[:count]


def _lines(text: str) -> tuple[str, ...]:
    """The key of a hypothesis: its lines, without blank lines and trailing blanks."""
    return tuple(line.rstrip() for line in text.splitlines() if line.strip())
