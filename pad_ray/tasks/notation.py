"""Ways in which people and models write a number, turned into the one plain way that `pad_ray.tasks.answers` reads.

Only what has one reading is rewritten: digits of other scripts, typographic minus signs, spaces and slashes, invisible
characters, `½`, `1'000`, `1.5 × 10³`, `2 million`, `18k`, `minus 5`, and of LaTeX `\\frac{1}{2}`, `{,}`, `\\$` and `\\%`.
Nothing is computed beyond an exponent, and every pattern is linear in the text.
"""

import re
import unicodedata

_SEPARATORS = "'’\u00a0\u2009\u202f"
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_CHARACTERS = str.maketrans(
    {
        **dict.fromkeys("−–‐‑﹣－", "-"),
        **dict.fromkeys("\u200b\u200c\u200d\u200e\u200f\u2060\ufeff", ""),
        **dict.fromkeys("⁄∕／", "/"),
        **dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u200a\u202f\u3000", " "),
        "，": ",",
        "．": ".",
        "％": "%",
        "＄": "$",
        "＋": "+",
    }
)
_EXPONENTS = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}

_DIGIT = re.compile(r"[^\D0-9]")
_GROUPED = re.compile(rf"(?<![\w.,{_SEPARATORS}])[1-9][0-9]{{0,2}}(?:[{_SEPARATORS}][0-9]{{3}})+(?![0-9{_SEPARATORS}])")
_VULGAR = re.compile(r"([0-9]?)([¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞])")
_LATEX_FRACTION = re.compile(r"([0-9]?)\\[dt]?frac\{([0-9]{1,20})\}\{([0-9]{1,20})\}")
_SUPERSCRIPT_POWER = re.compile(r"(?<=10)([⁺⁻]?[⁰¹²³⁴-⁹]{1,2})(?![⁰¹²³⁴-⁹])")
_TIMES_POWER = re.compile(
    r"(?<=[0-9]) ?(?:[x×*·⋅]|\\times|\\cdot) ?10 ?(?:\^|\*\*) ?(?:\{([+-]?[0-9]{1,2})\}|([+-]?[0-9]{1,2})(?![0-9.^*]))"
)
_POWER = re.compile(r"(?<![\w.,^/*])10\^(?:\{([+-]?[0-9]{1,2})\}|([+-]?[0-9]{1,2})(?![0-9.^*]))")
_SCALE = re.compile(rf"(?<=[0-9])((?: ?(?:{'|'.join(_EXPONENTS)})s?\b){{1,4}})", re.IGNORECASE)
_MINUS = re.compile(r"\b(?:minus|negative) (?=[$0-9])", re.IGNORECASE)
_KILO = re.compile(r"(?<=[0-9])[kK]\b")


def plain(text: str) -> str:
    """The text with every number in the plain way of writing; what is no such number stays as it is."""
    if not text.isascii():
        text = _DIGIT.sub(lambda found: str(unicodedata.decimal(found[0])), text)
    text = _GROUPED.sub(lambda found: re.sub(f"[{_SEPARATORS}]", "", found[0]), text)
    if not text.isascii():
        text = _ascii(text)
    text = text.replace("{,}", ",").replace("\\$", "$").replace("\\%", "%")
    text = _LATEX_FRACTION.sub(lambda found: f"{_apart(found[1])}{found[2]}/{found[3]}", text)
    text = _TIMES_POWER.sub(_exponent, text)
    text = _POWER.sub(lambda found: f"1{_exponent(found)}", text)
    return _MINUS.sub("-", _KILO.sub("e3", _SCALE.sub(_scale, text)))


def _ascii(text: str) -> str:
    text = _VULGAR.sub(lambda found: _apart(found[1]) + unicodedata.normalize("NFKC", found[2]), text)
    text = _SUPERSCRIPT_POWER.sub(lambda found: "^" + found[1].translate(_SUPERSCRIPTS), text)
    return text.translate(_CHARACTERS)


def _apart(digit: str) -> str:
    """The digit before a fraction, with the space that a mixed number has."""
    return f"{digit} " if digit else ""


def _exponent(found: re.Match[str]) -> str:
    return f"e{found[1] or found[2]}"


def _scale(found: re.Match[str]) -> str:
    words = re.findall("|".join(_EXPONENTS), found[1].lower())
    return f"e{sum(_EXPONENTS[word] for word in words)}"
