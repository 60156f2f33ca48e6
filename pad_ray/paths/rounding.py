"""Whether a stated number is a value, exactly or rounded."""

import re
from fractions import Fraction

from pad_ray.paths.arithmetic import evaluate, normal

EXACT_DECIMALS = 4
"""A calculator shows a value with no more decimals than these as it is."""
ROUNDED_DECIMALS = 2
"""A calculator keeps at least these of a value that it rounds."""
MIN_SIGNIFICANT_DIGITS = 2
"""Of a rounded value: 0.00 for 0.004 states nothing."""
NOISE = Fraction(1, 10**9)
"""Of binary fractions that a text shows whole, relative to the value: 0.1 + 0.2 = 0.30000000000000004."""

_DECIMALS = re.compile(r"[0-9]*\.([0-9]+)")
_ONE_NUMBER = re.compile(r"[^0-9]*[0-9,]*\.?[0-9]*[^0-9]*")


def states(stated: str, value: Fraction) -> bool:
    """Whether a text states that value. 60 % may state 0.6 and, as the result of 100-40, 60.

    Raises:
        NotArithmeticError: the text is no arithmetic.
        NoValueError: it has no value.
    """
    return claims(evaluate(stated), normal(stated), value)


def claims(claim: Fraction, text: str, value: Fraction) -> bool:
    """Whether a claim, written as `text`, is the value."""
    decimals = stated_decimals(text)
    if "%" not in text:
        return is_value(claim, decimals, value)
    return is_value(claim, decimals + 2, value) or is_value(100 * claim, decimals, value)


def stated_decimals(text: str) -> int:
    """The decimals of a text that holds one number; 0 if it holds a calculation, whose value is exact."""
    found = _DECIMALS.search(text)
    return len(found[1]) if found and _ONE_NUMBER.fullmatch(text) else 0


def is_value(claim: Fraction, decimals: int, value: Fraction) -> bool:
    """Whether a number stated with so many decimals is the value, exactly or as its rounding."""
    error = abs(claim - value)
    if error <= NOISE * abs(value):
        return True
    enough = abs(claim) * 10**decimals >= 10 ** (MIN_SIGNIFICANT_DIGITS - 1)
    return decimals > 0 and enough and 2 * error * 10**decimals <= 1
