"""The type of a mutation."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from random import Random
from typing import TypeVar

from pad_ray.refinement.source import Source
from pad_ray.schema import Outcome

T = TypeVar("T")
Propose = Callable[[Source, Random], Iterator[str]]


@dataclass(frozen=True)
class Mutation:
    """One kind of error in a program.

    `aim` is the intended outcome; execution shows the real one. `propose` yields variants of a program, each with this one
    error and otherwise the same text, in an order determined by `Random`; it yields nothing if the mutation does not apply.
    """

    name: str
    aim: Outcome
    propose: Propose


def shuffled(random: Random, items: Sequence[T]) -> list[T]:
    """The items in random order."""
    return random.sample(items, len(items))
