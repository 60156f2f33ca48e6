"""The outcomes of a run's solutions in a few classes of errors, such as wrong values, crashes and limits."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from pad_ray.evaluation.intervals import Interval, wilson
from pad_ray.schema import Outcome


class ErrorClass(StrEnum):
    """Classes of outcomes, from correct solutions to faults of the infrastructure."""

    RIGHT = "right"
    WRONG_VALUE = "wrong_value"
    CRASH = "crash"
    LIMIT = "limit"
    FORBIDDEN = "forbidden"
    NO_USABLE_ANSWER = "no_usable_answer"
    LEFT_OUT = "left_out"
    FAULT = "fault"


MEMBERS: dict[ErrorClass, tuple[Outcome, ...]] = {
    ErrorClass.RIGHT: (Outcome.ACCEPTED,),
    ErrorClass.WRONG_VALUE: (Outcome.WRONG_ANSWER,),
    ErrorClass.CRASH: (
        Outcome.SYNTAX_ERROR,
        Outcome.NAME_ERROR,
        Outcome.UNBOUND_LOCAL,
        Outcome.TYPE_ERROR,
        Outcome.ZERO_DIVISION,
        Outcome.OTHER_EXCEPTION,
    ),
    ErrorClass.LIMIT: (Outcome.TIMEOUT, Outcome.MEMORY_LIMIT, Outcome.OUTPUT_LIMIT),
    ErrorClass.FORBIDDEN: (Outcome.FORBIDDEN,),
    ErrorClass.NO_USABLE_ANSWER: (Outcome.NO_ANSWER, Outcome.NOT_COMPARABLE, Outcome.TRUNCATED),
    ErrorClass.LEFT_OUT: (Outcome.HARD_CODED, Outcome.DUPLICATE, Outcome.OVER_CAP, Outcome.CONTAMINATED),
    ErrorClass.FAULT: (Outcome.ENGINE_FAULT, Outcome.SANDBOX_FAULT),
}
"""Each outcome is in exactly one class. `LEFT_OUT` holds rules of the corpus, which do not apply to solutions."""


@dataclass(frozen=True)
class ClassShare:
    """One class of a run.

    Attributes:
        error: the class.
        count: number of solutions in the class.
        share: of all solutions of the run, 0 to 1.
        interval: of the share, Wilson's at 95 %; too narrow if a question has several solutions.
        outcomes: count by outcome, most frequent first; only outcomes that occur.
    """

    error: ErrorClass
    count: int
    share: float
    interval: Interval
    outcomes: dict[str, int]


@dataclass(frozen=True)
class Taxonomy:
    """All solutions of a run by class.

    Attributes:
        solutions: number of solutions.
        classes: every class, including empty ones, in the order of `ErrorClass`; their counts add up to `solutions`.
    """

    solutions: int
    classes: tuple[ClassShare, ...]

    def count(self, error: ErrorClass) -> int:
        """The number of solutions in a class."""
        return next(share.count for share in self.classes if share.error is error)


def taxonomy(outcomes: Iterable[Outcome]) -> Taxonomy:
    """Sort outcomes into classes. Raises ValueError without outcomes."""
    counts = Counter(outcomes)
    if not counts:
        raise ValueError("no outcomes to sort into classes")
    return Taxonomy(counts.total(), tuple(_share(error, counts) for error in ErrorClass))


def _share(error: ErrorClass, counts: Counter[Outcome]) -> ClassShare:
    outcomes = Counter({outcome.value: counts[outcome] for outcome in MEMBERS[error] if counts[outcome]})
    count = outcomes.total()
    return ClassShare(error, count, count / counts.total(), wilson(count, counts.total()), dict(outcomes.most_common()))
