"""Check that a student's tokenizer can reproduce the texts that the student must write.

T5's tokenizers turn line ends and indentation into single spaces, so a program is lost before the student reads it.
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
"""A sample text of each objective that is parsed line by line; for other objectives, line ends do not matter."""


def demand_round_trip(name: str, tokenizer: Any, objectives: Sequence[Objective]) -> None:
    """Check that a tokenizer reproduces texts of these objectives.

    Raises:
        InputError: it does not; the message says which objectives, what is lost, and what to do.
    """
    lost = [
        objective for objective in objectives if objective in SAMPLES and not _returns(tokenizer, SAMPLES[objective])
    ]
    if lost:
        raise InputError(
            f"training.student: the tokenizer of {name} does not keep {_loss(tokenizer, SAMPLES[lost[0]])} of a text, so "
            f"the student cannot learn {', '.join(lost)}; use a student whose tokenizer does (CodeT5 instead of T5, or a "
            "decoder-only student), or leave these out of corpus.objectives and synthesis.paths"
        )


def check_student_writes(name: str, folder: str, objectives: Sequence[Objective]) -> None:
    """`demand_round_trip` for the tokenizer in a student's folder."""
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
    """Whether the text is reproduced, except for leading and trailing blanks, which all parsers strip."""
    return _back(tokenizer, text).strip() == text.strip()


def _back(tokenizer: Any, text: str) -> str:
    # Encodes like training and decodes like the engines.
    ids = tokenizer(text, add_special_tokens=False)["input_ids"]
    return str(tokenizer.decode(ids, skip_special_tokens=True))


def _loss(tokenizer: Any, text: str) -> str:
    """The lost part of the text, in words."""
    back = _back(tokenizer, text)
    if back.count("\n") < text.strip().count("\n"):
        return "the line ends"
    if back.count("    ") < text.count("    "):
        return "the indentation"
    missing = sorted(set(text) - set(back) - {" "})
    return f"the characters {' '.join(missing)}" if missing else "the spaces"
