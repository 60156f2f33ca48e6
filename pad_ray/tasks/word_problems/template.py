"""A template of word problems: its wording, how its numbers are drawn, its answer and its reference program."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from random import Random

from pad_ray.tasks.word_problems.words import draw_words

Number = int | float | Fraction
Roll = Callable[[int, int], int]
"""Draws an integer between two bounds, both included."""


class Family(StrEnum):
    """The topic of a template."""

    RATES = "rates"
    SHARES = "shares"
    PERCENTAGES = "percentages"
    COMPARISONS = "comparisons"
    TIME = "time"
    MONEY = "money"
    SETS = "sets"
    DISTRACTORS = "distractors"


@dataclass(frozen=True, slots=True)
class Template:
    """A word problem with placeholders for numbers and words.

    `draw` returns the numbers in the text: integers, or floats that are multiples of a quarter and thus exact.
    `solve` computes the answer from them, independently of text and program. `program` is the body of the reference
    program; `steps` counts its calculating statements. `unused` names the numbers that only distract. `whole` requires
    an integer answer; otherwise the answer has at most two decimals.
    """

    name: str
    family: Family
    steps: int
    text: str
    draw: Callable[[Roll], dict[str, int | float]]
    solve: Callable[..., Number]
    program: str
    unused: tuple[str, ...] = ()
    whole: bool = True

    def numbers(self, random: Random) -> tuple[dict[str, int | float], Fraction] | None:
        """Drawn numbers and their answer; None if the answer is not positive or has too many decimals."""
        numbers = self.draw(random.randint)
        answer = Fraction(self.solve(**numbers))
        unit = 1 if self.whole else 100
        return (numbers, answer) if answer > 0 and (answer * unit).denominator == 1 else None

    def write(self, numbers: dict[str, int | float], random: Random) -> str:
        """The question's text with these numbers and randomly drawn names, things and places."""
        return self.text.format(**numbers, **draw_words(random))

    def reference_program(self, numbers: dict[str, int | float]) -> str:
        """A `solution()` in the project's format that computes the answer, up to floating-point rounding."""
        body = self.program.strip("\n").format(**numbers)
        return f"def solution():\n{body}\n    return result\n"


def quarters(roll: Roll, low: int, high: int) -> float:
    """An amount between `low` and `high` dollars, a multiple of a quarter and thus exact in binary."""
    return roll(4 * low, 4 * high) / 4
