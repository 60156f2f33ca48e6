"""Ways in which people and models write a number, turned into the one plain way that `pad_ray.tasks.numbers` reads.

Only what has one reading is rewritten: digits of other scripts, typographic minus signs, spaces and slashes, invisible
characters, `½`, `1'000`, `1.5 × 10³`, `2 million`, `18k`, `$2M`, `minus 5`, `2 and a half`, and of LaTeX fractions,
spaces, operators, `\\text{…}`, `{,}`, `\\$` and `\\%`. Nothing is computed beyond an exponent, and every pattern is linear in
the text.
"""

import re
import unicodedata

from pad_ray.tasks import answer_words

_SEPARATORS = "'’\u00a0\u2009\u202f"
_SUPERSCRIPTS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻", "0123456789+-")
_CHARACTERS = str.maketrans(
    {
        **dict.fromkeys("−–‐‑﹣－", "-"),
        **dict.fromkeys("\u200b\u200c\u200d\u200e\u200f\u2060\u2066\u2067\u2068\u2069\ufeff", ""),
        **dict.fromkeys("⁄∕／", "/"),
        **dict.fromkeys("\u00a0\u2002\u2003\u2007\u2009\u200a\u202f\u3000", " "),
        "，": ",",
        "٬": ",",
        "．": ".",
        "٫": ".",
        "％": "%",
        "٪": "%",
        "＄": "$",
        "＋": "+",
        "＝": "=",
        "：": ":",
        "（": "(",
        "）": ")",
    }
)
_EXPONENTS = {"hundred": 2, "thousand": 3, "lakh": 5, "million": 6, "crore": 7, "billion": 9, "trillion": 12}
_OTHER_EXPONENTS = answer_words.scales()
_LETTER_EXPONENTS = {"M": "6", "B": "9", "bn": "9"}
_PARTS = {"half": "1/2", "quarter": "1/4", "third": "1/3"}

_DIGIT = re.compile(r"[^\D0-9]")
_GROUPED = re.compile(
    rf"[1-9](?<![\w.,{_SEPARATORS}].)[0-9]{{0,2}}(?:[{_SEPARATORS}][0-9]{{3}})+(?![0-9{_SEPARATORS}])"
)
_VULGAR = re.compile(r"([0-9]?)([¼½¾⅐⅑⅒⅓⅔⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞])")
_SUPERSCRIPT_POWER = re.compile(r"(?<=10)([⁺⁻]?[⁰¹²³⁴-⁹]{1,2})(?![⁰¹²³⁴-⁹])")
_TIMES_POWER = re.compile(
    r"(?<=[0-9]) ?[x×*·⋅] ?10 ?(?:\^|\*\*) ?(?:\{([+-]?[0-9]{1,2})\}|([+-]?[0-9]{1,2})(?![0-9.^*]))"
)
_POWER = re.compile(r"(?<![\w.,^/*])10\^(?:\{([+-]?[0-9]{1,2})\}|([+-]?[0-9]{1,2})(?![0-9.^*]))")
_SCALE = re.compile(rf"(?<=[0-9])((?: ?(?:{'|'.join(_EXPONENTS)})s?\b){{1,4}})", re.IGNORECASE)
# 3万 and 3 тысячи, but not 5千克, which are kilograms; in 3万5千 two numbers are added.
_OTHER_SCALE = re.compile(
    rf"(?<=[0-9]) ?({answer_words.any_of(_OTHER_EXPONENTS)})(?![克米瓦卡分]|[\u0400-\u097f])([0-9])?"
)
_KILO = re.compile(r"[kK](?<=[0-9].)\b")
# Only of money: 2M may be two of a variable M.
_MONEY = re.compile(r"(?<=[$£€¥₹])( ?[0-9][0-9,.]{0,20})(M|B|bn)(?![\w^-])")
_AND_PART = re.compile(r"(?<=[0-9]) and (?:a|one) (half|quarter|third)\b", re.IGNORECASE)
_MINUS = re.compile(r"\b(?:minus|negative) (?=[$0-9])", re.IGNORECASE)

