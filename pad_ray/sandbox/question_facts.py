"""What a question states that a program can take from it: its numbers, in digits and words, and its words.

Read leniently: a number that the question may mean is one that it states. Nothing here raises, whatever the text.
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
"""Characters of a question that are read."""
LONGEST_NUMBER = 40
MAX_PARTS = 8
"""Of a number in words: a list of numbers is none."""
TRIVIAL = frozenset({0.0, 1.0})
"""Numbers that any program holds, so that they show nothing."""

# At most a few blanks: a pattern that may begin with any number of them is quadratic in a text of blanks.
_RATIO = re.compile(r"(?:(\d{1,9})\s{1,3}(?:and\s{1,3})?)?(\d{1,9})\s{0,3}[/\u2044]\s{0,3}(\d{1,9})", re.ASCII)
_LATEX_RATIO = re.compile(
    r"(\d{1,9})?\s{0,3}\\[cdt]?frac\s{0,3}\{?\s{0,3}(\d{1,9})\s{0,3}\}?\s{0,3}\{?\s{0,3}(\d{1,9})", re.ASCII
)
_SIGN_RATIO = re.compile(r"(\d{1,9})?\s{0,3}([\u00bc-\u00be\u2150-\u215e\u2189])")
_CLAUSE_END = re.compile(r"[,.;:!?()\[\]。、；：！？؛؟।]")
_SEPARATORS = str.maketrans({"\u066c": ",", "\u066b": ".", "\uff0c": ",", "\uff0e": ".", "\u00a0": " ", "\u202f": " "})


@dataclass(frozen=True)
class QuestionFacts:
    """`stated` are the numbers in digits and number words, `implied` those that a unit implies (a week has 7 days), both
    sorted; `words` are in lower case, and `text` is the question itself.
    """

    stated: tuple[float, ...]
    implied: tuple[float, ...]
    words: frozenset[str]
    text: str

    @property
    def telling(self) -> tuple[float, ...]:
        """The numbers that show where a program's numbers come from; empty if the question has none at all."""
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
    written = (number for language in known for number in _in_words(plain, language))
    stated = {*_in_digits(plain), *_ratios(plain), *written}
    words = frozenset(words_of(plain))
    implied = {number for language in known for word in words for number in language.implied.get(word, ())}
    return QuestionFacts(tuple(sorted(stated)), tuple(sorted(implied)), words, text)


def question_numbers(text: str) -> tuple[set[float], bool]:
    """Every number that a question may mean, and whether it states any number at all.

    Digits of any script with separators, decimals, percentages (20 % is 20, 0.2, 0.8 and 1.2), scales (1.5 million),
    fractions (3/4, 2 3/4, ½, \\frac{3}{4}), number words, and units of time or measure that imply a factor.
    """
    facts = question_facts(text)
    numbers = {*facts.stated, *facts.implied}
    return numbers, bool(numbers)


def holds(numbers: tuple[float, ...], value: float) -> bool:
    """Whether a sorted tuple has a number that equals the value up to rounding."""
    margin = 1e-9 * max(1.0, abs(value))
    place = bisect_left(numbers, value - margin)
    return place < len(numbers) and numbers[place] <= value + margin


def digits_in(text: str) -> Iterator[float]:
    """The numbers that a text writes in digits, as they stand."""
    return (float(match[1].replace(",", "")[:LONGEST_NUMBER]) for match in DIGITS.finditer(text))


def _plain_digits(text: str) -> str:
    """The text with the digits and separators of all scripts as ASCII ones."""
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
    """Fractions and mixed numbers, with what a program may write for them: the fraction, and its complement."""
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
    """Number words alone, and runs of them as one number: two hundred and fifty, twenty-five, three quarters."""
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
        # Words of several characters, which `words_of` does not keep together.
        yield from (number for word, numbers in language.number_words.items() if word in text for number in numbers)


def _composed(run: Iterable[str], language: Language) -> Iterator[float]:
    """What a run of number words says as one number, and each of its steps."""
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
    """The factor that a word is for what stands before it; ten, where it is written as in 二十, is one too."""
    value = _value(word, language)
    return language.scales.get(word, value if not language.spaced and value >= 10 else None)


def _sums(parts: Iterable[tuple[float, float | None]]) -> Iterator[float]:
    """The number that values and scales, such as hundred, make from left to right, after each of them."""
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
