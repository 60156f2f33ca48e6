"""SVAMP (Patel et al. 2021, 2103.07191): one-step word problems varied so that shallow cues mislead."""

from pathlib import Path
from random import Random

from pad_ray.schema import AnswerKind, Question
from pad_ray.tasks.base import Entry, Protocol, Task, questions
from pad_ray.tasks.files import FileRow, PublishedFile

NAME = "svamp"
FILE = PublishedFile(NAME, "svamp/SVAMP.json", "ChilleD/SVAMP", ("train.json", "test.json"))
IN_DOMAIN_SIZES = {"indomain_train": 720, "indomain_validation": 80, "indomain_test": 200}
IN_DOMAIN_SEED = 0


def read(split: str, data_dir: str | Path | None) -> list[Question]:
    """All 1,000 questions as `test`, or an in-domain split of them. Raises InputError."""
    rows = sorted(FILE.rows(data_dir), key=_number_of)
    split_rows = rows if split == "test" else [rows[index] for index in in_domain_indices(split, len(rows))]
    entries = (Entry(f"{row.text('Body')} {row.text('Question')}", row.number("Answer")) for row in split_rows)
    return questions(NAME, split, AnswerKind.NUMBER, entries)


def in_domain_indices(split: str, size: int) -> list[int]:
    """The row indices, ascending, of an in-domain split: consecutive parts of one seeded shuffle."""
    order = Random(IN_DOMAIN_SEED).sample(range(size), size)
    names = list(IN_DOMAIN_SIZES)
    start = sum(IN_DOMAIN_SIZES[name] for name in names[: names.index(split)])
    return sorted(order[start : start + IN_DOMAIN_SIZES[split]])


def _number_of(row: FileRow) -> int:
    # The hub holds the same rows in another order.
    prefix, _, number = row.text("ID").partition("-")
    if prefix != "chal" or not (number.isascii() and number.isdigit()):
        raise row.fault("ID", "should read chal-<number>")
    return int(number)


TASK = Task(
    name=NAME,
    description="one-step word problems varied so that shallow cues mislead",
    licence="MIT",
    source="arkilpatel/SVAMP",
    protocol="test = all 1,000 (transfer); indomain_* = 720/80/200 of the same questions by a fixed seeded shuffle",
    protocols=(
        Protocol("test", "SVAMP-1000 transfer", 1_000),
        Protocol("indomain_train", "SVAMP-720 in-domain train", 720),
        Protocol("indomain_validation", "SVAMP-80 in-domain validation", 80),
        Protocol("indomain_test", "SVAMP-200 in-domain", 200),
    ),
    answer_kind=AnswerKind.NUMBER,
    published=("test", *IN_DOMAIN_SIZES),
    read=read,
)
