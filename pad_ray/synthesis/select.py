"""Chooses which accepted drafts of a question to keep, by properties of the question and comparison of its drafts."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from pad_ray.errors import attempt
from pad_ray.paths.equations import shape
from pad_ray.paths.socratic import socratic_shape
from pad_ray.sandbox import normalised_program_hash
from pad_ray.schema import FEEDBACK_CHARACTERS, AnswerKind, Draft, Outcome, PathKind, Question, Verdict
from pad_ray.synthesis.config import CorpusConfig
from pad_ray.synthesis.contamination import Overlap
from pad_ray.tasks.answers import agreeing

# Outcomes that only this step assigns, to drafts that were accepted individually.
DROPPED = (Outcome.DUPLICATE, Outcome.OVER_CAP, Outcome.CONTAMINATED)


@dataclass(frozen=True)
class JudgedDraft:
    """A draft, its verdict, and its path in the form to be taught."""

    draft: Draft
    verdict: Verdict
    text: str

    @property
    def accepted(self) -> bool:
        return self.verdict.outcome is Outcome.ACCEPTED

    def drop(self, outcome: Outcome, feedback: str) -> "JudgedDraft":
        """The same draft, dropped for a reason."""
        return replace(self, verdict=replace(self.verdict, outcome=outcome, feedback=feedback[:FEEDBACK_CHARACTERS]))

    def fault(self, reason: str) -> "JudgedDraft":
        """The same draft, dropped because it crashes the building of the corpus."""
        return self.drop(Outcome.SANDBOX_FAULT, f"building the corpus failed: {reason}")


def select(
    question: Question, judged: Sequence[JudgedDraft], config: CorpusConfig, overlap: Overlap | None
) -> list[JudgedDraft]:
    """All drafts of a question in order; accepted drafts that are not kept get an outcome that says why.

    The checks, in this order: overlap with a test question, no trusted answer, too easy or too hard, too long, duplicate,
    above the cap, more than of the other kinds (Mixed Distillation, arXiv 2312.10730).
    """
    selected = list(judged)
    if overlap is not None:
        apart = ", numbers and names apart," if overlap.masked else ""
        relation = "is" if overlap.exact else f"shares {overlap.share:.0%} of its n-grams{apart} with"
        test = f"the {overlap.task} test question {overlap.question_id}"
        return _drop_all(selected, Outcome.CONTAMINATED, f"the question {relation} {test}")
    if not question.gold:
        selected = _majority(question.answer_kind, selected, config.majority_share)
    rate = sum(item.accepted for item in selected) / max(1, len(selected))
    if not config.min_pass_rate <= rate <= config.max_pass_rate:
        return _drop_all(selected, Outcome.OVER_CAP, f"the teacher solves {rate:.0%} of this question's drafts")
    if config.max_characters is not None:
        limit = config.max_characters
        selected = [
            item.drop(Outcome.OVER_CAP, f"longer than {limit} characters")
            if item.accepted and len(item.text) > limit
            else item
            for item in selected
        ]
    return _cap(_distinct(selected), config)


def _drop_all(judged: list[JudgedDraft], outcome: Outcome, feedback: str) -> list[JudgedDraft]:
    return [item.drop(outcome, feedback) if item.accepted else item for item in judged]


def _majority(kind: AnswerKind, judged: list[JudgedDraft], share: float | None) -> list[JudgedDraft]:
    """Without gold, the most frequent answer counts as right if its share is large enough; equal answers are merged."""
    groups = agreeing(kind, [item.verdict.value if item.accepted else None for item in judged])
    if share is None or not groups:
        return _drop_all(judged, Outcome.NOT_COMPARABLE, "the question has no gold answer")
    largest = max(groups, key=len)
    winners = set(largest)
    if len(winners) < share * sum(map(len, groups)):
        return _drop_all(judged, Outcome.NOT_COMPARABLE, f"no answer is given by {share:.0%} of the drafts")
    return [
        item.drop(Outcome.WRONG_ANSWER, "not the answer of the majority")
        if item.accepted and place not in winners
        else item
        for place, item in enumerate(judged)
    ]


def _distinct(judged: list[JudgedDraft]) -> list[JudgedDraft]:
    seen: set[tuple[PathKind, str]] = set()
    results = []
    for item in judged:
        results.append(attempt(lambda item=item: _unless_seen(item, seen), item.fault) if item.accepted else item)  # type: ignore[misc]
    return results


_SHAPES: dict[PathKind, Callable[[str], str]] = {
    PathKind.PROGRAM: normalised_program_hash,
    PathKind.RATIONALE: shape,
    PathKind.SOCRATIC: socratic_shape,
}
"""The identity of a path: two paths with equal shapes are duplicates."""


def _unless_seen(item: JudgedDraft, seen: set[tuple[PathKind, str]]) -> JudgedDraft:
    key = item.draft.path, _SHAPES[item.draft.path](item.text)
    if key in seen:
        return item.drop(Outcome.DUPLICATE, f"same {item.draft.path.value} as an earlier draft")
    seen.add(key)
    return item


def _cap(judged: list[JudgedDraft], config: CorpusConfig) -> list[JudgedDraft]:
    """Keep at most `max_per_question` of each kind; with `balance`, no more than of the rarest kind."""
    accepted = Counter(item.draft.path for item in judged if item.accepted)
    kinds = {item.draft.path for item in judged}
    least = min(accepted[kind] for kind in kinds) if kinds else 0
    balanced = config.balance and len(kinds) > 1
    limit = min(config.max_per_question, least) if balanced else config.max_per_question
    reason = (
        f"more than the {limit} that every kind has"
        if limit < config.max_per_question
        else f"more than {limit} of a kind"
    )
    counted: defaultdict[PathKind, int] = defaultdict(int)
    results = []
    for item in judged:
        if item.accepted:
            counted[item.draft.path] += 1
            if counted[item.draft.path] > limit:
                item = item.drop(Outcome.OVER_CAP, reason)
        results.append(item)
    return results
