"""Which of a question's accepted drafts are kept: filters that look at the question, or across its drafts."""

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

# Outcomes that only this step gives: the drafts were accepted one by one.
DROPPED = (Outcome.DUPLICATE, Outcome.OVER_CAP, Outcome.CONTAMINATED)


@dataclass(frozen=True)
class Judged:
    """A draft, what happened to it, and its path as it is taught."""

    draft: Draft
    verdict: Verdict
    text: str

    @property
    def accepted(self) -> bool:
        return self.verdict.outcome is Outcome.ACCEPTED

    def drop(self, outcome: Outcome, feedback: str) -> "Judged":
        """The same draft, left out for a reason."""
        return replace(self, verdict=replace(self.verdict, outcome=outcome, feedback=feedback[:FEEDBACK_CHARACTERS]))

    def fault(self, reason: str) -> "Judged":
        """The same draft, left out since it breaks what builds the corpus."""
        return self.drop(Outcome.SANDBOX_FAULT, f"building the corpus failed: {reason}")


def select(question: Question, judged: Sequence[Judged], config: CorpusConfig, overlap: Overlap | None) -> list[Judged]:
    """All drafts of a question in their order; accepted ones that are not kept get the outcome that says why.

    In this order: a test question in disguise, no answer to trust, too easy or too hard, too long, a duplicate, more than
    the cap, more than the other kinds have (Mixed Distillation, arXiv 2312.10730).
    """
    chosen = list(judged)
    if overlap is not None:
        apart = ", numbers and names apart," if overlap.masked else ""
        said = "is" if overlap.exact else f"shares {overlap.share:.0%} of its n-grams{apart} with"
        test = f"the {overlap.task} test question {overlap.question_id}"
        return _drop_all(chosen, Outcome.CONTAMINATED, f"the question {said} {test}")
    if not question.gold:
        chosen = _majority(question.answer_kind, chosen, config.majority_share)
    rate = sum(item.accepted for item in chosen) / max(1, len(chosen))
    if not config.min_pass_rate <= rate <= config.max_pass_rate:
        return _drop_all(chosen, Outcome.OVER_CAP, f"the teacher solves {rate:.0%} of this question's drafts")
    if config.max_characters is not None:
        limit = config.max_characters
        chosen = [
            item.drop(Outcome.OVER_CAP, f"longer than {limit} characters")
            if item.accepted and len(item.text) > limit
            else item
            for item in chosen
        ]
    return _cap(_distinct(chosen), config)


def _drop_all(judged: list[Judged], outcome: Outcome, feedback: str) -> list[Judged]:
    return [item.drop(outcome, feedback) if item.accepted else item for item in judged]


def _majority(kind: AnswerKind, judged: list[Judged], share: float | None) -> list[Judged]:
    """Without gold, the answer of most drafts is taken for right if enough of them give it; equal answers are one answer."""
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


def _distinct(judged: list[Judged]) -> list[Judged]:
    seen: set[tuple[PathKind, str]] = set()
    kept = []
    for item in judged:
        kept.append(attempt(lambda item=item: _unless_seen(item, seen), item.fault) if item.accepted else item)  # type: ignore[misc]
    return kept


_SHAPES: dict[PathKind, Callable[[str], str]] = {
    PathKind.PROGRAM: normalised_program_hash,
    PathKind.RATIONALE: shape,
    PathKind.SOCRATIC: socratic_shape,
}
"""What a path is known by: two of the same are duplicates."""


def _unless_seen(item: Judged, seen: set[tuple[PathKind, str]]) -> Judged:
    key = item.draft.path, _SHAPES[item.draft.path](item.text)
    if key in seen:
        return item.drop(Outcome.DUPLICATE, f"same {item.draft.path.value} as an earlier draft")
    seen.add(key)
    return item


def _cap(judged: list[Judged], config: CorpusConfig) -> list[Judged]:
    """At most `max_per_question` of each kind, and with `balance` as many of each kind as of the rarest."""
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
    kept = []
    for item in judged:
        if item.accepted:
            counted[item.draft.path] += 1
            if counted[item.draft.path] > limit:
                item = item.drop(Outcome.OVER_CAP, reason)
        kept.append(item)
    return kept
