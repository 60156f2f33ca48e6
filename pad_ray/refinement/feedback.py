"""The feedback that a student reads on its program: the last line of the traceback, or the returned value."""

import re

from pad_ray.schema import AnswerKind
from pad_ray.tasks.answers import equal

RETURNED = "returned "
NUMBER = re.compile(r"(?<![\w.])-?[0-9]+(?:,[0-9]{3})*(?:\.[0-9]+)?(?:/[0-9]+|[eE][+-]?[0-9]+)?(?!\w)", re.ASCII)


def told(feedback: str) -> str:
    """A verdict's feedback in the form for a student; it must never contain the gold answer (see `reveals`)."""
    return f"the program {feedback}" if feedback.startswith(RETURNED) else feedback


def reveals(feedback: str, gold: str, kind: AnswerKind) -> bool:
    """Whether feedback contains the gold answer, even by chance: as a line number, or as part of a returned text."""
    if kind is AnswerKind.NUMBER:
        return any(equal(kind, number, gold) for number in NUMBER.findall(feedback))
    return re.search(rf"(?<!\w){re.escape(gold)}(?!\w)", feedback, re.IGNORECASE) is not None
