"""The words of other languages around an answer, as regular expressions (`answer_words.yaml`).

All languages are read together: their words do not collide, and a text may hold several languages. A language without words
here is read by its numbers, marks of punctuation and the English words.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

_FILE = Path(__file__).with_suffix(".yaml")
# Vowel signs of Devanagari and Arabic are no word characters for `re`.
_INSIDE = r"[\w\u0900-\u0963\u064b-\u065f]"


@cache
def _languages() -> list[dict[str, Any]]:
    loaded: dict[str, dict[str, Any]] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    return list(loaded.values())


def words(*keys: str) -> list[str]:
    """The words under some keys, of all languages."""
    return [word for language in _languages() for word in _words(language, keys)]


def _words(language: dict[str, Any], keys: Iterable[str]) -> Iterator[str]:
    for key in keys:
        yield from language.get(key, ())


def any_of(choices: Iterable[str]) -> str:
    """A pattern for any of some words, the longest that fits first."""
    return "|".join(re.escape(word) for word in sorted(set(choices), key=lambda word: (-len(word), word))) or "(?!)"


def phrases(*keys: str) -> str:
    """A pattern for the words under some keys; where a language has spaces, they stand apart."""
    patterns = []
    for language in _languages():
        pattern = any_of(_words(language, keys))
        patterns.append(pattern if language.get("glued") else rf"(?<!\w)(?:{pattern})(?!{_INSIDE})")
    return "|".join(patterns)


def marks() -> str:
    """A pattern for what announces an answer; its group `sign` is not empty for a label ("答：")."""
    patterns = []
    for language in _languages():
        start, end = ("", "") if language.get("glued") else (r"(?<!\w)[وف]?", f"(?!{_INSIDE})")
        noun = rf"{start}(?:{any_of(language['answer'])})[*_ \t]{{0,4}}"
        patterns.append(rf"{noun}(?:(?:{any_of(language['is'])}){end}|(?=[:：=]|[ \t]?[-$]?\d))")
    return rf"(?:{'|'.join(patterns)})[*_ \t]{{0,4}}(?P<sign>[:：=]?)"


def scales() -> dict[str, int]:
    """The words for powers of ten behind a number."""
    return {word: int(power) for language in _languages() for word, power in language["scales"].items()}
