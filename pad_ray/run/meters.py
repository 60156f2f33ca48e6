"""Prometheus metrics that workers report through the metrics agent of their Ray node.

Ray exports each with the prefix `ray_` and, for a counter, the suffix `_total`. They count work as it happens, so a block
that is redone counts twice; the ledger has the number of rows of a run. The dashboard is in `cluster/observability/`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from pad_ray.schema import Draft, Verdict


@dataclass(frozen=True)
class Meter:
    """A counter, which only grows, or a gauge (`is_level`), which rises and falls, for each combination of its tags."""

    name: str
    description: str
    tags: tuple[str, ...]
    is_level: bool = False

    @property
    def exported(self) -> str:
        """The metric's name in Prometheus."""
        return f"ray_{self.name}" if self.is_level else f"ray_{self.name}_total"


DRAFTS = Meter("pad_ray_drafts", "drafts that engines have written and workers committed", ("path",))
VERDICTS = Meter("pad_ray_verdicts", "drafts and programs that were judged", ("outcome",))
TOKENS = Meter("pad_ray_tokens", "tokens that the teacher has read and written", ("kind",))
BLOCKS = Meter("pad_ray_blocks", "units of work that were committed", ("stage",))
IN_ENGINES = Meter("pad_ray_requests_in_engines", "requests that engines hold: running and queued", (), is_level=True)
METERS = (DRAFTS, VERDICTS, TOKENS, BLOCKS, IN_ENGINES)


def count(meter: Meter, value: float, **tags: str) -> None:
    """Increment a counter."""
    if value:
        _open(meter).inc(value, tags)


def level(meter: Meter, value: float) -> None:
    """Set this process's gauge."""
    _open(meter).set(value)


def count_verdicts(verdicts: Sequence[Verdict], stage: str) -> None:
    """Count a committed block and its verdicts."""
    count(BLOCKS, 1, stage=stage)
    for outcome, number in Counter(verdict.outcome.value for verdict in verdicts).items():
        count(VERDICTS, number, outcome=outcome)


def count_drafts(drafts: Sequence[Draft]) -> None:
    """Count committed drafts and their tokens."""
    for path, number in Counter(draft.path.value for draft in drafts).items():
        count(DRAFTS, number, path=path)
    count(TOKENS, sum(draft.prompt_tokens for draft in drafts), kind="prompt")
    count(TOKENS, sum(draft.completion_tokens for draft in drafts), kind="completion")


@cache
def _open(meter: Meter) -> Any:
    """This process's metric object; Ray requires each name to be created once."""
    from ray.util.metrics import Counter as Count
    from ray.util.metrics import Gauge

    return (Gauge if meter.is_level else Count)(meter.name, meter.description, meter.tags)
