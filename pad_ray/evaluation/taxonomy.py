"""The outcomes of a run's solutions in a few classes of errors, such as wrong values, crashes and limits."""

from collections import Counter
from collections.abc import Iterable

from pad_ray.evaluation.intervals import wilson
from pad_ray.run.records import ClassShare, ErrorClass, Taxonomy
from pad_ray.schema import Outcome

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


def taxonomy(outcomes: Iterable[Outcome]) -> Taxonomy:
    """Sort outcomes into classes. Raises ValueError without outcomes."""
    counts = Counter(outcomes)
    if not counts:
        raise ValueError("no outcomes to sort into classes")
    classes = tuple(_share(error, counts) for error in ErrorClass)
    return Taxonomy(solutions=counts.total(), classes=classes)


def _share(error: ErrorClass, counts: Counter[Outcome]) -> ClassShare:
    outcomes = Counter({outcome.value: counts[outcome] for outcome in MEMBERS[error] if counts[outcome]})
    count = outcomes.total()
    return ClassShare(
        error=error,
        count=count,
        share=count / counts.total(),
        interval=wilson(count, counts.total()),
        outcomes=dict(outcomes.most_common()),
    )
