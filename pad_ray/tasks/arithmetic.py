"""Arithmetic: our own word problems, generated from a seed without end and without any file.

There are 48 templates in 8 families, with 1 to 5 steps. Each answer is computed twice: from the numbers alone (`gold`) and by
a reference program. A tuple of a template's numbers belongs to the same split for every seed, so no two splits share a
problem, even with different names in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from random import Random

import xxhash

from pad_ray.errors import InputError
from pad_ray.schema import AnswerKind, Question
from pad_ray.tasks.answers import number_text
from pad_ray.tasks.base import Entry, Protocol, Task, question
from pad_ray.tasks.generated import split_of, stream
from pad_ray.tasks.word_problems import TEMPLATES, Template

NAME = "arithmetic"
SPLITS = ("train", "validation", "test")
MAX_DRAWS = 100_000
"""Number of draws for one question before its template counts as exhausted."""


@dataclass(frozen=True, slots=True)
class ArithmeticProblem:
    """A generated question with its template, numbers and reference program. `steps` counts its calculations, 1 to 5."""

    question: Question
    template: str
    family: str
    steps: int
    numbers: dict[str, int | float]
    reference_program: str


def generate(split: str, seed: int = 0) -> Iterator[ArithmeticProblem]:
    """Endless problems of a split without repeated texts; in every prefix the templates' counts differ by at most one.

    Raises InputError if the split does not exist, or when a template has no unused text left in that split
    (after more than a million problems of `train`).
    """
    if split not in SPLITS:
        raise InputError(f"task {NAME} has no split {split!r}; it has {', '.join(SPLITS)}")
    random = stream(NAME, split, seed)
    seen: set[int] = set()
    while True:
        for template in random.sample(TEMPLATES, len(TEMPLATES)):
            yield _problem(template, split, random, seen)


def questions(split: str, seed: int) -> Iterator[Question]:
    """The questions of `generate`, in its order."""
    return (problem.question for problem in generate(split, seed))


def _problem(template: Template, split: str, random: Random, seen: set[int]) -> ArithmeticProblem:
    numbers, answer, text = _unseen(template, split, random, seen)
    return ArithmeticProblem(
        question=question(NAME, split, AnswerKind.NUMBER, Entry(text, number_text(answer))),
        template=template.name,
        family=template.family.value,
        steps=template.steps,
        numbers=numbers,
        reference_program=template.reference_program(numbers),
    )


def _unseen(
    template: Template, split: str, random: Random, seen: set[int]
) -> tuple[dict[str, int | float], Fraction, str]:
    for _ in range(MAX_DRAWS):
        draw = template.numbers(random)
        if draw is None or split_of(template.name, tuple(draw[0].items())) != split:
            continue
        text = template.write(draw[0], random)
        # Hashes instead of texts save about 100 MB per million.
        key = xxhash.xxh3_64_intdigest(text.encode())
        if key not in seen:
            seen.add(key)
            return *draw, text
    raise InputError(f"task {NAME}: template {template.name} has no further {split} question; ask for fewer questions")


TASK = Task(
    name=NAME,
    description="own word problems of one to five steps, generated from a seed",
    licence="Apache-2.0",
    source="generated (pad_ray.tasks.arithmetic)",
    protocol="train, validation and test have no template with the same numbers in common; all need no file",
    protocols=(
        Protocol("train", "arithmetic train (generated)"),
        Protocol("validation", "arithmetic validation (generated)"),
        Protocol("test", "arithmetic test (generated)"),
    ),
    answer_kind=AnswerKind.NUMBER,
    generated=SPLITS,
    generate=questions,
)
