"""Numbers: from text to an exact value, and back to canonical text.

A bounded regular expression reads a number; nothing is evaluated. Every value that `parse_number` reads has a canonical
text, which `parse_number` reads back as the same value.
"""

import re
from fractions import Fraction

from pad_ray.tasks.notation import plain

MAX_NUMBER_CHARACTERS = 100
MAX_DIGITS = 40
MAX_EXPONENT = 99
"""A number must be below 10**100 in absolute value, and either 0 or at least 10**-99."""

SPACE = " \t\r\n\f\v"
_WHOLE = r"(?:[1-9][0-9]{0,2}(?:,[0-9]{3})+|[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}|[1-9][0-9]{0,2}(?: [0-9]{3})+|[0-9]+)"
_NUMBER = re.compile(
    r"(?:(?P<sign>[+-])? ?(?:\$ ?)?|\$(?P<inner_sign>[+-]))"
    rf"(?:(?:(?P<units>[0-9]+) {{1,3}})?(?P<numerator>{_WHOLE})/(?P<denominator>[0-9]+)"
    rf"|(?:(?P<whole>{_WHOLE})(?:\.(?P<decimals>[0-9]*))?|\.(?P<only_decimals>[0-9]+))(?:[eE](?P<exponent>[+-]?[0-9]{{1,2}}))?)"
    r" ?[%$]?"
)


def parse_number(text: str) -> Fraction | None:
    """The number if the whole text is one, else None.

    Accepts a sign, `$`, well-formed thousands separators (1,000,000 and 10,00,000), decimals, `a/b`, `1 1/2`, an exponent of
    at most two digits, a trailing `%` (dropped: 50% is 50), and what `pad_ray.tasks.notation` turns into one of these. At
    most `MAX_NUMBER_CHARACTERS` characters and `MAX_DIGITS` digits.
    """
    if len(text) > MAX_NUMBER_CHARACTERS:
        return None
    if len(text) <= MAX_DIGITS and text.isdecimal() and text.isascii():
        return Fraction(int(text))
    match = _NUMBER.fullmatch(text.strip(SPACE)) or _NUMBER.fullmatch(plain(text).strip(SPACE))
    if match is None:
        return None
    value = _fraction(match) if match["numerator"] else _decimal(match)
    if value is None or not _in_range(value):
        return None
    return -value if (match["sign"] or match["inner_sign"]) == "-" else value


def _in_range(value: Fraction) -> bool:
    top = 10**MAX_EXPONENT
    return value == 0 or (value.denominator <= value.numerator * top and value.numerator < value.denominator * top * 10)


def _fraction(match: re.Match[str]) -> Fraction | None:
    numerator, denominator, units = _digits(match["numerator"]), match["denominator"], match["units"] or ""
    if len(units) + len(numerator) + len(denominator) > MAX_DIGITS or int(denominator) == 0:
        return None
    value = Fraction(int(numerator), int(denominator))
    if units:
        if not 0 < value < 1:
            return None
        value += int(units)
    return value if len(f"{value.numerator}{value.denominator}") <= MAX_DIGITS else None


def _digits(whole: str) -> str:
    return whole.replace(",", "").replace(" ", "")


def _decimal(match: re.Match[str]) -> Fraction | None:
    whole = _digits(match["whole"] or "")
    decimals = match["only_decimals"] or match["decimals"] or ""
    if len(whole) + len(decimals) > MAX_DIGITS:
        return None
    mantissa, power = int(whole + decimals), int(match["exponent"] or 0) - len(decimals)
    return Fraction(mantissa * 10**power) if power >= 0 else Fraction(mantissa, 10**-power)


def number_text(value: Fraction) -> str:
    """The canonical text of a number: an integer or a plain decimal of at most `MAX_DIGITS` digits, else with an exponent
    (1.5e50), and `a/b` if no decimal terminates within `MAX_DIGITS` digits."""
    if value.denominator == 1 and abs(value.numerator) < 10**MAX_DIGITS:
        return str(value.numerator)
    mantissa, power = _scientific(value)
    if mantissa is None:
        return str(value)
    sign, digits = "-" if mantissa < 0 else "", str(abs(mantissa))
    if power >= 0 and len(digits) + power <= MAX_DIGITS:
        return sign + digits + "0" * power
    if power < 0 and max(len(digits), 1 - power) <= MAX_DIGITS:
        digits = digits.rjust(1 - power, "0")
        return f"{sign}{digits[:power]}.{digits[power:]}"
    decimals = f".{digits[1:]}" if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{decimals}e{power + len(digits) - 1}"


def _scientific(value: Fraction) -> tuple[int | None, int]:
    """A mantissa that does not end in 0, and its power of ten; the mantissa is None if it would be too long."""
    places, rest = 0, value.denominator
    while rest % 10 == 0:
        places, rest = places + 1, rest // 10
    factor = 1
    for prime, other in ((2, 5), (5, 2)):
        while rest % prime == 0:
            places, rest, factor = places + 1, rest // prime, factor * other
    mantissa = value.numerator * factor
    if rest != 1 or abs(mantissa) >= 10 ** (MAX_DIGITS + 200):
        return None, 0
    power = -places
    while mantissa and mantissa % 10 == 0:
        mantissa, power = mantissa // 10, power + 1
    return (mantissa, power) if abs(mantissa) < 10**MAX_DIGITS else (None, 0)
