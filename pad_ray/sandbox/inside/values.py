"""Converts a program's return value to short text, inside the child. The supervisor checks all of it.

Each function is bounded: huge integers are not converted, no text exceeds `TEXT_CHARACTERS`, and at most `CONTAINER_DEPTH`
containers are unwrapped. Of a value without canonical text, only the type name is sent.
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
INTEGER_BITS = 133  # bits of 10 ** 40; checked first, so that huge integers are never compared or printed
PLAIN, HUGE, NONE, OPAQUE = "v", "h", "n", "o"

Encoded = tuple[str, str, str]


def _name(value: object) -> str:
    """The truncated name of a value's class, without characters that could corrupt a frame or a log."""
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
    """A sympy object: exact if it is rational, else with 15 digits; an expression with a free symbol has no value."""
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
    """Encode a value by its built-in base type, whose own methods are called, never an override."""
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
    """(code, type name, text) of a return value; the code is PLAIN, HUGE, NONE or OPAQUE."""
    for _ in range(CONTAINER_DEPTH):
        inner = _one_element(value)
        if inner is value:
            break
        value = inner
    if value is None:
        return NONE, "NoneType", ""
    return _scalar(value)


def describe(error: BaseException) -> tuple[str, str]:
    """(built-in class that decides the outcome, last line of the traceback) of an exception of the program."""
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
