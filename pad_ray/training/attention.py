"""Attention over packed rows: each row of a packed sequence attends only to itself.

Registered with transformers as an attention implementation. transformers' `sdpa` detects packed rows from the positions and
masks a square over all tokens. Here, each row is a separate causal attention, so a pass costs the sum of squared row lengths
instead of the square of their sum, and needs no mask in memory.
"""

from itertools import pairwise
from typing import Any

import torch
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

BLOCKS = "pad_ray_blocks"


def block_attention(
    module: torch.nn.Module,
    query: torch.Tensor,
    key: torch.Tensor,
    value: torch.Tensor,
    attention_mask: torch.Tensor | None,
    block_bounds: list[int] | None = None,
    sliding_window: int | None = None,
    **options: Any,
) -> tuple[torch.Tensor, None]:
    """Attention of shape (1, tokens, heads, size) from queries, keys and values of shape (1, heads, tokens, size).

    `block_bounds` gives the start and end of each row; without it, this is transformers' `sdpa`.
    """
    if block_bounds is None:
        attended, _ = sdpa_attention_forward(module, query, key, value, attention_mask, **options)
        return attended, None
    blocks = []
    for start, end in pairwise(block_bounds):
        mask = _window(end - start, sliding_window, query.device)
        parts = (tensor[:, :, start:end] for tensor in (query, key, value))
        blocks.append(sdpa_attention_forward(module, *parts, mask, **options)[0])
    return torch.cat(blocks, dim=1), None


def _window(length: int, window: int | None, device: torch.device) -> torch.Tensor | None:
    """The sliding-window mask of a row that is longer than the window; None if plain causal attention is enough."""
    if window is None or length <= window:
        return None
    distance = torch.arange(length, device=device)[:, None] - torch.arange(length, device=device)
    return ((distance >= 0) & (distance < window))[None, None]


def _mask(*arguments: Any, attention_mask: torch.Tensor | None = None, **options: Any) -> torch.Tensor | None:
    # Packed rows have no padding mask and need none.
    if attention_mask is None:
        return None
    mask: torch.Tensor | None = sdpa_mask(*arguments, attention_mask=attention_mask, **options)
    return mask


def register() -> str:
    """Register this attention with transformers; returns its name for loading a model."""
    AttentionInterface.register(BLOCKS, block_attention)
    AttentionMaskInterface.register(BLOCKS, _mask)
    return BLOCKS
