"""Attention over packed rows: each row of a packed sequence sees itself alone.

Registered with transformers as an implementation of its own. transformers' `sdpa` sees packed rows in their positions and
masks a square of all tokens; here each row is a causal attention of its own, so a pass costs the sum of the squares of
its rows and not the square of their sum, and no mask is held.
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

    `block_bounds` holds where rows start and end; without it, this is transformers' `sdpa`.
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
    """The mask of a row that is longer than what its tokens see; None where plain causal attention does."""
    if window is None or length <= window:
        return None
    distance = torch.arange(length, device=device)[:, None] - torch.arange(length, device=device)
    return ((distance >= 0) & (distance < window))[None, None]


def _mask(*arguments: Any, attention_mask: torch.Tensor | None = None, **options: Any) -> torch.Tensor | None:
    # Packed rows come without a mask of padding, and need none.
    if attention_mask is None:
        return None
    mask: torch.Tensor | None = sdpa_mask(*arguments, attention_mask=attention_mask, **options)
    return mask


def register() -> str:
    """Make it known to transformers; returns the name to load a model with."""
    AttentionInterface.register(BLOCKS, block_attention)
    AttentionMaskInterface.register(BLOCKS, _mask)
    return BLOCKS
