"""How hypotheses of different length are compared.

Log probabilities and log scores are at most 0, so that a sum of them over lines prefers whatever has few lines: with
S = 0.8 a line, two lines lose 0.45 nats and six lose 1.34, however right they are.
"""

from dataclasses import dataclass, replace
from typing import Literal

Score = Literal["sum", "mean", "length"]
LENGTH_EXPONENT = 0.6
"""Of the length penalty of Wu et al. 2016 (1609.08144, equation 14)."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for a hypothesis: log p summed over `units` (lines or tokens), and log S summed over scored lines."""

    likelihood: float = 0.0
    units: int = 0
    verified: float = 0.0
    lines: int = 0

    def with_likelihood(self, likelihood: float, units: int = 1) -> "Evidence":
        """The evidence with `units` more, whose log p is `likelihood`."""
        return replace(self, likelihood=self.likelihood + likelihood, units=self.units + units)

    def with_line(self, log_score: float) -> "Evidence":
        """The evidence with one more scored line."""
        return replace(self, verified=self.verified + log_score, lines=self.lines + 1)

    def score(self, how: Score, weight: float) -> float:
        """What a hypothesis is ranked by.

        `sum` is PaD's: Σ log p + λ Σ log S. `mean` divides each part by its own number of units and lines. `length` divides
        the sum by ((5 + units) / 6) ** 0.6.
        """
        if how == "mean":
            return self.likelihood / max(1, self.units) + weight * self.verified / max(1, self.lines)
        total = self.likelihood + weight * self.verified
        return total / ((5 + self.units) / 6) ** LENGTH_EXPONENT if how == "length" else total


NOTHING = Evidence()
