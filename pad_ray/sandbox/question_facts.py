"""The facts of a question that a program can use: its numbers, in digits and words, and its words.

Reading is lenient: a number that the question may mean counts as stated. No text makes these functions raise.
"""

import re
import unicodedata
from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from pad_ray.tasks.languages import Language, language_of, languages, words_of

DIGITS = re.compile(
    r"(\d[\d,]*(?:\.\d+)?|\.\d+)\s*(%|percent|hundred|thousand|million|billion|k\b|m\b)?", re.ASCII | re.IGNORECASE
)
LONGEST_QUESTION = 1 << 16
"""Number of characters read of a question."""
LONGEST_NUMBER = 40
MAX_PARTS = 8
"""Maximum number of parts of a number in words: longer sequences are lists."""
TRIVIAL = frozenset({0.0, 1.0})
"""Numbers that occur in any program and thus prove nothing."""

# Bounded numbers of spaces: a pattern that may begin with any number of them takes quadratic time in a text of spaces.
_RATIO = re.compile(r"(?:(\d{1,9})\s{1,3}(?:and\s{1,3})?)?(\d{1,9})\s{0,3}[/\u2044]\s{0,3}(\d{1,9})", re.ASCII)
_LATEX_RATIO = re.compile(
    r"(\d{1,9})?\s{0,3}\\[cdt]?frac\s{0,3}\{?\s{0,3}(\d{1,9})\s{0,3}\}?\s{0,3}\{?\s{0,3}(\d{1,9})", re.ASCII
)
_SIGN_RATIO = re.compile(r"(\d{1,9})?\s{0,3}([\u00bc-\u00be\u2150-\u215e\u2189])")
_CLAUSE_END = re.compile(r"[,.;:!?()\[\]。、；：！？؛؟।]")
_SEPARATORS = str.maketrans({"\u066c": ",", "\u066b": ".", "\uff0c": ",", "\uff0e": ".", "\u00a0": " ", "\u202f": " "})


@dataclass(frozen=True)
class QuestionFacts:
    """`stated` has the numbers in digits and number words, `implied` those implied by a unit (a week has 7 days), both
    sorted; `words` are in lower case, and `text` is the question itself.
    """

    stated: tuple[float, ...]
    implied: tuple[float, ...]
    words: frozenset[str]
    text: str

    @property
    def telling(self) -> tuple[float, ...]:
        """The numbers that can prove the origin of a program's numbers; empty if the question has no numbers."""
        return tuple(number for number in self.stated if number not in TRIVIAL) or (
            *self.stated,
            *self.implied,
        )


@lru_cache(maxsize=256)
def question_facts(text: str) -> QuestionFacts:
    """The facts of one question."""
    text = text[:LONGEST_QUESTION]
    plain = _plain_digits(text)
    own = language_of(plain)
    english = languages()["en"]
    known = [english] if own is None or own.code == english.code else [english, own]
    word_numbers = (number for language in known for number in _in_words(plain, language))
    stated = {*_in_digits(plain), *_ratios(plain), *word_numbers}
    words = frozenset(words_of(plain))
    implied = {number for language in known for word in words for number in language.implied.get(word, ())}
    return QuestionFacts(tuple(sorted(stated)), tuple(sorted(implied)), words, text)


def question_numbers(text: str) -> tuple[set[float], bool]:
    """Every number that a question may mean, and whether there is any.

    Digits of any script with separators, decimals, percentages (20 % is 20, 0.2, 0.8 and 1.2), scales (1.5 million),
    fractions (3/4, 2 3/4, ½, \\frac{3}{4}), number words, and units of time or measure that imply a factor.
    """
    facts = question_facts(text)
    numbers = {*facts.stated, *facts.implied}
    return numbers, bool(numbers)


