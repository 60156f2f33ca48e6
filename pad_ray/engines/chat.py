"""Convert chat messages to a model's input tokens with the template of its tokenizer."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from jinja2 import TemplateError

from pad_ray.paths.base import Message


def chat_token_ids(tokenizer: Any, messages: Sequence[Message]) -> list[int]:
    """The tokens of `messages` up to the start of the answer.

    Not text, because the template adds special tokens and the tokenizer would add them again.

    Raises:
        ValueError: the model has no chat template, or its template refuses the messages.
    """
    if not getattr(tokenizer, "chat_template", None):
        raise ValueError("the model has no chat template: ask it with plain text, or take an instruction-tuned model")
    chat = [asdict(message) for message in messages]
    try:
        return list(tokenizer.apply_chat_template(chat, add_generation_prompt=True, return_dict=False))
    except TemplateError as error:
        raise ValueError(f"the model's chat template refuses the messages: {error}") from error
