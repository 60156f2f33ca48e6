"""Which strategies answer the test questions."""

from collections import Counter
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, TypeAdapter

from pad_ray.decoding.base import Strategy
from pad_ray.decoding.beam import StepBeam
from pad_ray.decoding.greedy import Greedy
from pad_ray.decoding.mixed import Mixed
from pad_ray.decoding.refine import Refine
from pad_ray.decoding.sampling import BestOfN, Resample, Vote
from pad_ray.decoding.socratic import SocraticSteps
from pad_ray.decoding.token_beam import TokenBeam

Known = Annotated[
    Greedy | Vote | BestOfN | Resample | StepBeam | TokenBeam | Refine | Mixed | SocraticSteps,
    Field(discriminator="kind"),
]
# Those that spend more than sampling would: the same tokens spent on samples are their honest neighbour.
COSTLY = (StepBeam, TokenBeam, Refine)


def _from_name(given: Any) -> Any:
    return {"kind": given} if isinstance(given, str) else given


AnyStrategy = Annotated[Known, BeforeValidator(_from_name)]
Strategies = list[AnyStrategy]
"""In a recipe a list of kinds, or of mappings with their settings: `[greedy, {kind: vote, samples: 16}]`."""

_ADAPTER: TypeAdapter[Strategy] = TypeAdapter(AnyStrategy)


def strategy(given: Any) -> Strategy:
    """The strategy that a recipe's entry describes. Raises pydantic's ValidationError."""
    return _ADAPTER.validate_python(given)


def checked(strategies: Strategies) -> Strategies:
    """Strategies that can be evaluated together.

    Raises:
        ValueError: two have the same name, or one is to spend the tokens of a strategy that is not there before it.
    """
    twice = [label for label, count in Counter(one.label for one in strategies).items() if count > 1]
    if twice:
        raise ValueError(f"two strategies are called {twice[0]!r}: give one of them another `name`")
    for number, one in enumerate(strategies):
        if isinstance(one, Resample) and one.like not in [earlier.label for earlier in strategies[:number]]:
            raise ValueError(f"{one.label} is to spend the tokens of {one.like!r}, which is no strategy before it")
    return strategies


def with_baselines(strategies: Strategies) -> Strategies:
    """The strategies, each costly one followed by plain sampling with as many tokens, where that is not there already."""
    there = {one.like for one in strategies if isinstance(one, Resample)}
    found: Strategies = []
    for one in strategies:
        found.append(one)
        if isinstance(one, COSTLY) and one.label not in there:
            found.append(Resample(like=one.label, name=f"{one.label[:49]}-resampled", path=_path(one), seed=one.seed))
    return found


def _path(costly: StepBeam | TokenBeam | Refine) -> Any:
    return costly.first.path if isinstance(costly, Refine) else costly.path
