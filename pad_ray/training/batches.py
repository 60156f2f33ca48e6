"""Assign corpus rows to steps, to workers' passes and to tensors.

The rows of a step depend only on the corpus, the seed and the epoch, never on the workers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from pad_ray.schema import content_id
from pad_ray.training.objectives import CODES, Numbers
from pad_ray.training.tokens import Example, TokenTable

Rows = npt.NDArray[np.int64]
Passes = list[list[list[int]]]
"""`passes[pass][worker]` lists rows. All workers have equally many passes because they synchronise; a pass may be empty."""


def steps_in_epoch(count: int, rows_per_step: int) -> int:
    return -(-count // rows_per_step)


def epoch_steps(table: TokenTable, rows_per_step: int, seed: int, epoch: int, *, paired: bool) -> list[Rows]:
    """The rows of each optimiser step of an epoch, shuffled; the last step may be short.

    `paired` keeps a program and a rationale of the same question in the same step. A step may then have one row more or fewer
    than `rows_per_step`, and at least 2.
    """
    units = _pairs(table) if paired else np.arange(len(table))
    generator = np.random.default_rng(int(content_id("epoch", seed, epoch)[:16], 16))
    place = generator.permutation(units.max() + 1)[units]
    order = np.argsort(place, kind="stable")
    # A unit belongs to the step of its last row.
    ends = np.searchsorted(place[order], place[order], side="right") - 1
    step_of = ends // rows_per_step
    return np.split(order, np.flatnonzero(np.diff(step_of)) + 1)


def _pairs(table: TokenTable) -> Rows:
    """The number of each row's unit; the n-th program and the n-th rationale of a question share a unit."""
    kinds = np.isin(table.objectives, (CODES["program"], CODES["rationale"]))
    rows = np.arange(len(table))
    order = np.lexsort((rows, table.objectives, table.questions))
    starts = np.r_[True, np.diff(table.questions[order]) != 0] | np.r_[True, np.diff(table.objectives[order]) != 0]
    nth = np.empty(len(table), np.int64)
    nth[order] = np.arange(len(table)) - np.maximum.accumulate(np.where(starts, np.arange(len(table)), 0))
    keys = np.stack([np.where(kinds, -1, rows), np.where(kinds, table.questions, 0), np.where(kinds, nth, 0)], axis=1)
    units: Rows = np.unique(keys, axis=0, return_inverse=True)[1].reshape(-1)
    return units


def deal(lengths: Rows, workers: int, tokens_per_pass: int, *, packed: bool) -> Passes:
    """Distribute rows, given by their `lengths`, as evenly as possible over passes and workers, at most `tokens_per_pass` each.

    A packed pass costs the tokens of its rows. A padded pass costs its number of rows times the longest row, so rows of similar
    length share a pass. The longest row sets the budget if it exceeds `tokens_per_pass`.
    """
    budget = max(tokens_per_pass, int(lengths.max(initial=1)))
    cut = _pack if packed else _group
    passes = 1
    while (bins := cut(lengths, passes * workers, budget)) is None:
        passes += 1
    bins.sort(key=lambda rows: -int(lengths[rows].sum()) if rows else 0)
    return [bins[number * workers : (number + 1) * workers] for number in range(passes)]


def _pack(lengths: Rows, bins: int, budget: int) -> list[list[int]] | None:
    """Put the longest row first into the bin with the fewest tokens; None if a bin overflows."""
    filled: list[list[int]] = [[] for _ in range(bins)]
    loads = [0] * bins
    for row in np.argsort(-lengths, kind="stable").tolist():
        lowest = loads.index(min(loads))
        filled[lowest].append(row)
        loads[lowest] += int(lengths[row])
    return filled if max(loads) <= budget else None


def _group(lengths: Rows, bins: int, budget: int) -> list[list[int]] | None:
    """Cut the rows, sorted by length, into at most `bins` groups with minimal largest cost; None if it exceeds `budget`."""
    order = np.argsort(lengths, kind="stable")
    if len(_cut(lengths, order, budget)) > bins:
        return None
    low, high = int(lengths.max(initial=1)), budget
    while low < high:
        middle = (low + high) // 2
        if len(_cut(lengths, order, middle)) <= bins:
            high = middle
        else:
            low = middle + 1
    groups = _cut(lengths, order, low)
    return groups + [[] for _ in range(bins - len(groups))]


def _cut(lengths: Rows, order: Rows, budget: int) -> list[list[int]]:
    groups: list[list[int]] = []
    for row in order.tolist():
        if groups and (len(groups[-1]) + 1) * int(lengths[row]) <= budget:
            groups[-1].append(row)
        else:
            groups.append([row])
    return groups


