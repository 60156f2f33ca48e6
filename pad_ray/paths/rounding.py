"""Whether a stated number equals a value, exactly or rounded."""

import re
from fractions import Fraction

from pad_ray.paths.arithmetic import evaluate, normal

EXACT_DECIMALS = 4
"""A calculator shows a value with at most this number of decimals unrounded."""
ROUNDED_DECIMALS = 2
"""A calculator rounds to at least this number of decimals."""
MIN_SIGNIFICANT_DIGITS = 2
"""Minimum for a rounded value: 0.00 for 0.004 states nothing."""
NOISE = Fraction(1, 10**9)
"""Relative error of binary floats printed in full: 0.1 + 0.2 = 0.30000000000000004."""

_DECIMALS = re.compile(r"[0-9]*\.([0-9]+)")
_ONE_NUMBER = re.compile(r"[^0-9]*[0-9,]*\.?[0-9]*[^0-9]*")


def states(stated: str, value: Fraction) -> bool:
    """Whether a text states a value. 60 % may state 0.6, or 60 as the result of 100-40.

    Raises:
        NotArithmeticError: the text is not arithmetic.
        NoValueError: it has no value.
    """
    return claims(evaluate(stated), normal(stated), value)


def claims(claim: Fraction, text: str, value: Fraction) -> bool:
    """Whether a claim, written as `text`, equals the value."""
    decimals = stated_decimals(text)
    if "%" not in text:
        return is_value(claim, decimals, value)
    return is_value(claim, decimals + 2, value) or is_value(100 * claim, decimals, value)


def stated_decimals(text: str) -> int:
    """The number of decimals of a text with one number; 0 for a calculation, whose value is exact."""
    match = _DECIMALS.search(text)
    return len(match[1]) if match and _ONE_NUMBER.fullmatch(text) else 0


def is_value(claim: Fraction, decimals: int, value: Fraction) -> bool:
    """Whether a number stated with `decimals` decimals equals the value, exactly or rounded."""
    error = abs(claim - value)
    if error <= NOISE * abs(value):
        return True
    enough = abs(claim) * 10**decimals >= 10 ** (MIN_SIGNIFICANT_DIGITS - 1)
    return decimals > 0 and enough and 2 * error * 10**decimals <= 1
