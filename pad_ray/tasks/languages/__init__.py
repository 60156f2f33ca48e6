"""The language data of the judging rules: `pad_ray/tasks/languages/*.yaml`, one file per language.

A text in a language without a file is judged by what all languages share: digits, signs and words between spaces.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import yaml

READ_CHARACTERS = 2_000
"""Number of characters read to find the language of a text."""
UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
"""Scripts without spaces between words, as a character class: Thai, Lao, Burmese, Khmer, kana, Han."""

_LETTER = re.compile(r"[^\W\d_]")


@dataclass(frozen=True)
class Language:
    """The words of one language, in lower case and NFKC.

    Attributes:
        scripts: first words of the Unicode names of its letters, the rarest script first.
        spaced: whether its words are separated by spaces.
        yes, no: answers to a yes-or-no question.
        answer_marks: phrases that precede a final answer.
        number_words: the values that each word may stand for; the first is its literal value.
        scales: words that multiply the number before them.
        parts: words that divide (half, third).
        joins: words inside a number (and).
        implied: numbers that a unit of time or measure implies.
        sentence_ends: characters that end a sentence.
        negations: words that negate what follows or precedes them.
    """

    code: str
    name: str
    scripts: tuple[str, ...]
    spaced: bool = True
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    answer_marks: tuple[str, ...] = ()
    number_words: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    scales: Mapping[str, float] = field(default_factory=dict)
    parts: Mapping[str, float] = field(default_factory=dict)
    joins: tuple[str, ...] = ()
    implied: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    sentence_ends: str = ".!?"
    negations: tuple[str, ...] = ()


@cache
def languages() -> dict[str, Language]:
    """All languages that have a file, by code."""
    loaded = (_read(path) for path in sorted(Path(__file__).parent.glob("*.yaml")))
    return {language.code: language for language in loaded}


def _read(path: Path) -> Language:
    content: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    listed = {one.name for one in fields(Language) if str(one.type).startswith("tuple")}
    values: dict[str, Any] = {name: tuple(value) if name in listed else value for name, value in content.items()}
    for name in ("number_words", "implied"):
        values[name] = _by_word(content.get(name, {}))
    for name in ("scales", "parts"):
        values[name] = {word: value for word, (value,) in _by_word(content.get(name, {})).items()}
    return Language(code=path.stem, **values)


def _by_word(groups: Mapping[str, Any]) -> dict[str, tuple[float, ...]]:
    """Turn `"pair, couple": 2` into numbers by word; a fraction is written as 1/3."""
    return {
        word.strip(): tuple(float(Fraction(str(value))) for value in (values if isinstance(values, list) else [values]))
        for words, values in groups.items()
        for word in str(words).split(",")
    }


def language_of(text: str) -> Language | None:
    """The language of a text by its most frequent script; None if no known language uses that script.

    A text with any kana is Japanese, even if most of its characters are Han.
    """
    letters = _LETTER.findall(text[:READ_CHARACTERS])
    scripts = Counter(unicodedata.name(letter, "?").split(" ")[0] for letter in letters)
    if scripts["HIRAGANA"] + scripts["KATAKANA"]:
        return languages()["ja"]
    for script, _ in scripts.most_common(1):
        return next((one for one in languages().values() if script in one.scripts), None)
    return None


def words_of(text: str) -> list[str]:
    """The words of a text in lower case, with their combining marks; in scripts without spaces each character is a word."""
    return _word().findall(_normal(text).lower())


def written_words(text: str) -> list[str]:
    """As `words_of`, but with the original capital letters."""
    return _word().findall(_normal(text))


def _normal(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


def is_unspaced(words: Sequence[str]) -> bool:
    """Whether most words of a text are characters of scripts without spaces."""
    return not "".join(words).isascii() and 2 * sum(word[0] in _unspaced() for word in words) > len(words)


@cache
def _unspaced() -> frozenset[str]:
    return frozenset(filter(re.compile(f"[{UNSPACED}]").match, map(chr, range(0x0E00, 0x10000))))


@cache
def _word() -> re.Pattern[str]:
    marks = "".join(chr(code) for code in range(0x300, 0x10000) if unicodedata.category(chr(code)) in ("Mn", "Mc"))
    return re.compile(rf"[{UNSPACED}][{marks}]*|[^\W{UNSPACED}](?:[^\W{UNSPACED}]|[{marks}])*")
