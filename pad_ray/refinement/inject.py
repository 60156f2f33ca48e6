"""Turns correct programs into wrong ones and executes each to get its real outcome.

This generates refinement data like PaD's (arXiv 2305.13888, section 3.2), whose rules are unpublished. Our rules: one mutation
per variant, real outcome and feedback, and no variant that is still right.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import ClassVar

from pad_ray.errors import attempt
from pad_ray.paths.base import asked_text
from pad_ray.refinement.feedback import reveals, told
from pad_ray.refinement.mutations import MUTATIONS, variants
from pad_ray.refinement.source import Source
from pad_ray.sandbox import Candidate, Sandbox, normalised_program_hash
from pad_ray.sandbox.judgement import judge_each
from pad_ray.schema import AnswerKind, Outcome, Question, Verdict, content_id

# Number of programs whose variants are executed together: bounds memory, and keeps a sandbox's workers busy.
BATCH_PROGRAMS = 256
# Number of proposals for one variant before it is given up.
ATTEMPTS = 6

# Reasons why a variant is dropped.
STILL_RIGHT = "still_right"
GOLD_IN_FEEDBACK = "gold_in_feedback"
FAULT = "fault"
# Reasons why a program has fewer variants than requested.
NO_MUTATION = "no_mutation"
GIVEN_UP = "given_up"


@dataclass(frozen=True, slots=True)
class CorrectProgram:
    """A program that answers its question. `question` is the text that a student reads, including facts."""

    TABLE: ClassVar[str] = "correct"
    question_id: str
    draft_id: str
    question: str
    program: str
    gold: str
    answer_kind: AnswerKind

    @classmethod
    def of(cls, question: Question, draft_id: str, program: str, gold: str | None = None) -> "CorrectProgram":
        """An accepted program of a question. `gold` is the accepted answer if the question has no gold answer.

        Raises ValueError if there is neither.
        """
        answer = question.gold or gold
        if not answer:
            raise ValueError(f"question {question.question_id} has no gold answer; give the value of its program")
        return cls(question.question_id, draft_id, asked_text(question), program, answer, question.answer_kind)


@dataclass(frozen=True, slots=True)
class Variant:
    """A wrong program derived from a correct one. `aim` is the intended outcome, `outcome` the real one."""

    TABLE: ClassVar[str] = "variants"
    correct: CorrectProgram
    program: str
    mutation: str
    aim: Outcome
    outcome: Outcome
    feedback: str


def inject(
    programs: Sequence[CorrectProgram],
    per_program: int,
    mix: Mapping[Outcome, float],
    seed: int,
    sandbox: Sandbox,
    dropped: Counter[str] | None = None,
) -> list[Variant]:
    """Up to `per_program` distinct variants of each program, in the order of the programs.

    `mix` gives the share of each class (`mix_from`). Proposals depend only on `seed` and the program, not on its neighbours.
    A program has fewer variants if it does not parse, has nothing left to mutate, or if all `ATTEMPTS` proposals are dropped.
    `dropped` counts dropped and missing variants by reason.

    Raises:
        ValueError: a program's `gold` is not an answer of its kind.
        StageError: the sandbox lost its workers and could not start new ones.
    """
    counts = Counter[str]() if dropped is None else dropped
    wrong_variants = []
    for start in range(0, len(programs), BATCH_PROGRAMS):
        slots = []
        for correct in programs[start : start + BATCH_PROGRAMS]:
            proposals = attempt(partial(_Proposals, correct, mix, seed), lambda _: None)
            if proposals is None:
                counts[NO_MUTATION] += per_program
            else:
                slots += [_Slot(proposals) for _ in range(per_program)]
        for _ in range(ATTEMPTS):
            _attempt([slot for slot in slots if slot.variant is None and not slot.exhausted], sandbox, counts)
        wrong_variants += [slot.variant for slot in slots if slot.variant is not None]
        counts.update(NO_MUTATION if slot.exhausted else GIVEN_UP for slot in slots if slot.variant is None)
    return wrong_variants


@dataclass(frozen=True)
class _Proposal:
    mutation: str
    aim: Outcome
    program: str


class _Proposals:
    """The variants of one program not yet proposed, by class."""

    def __init__(self, correct: CorrectProgram, mix: Mapping[Outcome, float], seed: int) -> None:
        self.correct = correct
        self._random = Random(content_id("inject", seed, correct.question_id, correct.program))
        self._mix = {aim: weight for aim, weight in sorted(mix.items()) if weight > 0}
        self._seen = {normalised_program_hash(correct.program)}
        self._streams: dict[Outcome, list[tuple[str, Iterator[str]]]] = {}
        source = Source.read(correct.program, correct.question)
        if source is not None:
            for mutation in MUTATIONS:
                stream = mutation.name, variants(source, mutation, seed)
                self._streams.setdefault(mutation.aim, []).append(stream)

    def next(self, aim: Outcome | None) -> _Proposal | None:
        """A variant of the class `aim`; if it is None or has none left, of a class drawn from the mix."""
        while True:
            if aim is None or not self._streams.get(aim):
                left = [one for one in self._mix if self._streams.get(one)]
                if not left:
                    return None
                (aim,) = self._random.choices(left, [self._mix[one] for one in left])
            proposal = self._next_of(aim)
            if proposal is not None:
                return proposal

    def _next_of(self, aim: Outcome) -> _Proposal | None:
        """A variant that differs, up to names and layout, from the correct program and from all earlier variants."""
        streams = self._streams[aim]
        while streams:
            stream = self._random.choice(streams)
            program = next(stream[1], None)
            if program is None:
                streams.remove(stream)
                continue
            key = normalised_program_hash(program)
            if key not in self._seen:
                self._seen.add(key)
                return _Proposal(stream[0], aim, program)
        return None


@dataclass
class _Slot:
    """The place of one variant, with its intended class."""

    proposals: _Proposals
    aim: Outcome | None = None
    variant: Variant | None = None
    exhausted: bool = False


def _attempt(slots: Sequence[_Slot], sandbox: Sandbox, dropped: Counter[str]) -> None:
    """Propose a variant for each empty slot, execute all, and fill the slots with those that are wrong."""
    proposed = []
    for slot in slots:
        # If mutating a program crashes, it gets no more variants.
        proposal = attempt(partial(slot.proposals.next, slot.aim), lambda _: None)
        slot.exhausted = proposal is None
        if proposal is not None:
            # Keep the class: if it were drawn again each time, a class that is often right by chance would lose its share.
            slot.aim = proposal.aim
            proposed.append((slot, proposal))
    verdicts = judge_each(sandbox, [_candidate(slot.proposals.correct, proposal) for slot, proposal in proposed])
    for (slot, proposal), verdict in zip(proposed, verdicts, strict=True):
        reason = _why_dropped(slot.proposals.correct, verdict)
        if reason is None:
            slot.variant = _variant(slot.proposals.correct, proposal, verdict)
        else:
            dropped[reason] += 1


def _candidate(correct: CorrectProgram, proposal: _Proposal) -> Candidate:
    # Omit the question's text: a variant that states the answer is right and must not count as wrong (hard-coded).
    return Candidate(correct.draft_id, proposal.program, correct.gold, correct.answer_kind, question_text=None)


def _why_dropped(correct: CorrectProgram, verdict: Verdict) -> str | None:
    if verdict.outcome is Outcome.ACCEPTED:
        return STILL_RIGHT
    if verdict.outcome.is_fault:
        return FAULT
    return GOLD_IN_FEEDBACK if reveals(told(verdict.feedback), correct.gold, correct.answer_kind) else None


def _variant(correct: CorrectProgram, proposal: _Proposal, verdict: Verdict) -> Variant:
    feedback = told(verdict.feedback)
    assert not reveals(feedback, correct.gold, correct.answer_kind)
    return Variant(correct, proposal.program, proposal.mutation, proposal.aim, verdict.outcome, feedback)
