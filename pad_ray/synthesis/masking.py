"""The words of a question without what a new version of it changes first: its numbers and its names."""

import re
import unicodedata
from functools import cache

from pad_ray.tasks.languages import languages, words_of

NUMBER, NAME = "0", "a"
"""What stands for a number and for a name."""

_WORD = re.compile(r"[^\W_]+(?:['’.,][^\W_]+)*")


def masked_words(text: str) -> list[str]:
    """The words of a text with one word for every number, in digits or words, and one for every name.

    A name is a word that begins with a capital letter, also the first one of a sentence; scripts without capital letters
    keep their names.
    """
    words = words_of(_WORD.sub(_masked, unicodedata.normalize("NFKC", text)))
    return [NUMBER if word in _number_words() else word for word in words]


def _masked(match: re.Match[str]) -> str:
    word = match[0]
    if any(map(str.isdecimal, word)):
        # In a script without blanks a number stands within its line of letters.
        return re.sub(r"\d[\d.,]*", NUMBER, word)
    return NAME if word[0].isupper() else word


@cache
def _number_words() -> frozenset[str]:
    return frozenset(word for language in languages().values() if language.spaced for word in language.number_words)
