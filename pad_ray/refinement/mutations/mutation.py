"""What a mutation is."""

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
    """One way in which a program goes wrong.

    `aim` is the outcome that it is made for; what a variant really does is for its execution to say. `propose` gives
    variants of a program, each with this one mistake and otherwise the same text, in an order that `Random` decides; it
    gives none where the mutation does not apply.
    """

    name: str
    aim: Outcome
    propose: Propose


def shuffled(random: Random, items: Sequence[T]) -> list[T]:
    """The items in a drawn order."""
    return random.sample(items, len(items))
