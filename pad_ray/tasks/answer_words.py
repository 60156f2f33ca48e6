"""The words around an answer in other languages, as regular expressions (`answer_words.yaml` and `pad_ray.tasks.languages`).

All languages are read at once: their words do not collide, and a text may mix languages. A language without an entry is read
by its numbers, its punctuation and the English words.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from pad_ray.tasks.languages import languages

_FILE = Path(__file__).with_suffix(".yaml")
# `re` does not count vowel signs of Devanagari and Arabic as word characters.
_INSIDE = r"[\w\u0900-\u0963\u064b-\u065f]"


@cache
def _languages() -> list[dict[str, Any]]:
    loaded: dict[str, dict[str, Any]] = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    for code, language in loaded.items():
        verbs = tuple(language["is"])
        language["answer"] += [mark for mark in languages()[code].answer_marks if not mark.endswith(verbs)]
    return list(loaded.values())


def yes_no_words() -> dict[str, str]:
    """Each word for yes or no that can be the whole answer, and its meaning."""
    meanings = dict.fromkeys(words("yes", "yes_first"), "yes") | dict.fromkeys(words("no", "no_first"), "no")
    for code, language in languages().items():
        if code != "en":
            meanings = dict.fromkeys(language.yes, "yes") | dict.fromkeys(language.no, "no") | meanings
    return meanings


def words(*keys: str) -> list[str]:
    """The words of all languages under these keys."""
    return [word for language in _languages() for word in _words(language, keys)]


def _words(language: dict[str, Any], keys: Iterable[str]) -> Iterator[str]:
    for key in keys:
        yield from language.get(key, ())


def any_of(choices: Iterable[str]) -> str:
    """A pattern for any of these words; longer words are tried first."""
    return "|".join(re.escape(word) for word in sorted(set(choices), key=lambda word: (-len(word), word))) or "(?!)"


def phrases(*keys: str) -> str:
    """A pattern for the words under these keys; in languages with spaces it matches whole words only."""
    patterns = []
    for language in _languages():
        pattern = any_of(_words(language, keys))
        patterns.append(pattern if language.get("glued") else rf"(?<!\w)(?:{pattern})(?!{_INSIDE})")
    return "|".join(patterns)


def marks() -> str:
    """A pattern for the phrases that announce an answer; its group `sign` is not empty for a label ("答：")."""
    patterns = []
    for language in _languages():
        start, end = ("", "") if language.get("glued") else (r"(?<!\w)[وف]?", f"(?!{_INSIDE})")
        noun = rf"{start}(?:{any_of(language['answer'])})[*_ \t]{{0,4}}"
        patterns.append(rf"{noun}(?:(?:{any_of(language['is'])}){end}|(?=[:：=]|[ \t]?[-$]?\d))")
    return rf"(?:{'|'.join(patterns)})[*_ \t]{{0,4}}(?P<sign>[:：=]?)"


def scales() -> dict[str, int]:
    """The words for powers of ten that may follow a number."""
    return {word: int(power) for language in _languages() for word, power in language["scales"].items()}