_GROUP_SPACE = re.compile(r"(?<=[0-9])\\[,;:! ](?=[0-9]{3}(?![0-9]))")
_ARGUMENT = r"(?:\{{ {{0,3}}(?P<{0}>-?[0-9][0-9,]{{0,20}}) {{0,3}}\}}|(?P<{0}_digit>[0-9]))"
_FRACTION = re.compile(
    r"(?P<units>[0-9] ?)?\\[cdt]?frac {0,3}" + _ARGUMENT.format("above") + " {0,3}" + _ARGUMENT.format("below")
)
_ROOT = re.compile(r"\\sqrt {0,3}(?:\[[0-9]{1,3}\])?")
_DEGREES = re.compile(r"\^ ?(?:\\circ(?![A-Za-z])|\{ ?\\circ ?\})")
_COMMAND = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mathit|mathsf|mathbb|mbox|operatorname|left|right|displaystyle|quad"
    r"|qquad|times|cdot|div|pm|approx|approxeq|equiv|leq?|geq?|to|Rightarrow|rightarrow|implies|degree|circ)(?![A-Za-z])"
    r"|\\[,;:! ()\[\]$%#&]"
)
_COMMANDS = {
    "times": "×", "cdot": "·", "div": "÷", "pm": "±", "approx": "≈", "approxeq": "≈", "equiv": "=", "le": "≤", "leq": "≤",
    "ge": "≥", "geq": "≥", "to": "→", "Rightarrow": "⇒", "rightarrow": "→", "implies": "⇒", "degree": "°", "circ": "°",
    ",": " ", ";": " ", ":": " ", " ": " ", "quad": " ", "qquad": " ", "$": "$", "%": "%", "#": "#", "&": "&",
}  # fmt: skip


def plain(text: str) -> str:
    """The text with every number in the plain way of writing; what is no such number stays as it is."""
    if not text.isascii():
        text = _DIGIT.sub(lambda found: str(unicodedata.decimal(found[0])), text)
    text = _GROUPED.sub(lambda found: re.sub(f"[{_SEPARATORS}]", "", found[0]), text)
    if not text.isascii():
        text = _ascii(text)
    text = text.replace("{,}", ",")
    if "\\" in text:
        text = _without_latex(text)
    if "10" in text:
        text = _POWER.sub(lambda found: f"1{_exponent(found)}", _TIMES_POWER.sub(_exponent, text))
    # Most texts have no such word, and looking for a word is much faster than a pattern that begins with a digit.
    words = text.lower() if text.isascii() else None
    if words is None or any(word in words for word in _EXPONENTS):
        text = _SCALE.sub(_scale, text)
    text = _KILO.sub("e3", text)
    if words is None or "$" in words:
        text = _MONEY.sub(lambda found: f"{found[1]}e{_LETTER_EXPONENTS[found[2]]}", text)
    if words is None or any(word in words for word in _PARTS):
        text = _AND_PART.sub(lambda found: f" {_PARTS[found[1].lower()]}", text)
    return _MINUS.sub("-", text) if words is None or "minus " in words or "negative " in words else text


def _ascii(text: str) -> str:
    text = _VULGAR.sub(lambda found: _apart(found[1]) + unicodedata.normalize("NFKC", found[2]), text)
    text = _SUPERSCRIPT_POWER.sub(lambda found: "^" + found[1].translate(_SUPERSCRIPTS), text)
    return _OTHER_SCALE.sub(_other_scale, text.translate(_CHARACTERS))


def _without_latex(text: str) -> str:
    text = _DEGREES.sub("°", _FRACTION.sub(_latex_fraction, _GROUP_SPACE.sub("", text)))
    return _COMMAND.sub(lambda found: _COMMANDS.get(found[0][1:], ""), _ROOT.sub("√", text))


def _latex_fraction(found: re.Match[str]) -> str:
    above, below = found["above"] or found["above_digit"], found["below"] or found["below_digit"]
    return f"{_apart((found['units'] or '').strip())}{above}/{below}"


def _apart(digit: str) -> str:
    """The digit before a fraction, with the space that a mixed number has."""
    return f"{digit} " if digit else ""


def _exponent(found: re.Match[str]) -> str:
    return f"e{found[1] or found[2]}"


def _other_scale(found: re.Match[str]) -> str:
    return f";{found[2]}" if found[2] else f"e{_OTHER_EXPONENTS[found[1]]}"


def _scale(found: re.Match[str]) -> str:
    words = re.findall("|".join(_EXPONENTS), found[1].lower())
    return f"e{sum(_EXPONENTS[word] for word in words)}"
