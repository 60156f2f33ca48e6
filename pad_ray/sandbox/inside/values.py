"""A program's return value as short text, computed inside the child. The supervisor believes none of it unchecked.

Each function is bounded: no conversion of a huge integer, no text above `TEXT_CHARACTERS`, at most `CONTAINER_DEPTH`
containers unwrapped. What has no canonical text is sent as its type name alone.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

TEXT_CHARACTERS = 1000
NAME_CHARACTERS = 60
CONTAINER_DEPTH = 3
INTEGER_DIGITS = 40
INTEGER_BITS = 133  # of 10 ** 40: checked first, so that no huge integer is compared or printed
PLAIN, HUGE, NONE, OPAQUE = "v", "h", "n", "o"

Encoded = tuple[str, str, str]


def _name(value: object) -> str:
    """The name of a value's class, cut, without characters that a frame or a log could trip over."""
    return "".join(character for character in type(value).__name__[:NAME_CHARACTERS] if character.isidentifier())


def _integer(value: int, kind: str) -> Encoded:
    bits = int.bit_length(value)
    if bits > INTEGER_BITS or len((text := int.__repr__(value)).lstrip("-")) > INTEGER_DIGITS:
        return HUGE, kind, f"an integer of {bits} bits"
    return PLAIN, kind, text


def _ratio(numerator: int, denominator: int, kind: str) -> Encoded:
    bits = max(int.bit_length(numerator), int.bit_length(denominator))
    if bits > INTEGER_BITS:
        return HUGE, kind, f"a fraction of {bits} bits"
    return PLAIN, kind, f"{numerator}/{denominator}" if denominator != 1 else f"{numerator}"


def _symbolic(value: Any) -> Encoded:
    """A sympy object: exact where it is rational, else 15 digits; anything with a free symbol has no value."""
    kind = _name(value)
    sympy: Any = sys.modules["sympy"]
    if isinstance(value, sympy.logic.boolalg.BooleanAtom):
        return PLAIN, "bool", str(bool(value))
    if isinstance(value, sympy.Rational):
        return _ratio(int(value.p), int(value.q), kind)
    if isinstance(value, sympy.Expr) and value.is_number:
        number = value.evalf()
        if number.is_real or number.is_Float:
            return PLAIN, kind, float.__repr__(float(number))
    return OPAQUE, kind, ""


def _one_element(value: Any) -> Any:
    """The only element of a list, tuple, set, frozenset, sympy set or array; otherwise the value itself."""
    if isinstance(value, (list, tuple, set, frozenset)) and len(value) == 1:
        return next(iter(value))
    sympy: Any = sys.modules.get("sympy")
    if sympy is not None and isinstance(value, (sympy.FiniteSet, sympy.Tuple)) and len(value) == 1:
        return next(iter(value))
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, (numpy.generic, numpy.ndarray)) and value.size == 1:
        return value.item()
    return value


def _scalar(value: Any) -> Encoded:
    """Subclasses count as the type that they extend; its own methods are called, never an override."""
    if isinstance(value, bool):
        return PLAIN, "bool", "True" if value else "False"
    if isinstance(value, int):
        return _integer(value, "int")
    if isinstance(value, float):
        return PLAIN, "float", float.__repr__(value)
    if isinstance(value, str):
        return PLAIN, "str", str.__getitem__(value, slice(TEXT_CHARACTERS))
    fractions: Any = sys.modules.get("fractions")
    if fractions is not None and isinstance(value, fractions.Fraction):
        return _ratio(value.numerator, value.denominator, "Fraction")
    decimal: Any = sys.modules.get("decimal")
    if decimal is not None and isinstance(value, decimal.Decimal):
        return PLAIN, "Decimal", decimal.Decimal.__str__(value)[:TEXT_CHARACTERS]
    sympy: Any = sys.modules.get("sympy")
    if sympy is not None and isinstance(value, sympy.Basic):
        return _symbolic(value)
    return OPAQUE, _name(value), ""


def encode(value: Any) -> Encoded:
    """(code, type name, text) of a return value; codes are PLAIN, HUGE, NONE and OPAQUE."""
    for _ in range(CONTAINER_DEPTH):
        inner = _one_element(value)
        if inner is value:
            break
        value = inner
    if value is None:
        return NONE, "NoneType", ""
    return _scalar(value)


def describe(error: BaseException) -> tuple[str, str]:
    """(the built-in class that decides the outcome, the last line of the traceback) of what a program raised."""
    decisive = "Exception"
    for base in (
        UnboundLocalError,
        NameError,
        TypeError,
        ZeroDivisionError,
        MemoryError,
        SyntaxError,
        ImportError,
        PermissionError,
    ):
        if isinstance(error, base):
            decisive = base.__name__
            break
    name = _name(error)
    text = str(error)[:TEXT_CHARACTERS]
    return decisive, f"{name}: {text}"[:TEXT_CHARACTERS] if text else name
