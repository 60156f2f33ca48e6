"""Answers without a path (label only): the baseline that shows what reasoning adds."""

from pad_ray.paths.base import asked_text
from pad_ray.paths.rationale import ANSWER_MARK
from pad_ray.schema import Question

ANSWER_CUE = "Final answer:"


def answer_source(question: Question) -> str:
    """What a student reads that answers at once; the cue differs from that of every path."""
    return f"Question: {asked_text(question)}\n{ANSWER_CUE}\n"


def answer_target(answer: str) -> str:
    """The line that ends every path in words, so that the same comparator reads it (`judge_rationale`)."""
    return f"{ANSWER_MARK} {answer}"
