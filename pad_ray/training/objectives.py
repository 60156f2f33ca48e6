"""What each row of a step weighs in the loss, and the loss of a step by objective.

One loop trains all objectives: they differ in their rows' sources and targets, and in these weights alone.
"""

from collections.abc import Sequence

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


def token_weights(tokens: Counts, rationale_weight: float | None) -> Numbers:
    """The weight of one target token by objective code, in a step with so many target tokens of each objective.

    Mixed Distillation (arXiv 2312.10730, section 3.2): L = lambda L_CoT + (1 - lambda) L_PoT, each a mean over its own
    tokens, so that long rationales do not drown short programs. All other objectives count to L_PoT. Where a step lacks
    one of them, the other keeps its share. Without a weight, the loss is the mean over all target tokens.
    """
    rationale = np.arange(len(OBJECTIVES)) == _RATIONALE
    if rationale_weight is None:
        return np.full(len(OBJECTIVES), 1.0 / max(1, tokens.sum()))
    return np.where(
        rationale,
        rationale_weight / max(1, tokens[rationale].sum()),
        (1.0 - rationale_weight) / max(1, tokens[~rationale].sum()),
    )


def tokens_by_objective(codes: npt.NDArray[np.int8], target_tokens: Counts) -> Counts:
    """Target tokens of some rows by objective code."""
    return np.bincount(codes, weights=target_tokens, minlength=len(OBJECTIVES)).astype(np.int64)


def losses(sums: Sequence[float], tokens: Counts, rationale_weight: float | None) -> dict[str, float]:
    """`loss`, and where there are several objectives `loss_<objective>`, of summed losses in nats by objective code."""
    summed = np.asarray(sums)
    found = {"loss": float(summed @ token_weights(tokens, rationale_weight))}
    present = np.flatnonzero(tokens)
    if len(present) > 1:
        found |= {f"loss_{OBJECTIVES[code]}": float(summed[code] / tokens[code]) for code in present}
    return found
