"""Convert values to text for the page: numbers, and untrusted text from data."""

import math
import re
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers.python import PythonLexer

from pad_ray.run.records import Interval

LONGEST_TEXT = 3000
"""Maximum characters of one text from data on the page; drafts can be of any length."""

# Control and surrogate characters make HTML invalid; bidirectional ones can disguise a program (CVE-2021-42574).
_CONTROL = "\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff"
_DIRECTION = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_UNSEEN = re.compile(f"[{_CONTROL}{_DIRECTION}]")
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_PYTHON = PythonLexer(stripnl=False, ensurenl=False)
_MARKED = "hll"
"""The CSS class of a path's failing line, as in pygments."""


def clean(value: Any) -> Any:
    """Replace invisible characters by their code points; values that are not plain text are returned unchanged."""
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return _UNSEEN.sub(lambda match: f"⟨U+{ord(match.group()):04X}⟩", value.replace("\r\n", "\n"))


def shorten(text: str, longest: int = LONGEST_TEXT) -> str:
    if len(text) <= longest:
        return text
    return f"{text[:longest]}\n… {len(text) - longest:,} more characters"


def weight(text: str, longest: int = LONGEST_TEXT) -> int:
    """Bytes of a text on the page, after it is cut, cleaned and escaped."""
    return len(str(escape(clean(shorten(text, longest)))).encode())


def program(text: str, line: int | None = None) -> Markup:
    """A Python program as spans with pygments' classes; pygments escapes the text. `line` (from 1) is marked."""
    spans = HtmlFormatter(nowrap=True, hl_lines=[line] if line else [])
    return Markup(highlight(clean(shorten(text)), _PYTHON, spans))


def lines(text: str, line: int | None = None) -> Markup:
    """Escaped text other than a program; `line` (from 1) is marked."""
    escaped = [escape(part) for part in clean(shorten(text)).split("\n")]
    if line and line <= len(escaped):
        escaped[line - 1] = Markup('<span class="{}">{}</span>').format(_MARKED, escaped[line - 1])
    return Markup("\n").join(escaped)


def words(name: str) -> str:
    return name.replace("_", " ")


def count(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def percent(fraction: float | None) -> str:
    return "–" if fraction is None or not math.isfinite(fraction) else f"{100 * fraction:.1f}\u00a0%"


def percent_interval(interval: Interval | None) -> str:
    return "–" if interval is None else f"{100 * interval[0]:.1f}–{100 * interval[1]:.1f}\u00a0%"


def points(fraction: float) -> str:
    """A difference of two percentages, with its sign."""
    return f"{100 * fraction:+.1f}".replace("-", "−")


def points_interval(interval: Interval | None) -> str:
    return "–" if interval is None else f"{points(interval[0])} to {points(interval[1])}"


def p_value(value: float | None) -> str:
    if value is None or not math.isfinite(value):
        return "p not given"
    if value >= 0.001:
        return f"p\u00a0=\u00a0{value:.3f}"
    if value < 1e-300:
        return "p\u00a0<\u00a010⁻³⁰⁰"
    mantissa, exponent = f"{value:.1e}".split("e")
    return f"p\u00a0=\u00a0{mantissa}\u00a0×\u00a010{str(int(exponent)).translate(_SUPERSCRIPT)}"


def duration(seconds: float | None) -> str:
    if seconds is None or not math.isfinite(seconds):
        return "–"
    if seconds < 59.95:
        return f"{seconds:.1f}\u00a0s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes}\u00a0min {rest:02d}\u00a0s"
    return f"{minutes // 60}\u00a0h {minutes % 60:02d}\u00a0min"


def moment(iso: str) -> str:
    """A time in UTC to the minute; text that is not an ISO 8601 time is returned unchanged."""
    try:
        when = datetime.fromisoformat(iso)
    except ValueError:
        return iso
    zone = " UTC" if when.tzinfo else ""
    return f"{when.astimezone(UTC) if zone else when:%Y-%m-%d %H:%M}{zone}"
