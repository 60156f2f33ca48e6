"""Decides whether a program computes its answer from the question or hard-codes it.

Programs such as `result = 42` pass a filter that checks only the answer: they are up to 5 % of PaD's own data (arXiv
2305.13888). Here the slice of a result (`pad_ray.sandbox.slicing`) must contain a part of the question and an operation on it:

- for a number: one of the question's numbers, or things that the question lists and the program counts;
- for yes or no, an option or a text: one of its numbers or words as a value, or a named fact that is tested. `coin_is_heads`
  is a fact; `x` is one only if the program changes it step by step.

The check is deliberately lenient: unclear cases count as computed. Not covered: irrelevant arithmetic on the question's
numbers (`16 - 3 + 5` for 18), and facts that are not in the question.
"""

import ast
import re
from collections.abc import Iterator

from pad_ray.sandbox.question_facts import TRIVIAL, QuestionFacts, digits_in, holds, question_facts
from pad_ray.sandbox.slicing import ARITHMETIC, CALL, COMPARE, INDEX, LOOP, Slice, backward_slice
from pad_ray.schema import AnswerKind
from pad_ray.tasks.languages import languages

COMPUTES = {ARITHMETIC, CALL, LOOP}
LONGEST_STRING = 1000
_ANSWERS = "valid invalid plausible implausible none correct incorrect"
ANSWERS = frozenset(
    [*_ANSWERS.split(), *(word for language in languages().values() for word in (*language.yes, *language.no))]
)
"""Words that are answers themselves and therefore not facts."""
_COMMON = (
    "a an and are as at be by do does for from had has have he her his how if in is it its not of on or she so still that the"
    " their then there they this to was what when where which who will with would"
)
COMMON = frozenset(_COMMON.split())
"""Words that occur in any text."""
_UNSPECIFIC = (
    "ans answer bar baz check cond condition dummy final flag foo func function index item key out output res response"
    " result ret return returned returns solution temp test tmp unused val value var variable"
)
UNSPECIFIC = frozenset(_UNSPECIFIC.split())
"""Parts of names that carry no meaning."""
SHORTEST_NAME = 3

_PART = re.compile(r"[^\W\d_][a-z]*|[^\W\d_]+")
_WORD = re.compile(r"[^\W\d_]+|\d+")


def is_hard_coded(tree: ast.Module, kind: AnswerKind, question: str) -> bool:
    """True if a program hard-codes its result instead of computing it from the question."""
    facts = question_facts(question)
    of_number = kind is AnswerKind.NUMBER
    result_slice = backward_slice(tree, frozenset(facts.stated), of_number)
    return not (_computes_number(result_slice, facts) if of_number else _computes_text(result_slice, facts))


def _computes_number(result_slice: Slice, facts: QuestionFacts) -> bool:
    numbers = facts.telling
    if not numbers:
        return bool(result_slice.operations & {*COMPUTES, COMPARE, INDEX})
    if result_slice.operations & COMPUTES:
        values = [value for value in _numbers(result_slice.constants) if value not in TRIVIAL]
        known = any(holds(numbers, value) for value in _numbers(result_slice.constants))
        return known or _mostly_implied(values, facts) or _counts(result_slice, facts)
    return COMPARE in result_slice.operations and any(holds(numbers, value) for value in _numbers(result_slice.chosen))


def _mostly_implied(values: list[float], facts: QuestionFacts) -> bool:
    """Whether at least two numbers, and at least half of all, follow from the question's units: 12 + 12 for 1 check a month."""
    implied = sum(holds(facts.implied, value) for value in values)
    return implied >= 2 and 2 * implied >= len(values)


def _counts(result_slice: Slice, facts: QuestionFacts) -> bool:
    """Whether the program counts things that the question names."""
    if not result_slice.operations & {CALL, LOOP}:
        return False
    named = [value for value in result_slice.constants if isinstance(value, str) and _is_named(value, facts)]
    listed = {value for value in result_slice.keys if isinstance(value, str) and _is_named(value, facts)}
    return bool(named) or len(listed) > 1


def _computes_text(result_slice: Slice, facts: QuestionFacts) -> bool:
    values = [*result_slice.constants, *result_slice.keys]
    if result_slice.operations and any(_is_stated(value, facts) for value in values):
        return True
    if COMPARE not in result_slice.operations and CALL not in result_slice.operations:
        return False
    if result_slice.tested and (result_slice.negations or result_slice.updates > 1):
        return True
    return any(_says_something(name, facts) for name in result_slice.tested)


def _is_stated(value: object, facts: QuestionFacts) -> bool:
    """Whether a constant is one of the question's numbers, or contains one of its words."""
    if isinstance(value, str):
        return _is_named(value, facts)
    if isinstance(value, bool):
        return str(value).lower() in facts.words
    return any(holds(facts.stated, number) for number in _numbers([value]) if number not in TRIVIAL)


def _is_named(value: str, facts: QuestionFacts) -> bool:
    text = value[:LONGEST_STRING]
    words = {word.lower() for word in _WORD.findall(text)}
    telling = words - ANSWERS - COMMON
    if any(_is_word_of(word, facts) for word in telling if len(word) > 1 or not word.isascii()):
        return True
    # Brackets or other symbols, exactly as in the question.
    return not telling and not words and len(text.strip()) > 1 and text.strip() in facts.text


def _is_word_of(word: str, facts: QuestionFacts) -> bool:
    """Whether a word, its singular or its plural occurs in the question."""
    if not word.isascii():
        # Some scripts have no spaces between words.
        return word in facts.text.lower()
    return word in facts.words or f"{word}s" in facts.words or (word.endswith("s") and word[:-1] in facts.words)


def _says_something(name: str, facts: QuestionFacts) -> bool:
    parts = [part.lower() for part in _PART.findall(name)]
    telling = [part for part in parts if part not in UNSPECIFIC and part not in ANSWERS]
    return any(len(part) >= SHORTEST_NAME or not part.isascii() or _is_word_of(part, facts) for part in telling)


def _numbers(constants: list[object]) -> Iterator[float]:
    """The numbers among the constants, including those inside strings (`Decimal("0.2")`, `"3,000"`, dates)."""
    for value in constants:
        if isinstance(value, bool):
            continue
        if isinstance(value, (int, float)) and abs(value) < 1e300:
            yield float(value)
        elif isinstance(value, str):
            yield from digits_in(value[:LONGEST_STRING])
