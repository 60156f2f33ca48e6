"""Whether a student's tokenizer gives back what the student is to write.

T5's tokenizers turn line ends and indentation into single spaces, so that a program is lost before the student has read it.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from pad_ray.errors import InputError
from pad_ray.schema import Objective

PROGRAM = (
    'def solution():\n    """Boxes, not "bags"."""\n    boxes = {"small": 3, "large": [4, 5]}\n    total = 0\n'
    "    for size in boxes['large']:\n        if size > 1 and total <= 2 << 1:\n            total += size * 2 ** 1\n"
    "        else:\n            total -= 7 // 2 % 3\n    result = total\n    return result"
)
LINES = "How many boxes are there?\nHow many are left?"
SAMPLES: dict[Objective, str] = {
    Objective.PROGRAM: PROGRAM,
    Objective.DECOMPOSE: LINES,
    Objective.UNIFIED_SOCRATIC: f"{LINES.replace('?', '? ** 3 + 4 = 7.')}\n#### 7",
}
"""A text of each objective that is read line by line; others are read by what they state, whatever their line ends."""


def demand_round_trip(name: str, tokenizer: Any, objectives: Sequence[Objective]) -> None:
    """Check that a tokenizer gives back texts of these objectives.

    Raises:
        InputError: it does not; the message says which objectives, what is lost, and what to do.
    """
    lost = [
        objective for objective in objectives if objective in SAMPLES and not _returns(tokenizer, SAMPLES[objective])
    ]
    if lost:
        raise InputError(
            f"training.student: the tokenizer of {name} does not give back {_loss(tokenizer, SAMPLES[lost[0]])} of a text, so "
            f"the student cannot learn {', '.join(lost)}; take a student whose tokenizer keeps them (CodeT5 instead of T5, or "
            "a decoder-only student), or leave these out of corpus.objectives and synthesis.paths"
        )


def check_student_writes(name: str, folder: str, objectives: Sequence[Objective]) -> None:
    """`demand_round_trip` of the tokenizer in a student's folder."""
    if any(objective in SAMPLES for objective in objectives):
        demand_round_trip(name, _tokenizer(folder), objectives)


@lru_cache(maxsize=4)
def _tokenizer(folder: str) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder)
    except (OSError, ValueError) as error:
        raise InputError(f"training.student: {folder} has no tokenizer that can be loaded: {error}") from error


def _returns(tokenizer: Any, text: str) -> bool:
    """Whether the text comes back but for blanks around it, which every reader strips."""
    return _back(tokenizer, text).strip() == text.strip()


def _back(tokenizer: Any, text: str) -> str:
    # As training encodes targets and as engines decode completions.
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    return str(tokenizer.decode(ids, skip_special_tokens=True))


def _loss(tokenizer: Any, text: str) -> str:
    """What is lost, in words."""
    back = _back(tokenizer, text)
    if back.count("\n") < text.strip().count("\n"):
        return "the line ends"
    if back.count("    ") < text.count("    "):
        return "the indentation"
    missing = sorted(set(text) - set(back) - {" "})
    return f"the characters {' '.join(missing)}" if missing else "the spaces"
