"""The weight of each objective in the loss of a step, and the loss by objective.

One loop trains all objectives: they differ only in these weights and in their rows' sources and targets.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pad_ray.schema import Objective

OBJECTIVES = tuple(Objective)
"""An objective's index in this tuple is its code in arrays."""

CODES = {objective.value: code for code, objective in enumerate(OBJECTIVES)}
_RATIONALE = CODES[Objective.RATIONALE]
_PROGRAM = CODES[Objective.PROGRAM]

Counts = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]


def is_mixed(codes: npt.NDArray[np.int8]) -> bool:
    """True if rows teach both programs and rationales."""
    return bool(np.any(codes == _RATIONALE) and np.any(codes == _PROGRAM))


@dataclass(frozen=True)
class ObjectiveWeights:
    """The weights of objectives: `rationale` is lambda of Mixed Distillation, None if the corpus is not mixed.

    `objectives` gives the weights of objectives other than programs and rationales; the default is 1.
    """

    rationale: float | None = None
    objectives: Mapping[Objective, float] = field(default_factory=dict)

    @property
    def each(self) -> Numbers:
        """The weight of each objective by its code."""
        return np.array([self.objectives.get(objective, 1.0) for objective in OBJECTIVES])


def token_weights(tokens: Counts, weighing: ObjectiveWeights) -> Numbers:
    """The weight of one target token by objective code; `tokens` are the step's target tokens of each objective.

    The loss is the mean over target tokens, weighted by objective. Mixed Distillation (arXiv 2312.10730, section 3.2) then
    splits the share of programs and rationales: lambda L_CoT + (1 - lambda) L_PoT, each a mean over its own tokens, so that
    long rationales do not outweigh short programs. Other objectives keep their share. If a step lacks one of the two, the
    other still gets only its part.
    """
    counted = tokens * weighing.each
    weights = weighing.each / (counted.sum() or 1.0)
    if weighing.rationale is not None:
        share = counted[[_RATIONALE, _PROGRAM]].sum() / (counted.sum() or 1.0)
        weights[_RATIONALE] = weighing.rationale * share / max(1, tokens[_RATIONALE])
        weights[_PROGRAM] = (1.0 - weighing.rationale) * share / max(1, tokens[_PROGRAM])
    return weights


def tokens_by_objective(codes: npt.NDArray[np.int8], target_tokens: Counts) -> Counts:
    """The number of target tokens by objective code."""
    return np.bincount(codes, weights=target_tokens, minlength=len(OBJECTIVES)).astype(np.int64)


def losses(sums: Sequence[float], tokens: Counts, weighing: ObjectiveWeights) -> dict[str, float]:
    """`loss`, and `loss_<objective>` if there are several objectives, from summed losses in nats by objective code."""
    summed = np.asarray(sums)
    named = {"loss": float(summed @ token_weights(tokens, weighing))}
    present = np.flatnonzero(tokens)
    if len(present) > 1:
        named |= {f"loss_{OBJECTIVES[code]}": float(summed[code] / tokens[code]) for code in present}
    return named
