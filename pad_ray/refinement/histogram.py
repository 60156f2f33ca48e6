"""The frequency of each class of error, in a student's failures and in injected variants."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from pad_ray.refinement.mutations import CLASSES
from pad_ray.run.records import ErrorShare
from pad_ray.schema import Outcome


@dataclass(frozen=True)
class SideBySide:
    """Shares in descending order of the student's, and half the sum of their differences: 0 if equal, 1 if disjoint."""

    shares: tuple[ErrorShare, ...]
    total_variation: float
    student_failures: int
    injected_variants: int


def mix_from(outcomes: Mapping[Outcome, int] | Iterable[Outcome], smoothing: float) -> dict[Outcome, float]:
    """The share of each class that mutations can cause, from a student's measured outcomes; the shares add up to 1.

    Additive smoothing adds `smoothing` failures to each class, so that classes without an observed failure are taught too.
    Outcomes at which no mutation aims are omitted; `side_by_side` shows them.

    Raises:
        ValueError: `smoothing` is negative, or is 0 and the student has no failure of these classes.
    """
    if smoothing < 0:
        raise ValueError(f"smoothing is {smoothing}; it must be at least 0")
    counts = Counter(outcomes)
    weights = {outcome: counts[outcome] + smoothing for outcome in CLASSES}
    total = sum(weights.values())
    if total == 0:
        raise ValueError("the student has no failure that a mutation can imitate; give a smoothing above 0")
    return {outcome: weight / total for outcome, weight in weights.items()}


def side_by_side(
    student: Mapping[Outcome, int] | Iterable[Outcome], injected: Mapping[Outcome, int] | Iterable[Outcome]
) -> SideBySide:
    """Compare real outcomes. Accepted programs and faults of the infrastructure are not errors and do not count."""
    left, right = _failures(student), _failures(injected)
    shares = [
        ErrorShare(
            outcome=outcome,
            student=left[outcome] / max(1, left.total()),
            injected=right[outcome] / max(1, right.total()),
        )
        for outcome in Outcome
        if left[outcome] or right[outcome]
    ]
    distance = sum(abs(share.student - share.injected) for share in shares) / 2
    ordered = sorted(shares, key=lambda share: (-share.student, -share.injected))
    return SideBySide(tuple(ordered), distance, left.total(), right.total())


def _failures(outcomes: Mapping[Outcome, int] | Iterable[Outcome]) -> Counter[Outcome]:
    counts = Counter(outcomes)
    return Counter({one: n for one, n in counts.items() if one is not Outcome.ACCEPTED and not one.is_fault})
