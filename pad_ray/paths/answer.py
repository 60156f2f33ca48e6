"""Answers without a path (label only): the baseline that shows the value of reasoning."""

from pad_ray.paths.base import asked_text
from pad_ray.paths.rationale import ANSWER_MARK
from pad_ray.schema import Question

ANSWER_CUE = "Final answer:"


def answer_source(question: Question) -> str:
    """The prompt of a student that answers directly; its cue differs from those of all paths."""
    return f"Question: {asked_text(question)}\n{ANSWER_CUE}\n"


def answer_target(answer: str) -> str:
    """The last line of every path in words, so the same comparator reads it (`judge_rationale`)."""
    return f"{ANSWER_MARK} {answer}"
