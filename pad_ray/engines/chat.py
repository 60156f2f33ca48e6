"""Chat messages as the tokens a model reads, by the template that its tokenizer carries."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from jinja2 import TemplateError

from pad_ray.paths.base import Message


def chat_token_ids(tokenizer: Any, messages: Sequence[Message]) -> list[int]:
    """Tokens of `messages` up to where the answer begins.

    As tokens, because a template writes its special tokens itself and a tokenizer would put its own before the text.

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
