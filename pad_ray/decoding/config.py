"""The strategies that a recipe can list for the test questions."""

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


def _from_name(given: Any) -> Any:
    return {"kind": given} if isinstance(given, str) else given


AnyStrategy = Annotated[Known, BeforeValidator(_from_name)]
Strategies = list[AnyStrategy]
"""In a recipe: a list of kinds, or of mappings with settings, such as `[greedy, {kind: vote, samples: 16}]`."""

_ADAPTER: TypeAdapter[Strategy] = TypeAdapter(AnyStrategy)


def strategy(given: Any) -> Strategy:
    """The strategy that a recipe's entry describes. Raises pydantic's ValidationError."""
    return _ADAPTER.validate_python(given)


def checked(strategies: Strategies) -> Strategies:
    """Check that strategies can be evaluated together.

    Raises:
        ValueError: two have the same name, or the reference strategy of a `resample` is not listed before it.
    """
    twice = [label for label, count in Counter(one.label for one in strategies).items() if count > 1]
    if twice:
        raise ValueError(f"two strategies have the name {twice[0]!r}: give one of them another `name`")
    for number, one in enumerate(strategies):
        if one.reference is not None and one.reference not in [earlier.label for earlier in strategies[:number]]:
            raise ValueError(
                f"{one.label}: `like` names {one.reference!r}, which is not the name of an earlier strategy"
            )
    return strategies


def with_baselines(strategies: Strategies) -> Strategies:
    """The strategies, each costly one followed by plain sampling with as many tokens, unless that is listed already."""
    there = {one.reference for one in strategies}
    extended: Strategies = []
    for one in strategies:
        extended.append(one)
        if one.baseline_path is not None and one.label not in there:
            extended.append(
                Resample(like=one.label, name=f"{one.label[:49]}-resampled", path=one.baseline_path, seed=one.seed)
            )
    return extended