@dataclass(frozen=True, slots=True)
class Batch:
    """One pass as tensors. `inputs` are the student's arguments; the other tensors have one entry per learnt token.

    `places`, shape (2, tokens), gives the row and column of the logits that predict each token; None if they are in order.
    """

    inputs: dict[str, Any]
    labels: torch.Tensor
    weights: torch.Tensor
    objectives: torch.Tensor
    places: torch.Tensor | None

    def to(self, device: torch.device | str) -> "Batch":
        moved = {name: value.to(device) if torch.is_tensor(value) else value for name, value in self.inputs.items()}
        places = None if self.places is None else self.places.to(device)
        return Batch(moved, self.labels.to(device), self.weights.to(device), self.objectives.to(device), places)


def _learnt(examples: Sequence[Example], weights: Numbers) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Labels, weights and objective codes of the target tokens of all examples, in order."""
    counts = torch.tensor([example.target_tokens for example in examples])
    codes = torch.tensor([example.objective for example in examples])
    labels = torch.cat([_ids(example)[-example.target_tokens :] for example in examples])
    objectives = codes.repeat_interleave(counts)
    return labels, torch.tensor(weights, dtype=torch.float32)[objectives], objectives


def _ids(example: Example) -> torch.Tensor:
    return torch.from_numpy(example.ids.astype(np.int64))


def nothing(pad_id: int) -> Example:
    """A dummy row for a worker without rows that still takes part in a pass; the caller gives it weight 0."""
    return Example(np.full(2, pad_id, np.int32), 1, 0)


def pack(examples: Sequence[Example], weights: Numbers) -> Batch:
    """All examples in one row of shape (1, tokens); positions restart in each example.

    `block_bounds` and the arguments of flash attention give the start and end of each example.
    """
    lengths = [len(example.ids) for example in examples]
    bounds = [0, *accumulate(lengths)]
    # Each learnt token is predicted at the token before it.
    kept = [
        torch.arange(end - example.target_tokens - 1, end - 1)
        for end, example in zip(bounds[1:], examples, strict=True)
    ]
    cumulative = torch.tensor(bounds, dtype=torch.int32)
    inputs = {
        "input_ids": torch.cat([_ids(example) for example in examples])[None],
        "position_ids": torch.cat([torch.arange(length) for length in lengths])[None],
        "logits_to_keep": torch.cat(kept),
        "block_bounds": bounds,
        "cu_seq_lens_q": cumulative,
        "cu_seq_lens_k": cumulative,
        "max_length_q": max(lengths),
        "max_length_k": max(lengths),
    }
    return Batch(inputs, *_learnt(examples, weights), places=None)


def pad(examples: Sequence[Example], weights: Numbers, pad_id: int, *, keeps: bool) -> Batch:
    """Examples as rows of shape (rows, longest row), padded on the right.

    With `keeps`, logits are computed only for columns in which a row predicts a learnt token.
    """
    input_ids, attention_mask = _padded([_ids(example) for example in examples], pad_id)
    rows, columns = [], []
    for row, example in enumerate(examples):
        end = len(example.ids) - 1
        columns.append(torch.arange(end - example.target_tokens, end))
        rows.append(torch.full((example.target_tokens,), row))
    column = torch.cat(columns)
    inputs = {"input_ids": input_ids, "attention_mask": attention_mask}
    if keeps:
        inputs["logits_to_keep"], column = torch.unique(column, return_inverse=True)
    return Batch(inputs, *_learnt(examples, weights), places=torch.stack([torch.cat(rows), column]))


def pad_pairs(examples: Sequence[Example], weights: Numbers, pad_id: int, start_id: int) -> Batch:
    """Sources for the encoder, and targets shifted right by the start token for the decoder; both padded on the right."""
    targets = [_ids(example)[-example.target_tokens :] for example in examples]
    input_ids, attention_mask = _padded([_ids(e)[: -e.target_tokens] for e in examples], pad_id)
    shifted = [torch.cat([torch.tensor([start_id]), target[:-1]]) for target in targets]
    decoder_input_ids, decoder_mask = _padded(shifted, pad_id)
    places = decoder_mask.nonzero().T
    inputs = {
        "input_ids": input_ids,
        "attention_mask": attention_mask,
        "decoder_input_ids": decoder_input_ids,
        "decoder_attention_mask": decoder_mask,
    }
    return Batch(inputs, *_learnt(examples, weights), places=places)


def _padded(rows: Sequence[torch.Tensor], pad_id: int) -> tuple[torch.Tensor, torch.Tensor]:
    from torch.nn.utils.rnn import pad_sequence

    ids = pad_sequence(list(rows), batch_first=True, padding_value=pad_id)
    mask = pad_sequence([torch.ones_like(row) for row in rows], batch_first=True)
    return ids, mask
