"""What each row of a step weighs in the loss, and the loss of a step by objective.

One loop trains all objectives: they differ in their rows' sources and targets, and in these weights alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from pad_ray.schema import Objective

OBJECTIVES = tuple(Objective)
"""An objective's place here is its code in arrays."""

CODES = {objective.value: code for code, objective in enumerate(OBJECTIVES)}
_RATIONALE = CODES[Objective.RATIONALE]
_PROGRAM = CODES[Objective.PROGRAM]

Counts = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.float64]


def is_mixed(codes: npt.NDArray[np.int8]) -> bool:
    """True where rows teach both programs and rationales."""
    return bool(np.any(codes == _RATIONALE) and np.any(codes == _PROGRAM))


@dataclass(frozen=True)
class Weighing:
    """What objectives weigh: `rationale` is Mixed Distillation's lambda, None if nothing is mixed.

    `objectives` are the weights of those that are neither programs nor rationales; one that is not named weighs 1.
    """

    rationale: float | None = None
    objectives: Mapping[Objective, float] = field(default_factory=dict)

    @property
    def each(self) -> Numbers:
        """The weight of each objective by its code."""
        return np.array([self.objectives.get(objective, 1.0) for objective in OBJECTIVES])


def token_weights(tokens: Counts, weighing: Weighing) -> Numbers:
    """The weight of one target token by objective code, in a step with so many target tokens of each objective.

    The loss is the mean over target tokens, in which a token counts as often as its objective weighs. Mixed Distillation
    (arXiv 2312.10730, section 3.2) then divides the share that programs and rationales have in it: lambda L_CoT +
    (1 - lambda) L_PoT, each a mean over its own tokens, so that long rationales do not drown short programs. Other
    objectives keep their share. If a step lacks one of the two, the other keeps its part.
    """
    counted = tokens * weighing.each
    weights = weighing.each / (counted.sum() or 1.0)
    if weighing.rationale is not None:
        share = counted[[_RATIONALE, _PROGRAM]].sum() / (counted.sum() or 1.0)
        weights[_RATIONALE] = weighing.rationale * share / max(1, tokens[_RATIONALE])
        weights[_PROGRAM] = (1.0 - weighing.rationale) * share / max(1, tokens[_PROGRAM])
    return weights


def tokens_by_objective(codes: npt.NDArray[np.int8], target_tokens: Counts) -> Counts:
    """Target tokens of some rows by objective code."""
    return np.bincount(codes, weights=target_tokens, minlength=len(OBJECTIVES)).astype(np.int64)


def losses(sums: Sequence[float], tokens: Counts, weighing: Weighing) -> dict[str, float]:
    """`loss`, and if there are several objectives `loss_<objective>`, of summed losses in nats by objective code."""
    summed = np.asarray(sums)
    found = {"loss": float(summed @ token_weights(tokens, weighing))}
    present = np.flatnonzero(tokens)
    if len(present) > 1:
        found |= {f"loss_{OBJECTIVES[code]}": float(summed[code] / tokens[code]) for code in present}
    return found