def holds(numbers: tuple[float, ...], value: float) -> bool:
    """Whether a sorted tuple has a number equal to the value up to rounding."""
    margin = 1e-9 * max(1.0, abs(value))
    place = bisect_left(numbers, value - margin)
    return place < len(numbers) and numbers[place] <= value + margin


def digits_in(text: str) -> Iterator[float]:
    """The numbers that a text writes in digits, without any conversion."""
    return (float(match[1].replace(",", "")[:LONGEST_NUMBER]) for match in DIGITS.finditer(text))


def _plain_digits(text: str) -> str:
    """The text with the digits and separators of all scripts converted to ASCII."""
    if text.isascii():
        return text
    return "".join(str(unicodedata.decimal(one, one)) for one in text.translate(_SEPARATORS))


def _in_digits(text: str) -> Iterator[float]:
    for match in DIGITS.finditer(text):
        value = float(match[1].replace(",", "")[:LONGEST_NUMBER])
        yield value
        yield from (part for part in (value / 100, 1 - value / 100, 1 + value / 100) if part not in TRIVIAL)
        if value < 1:
            yield value * 100
        scale = languages()["en"].scales.get((match[2] or "").lower())
        if scale is not None:
            yield value * scale


def _ratios(text: str) -> Iterator[float]:
    """Fractions and mixed numbers, and the forms that a program may use: the fraction and its complement."""
    for pattern in (_RATIO, _LATEX_RATIO):
        for match in pattern.finditer(text):
            if int(match[3]):
                yield from _mixed(match[1], int(match[2]) / int(match[3]))
                yield from (float(match[2]), float(match[3]))
    for match in _SIGN_RATIO.finditer(text):
        yield from _mixed(match[1], unicodedata.numeric(match[2]))
        above, _, below = unicodedata.normalize("NFKC", match[2]).partition("\u2044")
        yield from (float(part) for part in (above, below) if part.isdecimal())


def _mixed(whole: str | None, part: float) -> Iterator[float]:
    yield from (part, 1 - part, 1 + part)
    if whole:
        yield float(whole) + part


def _in_words(text: str, language: Language) -> Iterator[float]:
    """Single number words, and runs of them as one number: two hundred and fifty, twenty-five, three quarters."""
    for clause in _CLAUSE_END.split(text):
        run: list[str] = []
        for word in words_of(clause):
            yield from language.number_words.get(word, ())
            if word in language.number_words or word in language.scales or (run and word in language.joins):
                run.append(word)
            else:
                yield from _composed(run, language)
                run = []
        yield from _composed(run, language)
    if not language.spaced:
        # Words of several characters, which `words_of` splits.
        yield from (number for word, numbers in language.number_words.items() if word in text for number in numbers)


def _composed(run: Iterable[str], language: Language) -> Iterator[float]:
    """The number that a run of number words forms, and its partial sums."""
    words = [word for word in run if word not in language.joins]
    whole = [word for word in words if word not in language.parts]
    total = 0.0
    for total in _sums((_value(word, language), _scale(word, language)) for word in whole):
        yield total
    for word in words:
        if word in language.parts:
            yield (total or 1.0) * language.parts[word]


def _value(word: str, language: Language) -> float:
    return language.number_words[word][0] if word in language.number_words else language.scales[word]


def _scale(word: str, language: Language) -> float | None:
    """The factor by which a word multiplies the number before it; in 二十 the word for ten is such a factor."""
    value = _value(word, language)
    return language.scales.get(word, value if not language.spaced and value >= 10 else None)


def _sums(parts: Iterable[tuple[float, float | None]]) -> Iterator[float]:
    """The partial results of combining values and scales (such as hundred) from left to right."""
    stack: list[float] = []
    for value, scale in parts:
        if scale is None:
            stack.append(value)
        else:
            below = []
            while stack and stack[-1] < scale:
                below.append(stack.pop())
            stack.append((sum(below) or 1.0) * scale)
        stack = stack[-MAX_PARTS:]
        yield sum(stack)
