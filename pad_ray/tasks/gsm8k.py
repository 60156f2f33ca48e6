"""GSM8K (Cobbe et al. 2021, 2110.14168): grade-school word problems with worked solutions."""

from collections.abc import Iterator
from pathlib import Path

from pad_ray.schema import AnswerKind, Question
from pad_ray.tasks.base import Entry, Protocol, Task, questions
from pad_ray.tasks.files import FileRow, PublishedFile

NAME = "gsm8k"


def read(split: str, data_dir: str | Path | None) -> list[Question]:
    """The 7,473 train or 1,319 test questions. Raises InputError."""
    hub_file = f"main/{split}-00000-of-00001.parquet"
    rows = PublishedFile(NAME, f"gsm8k/{split}.jsonl", "openai/gsm8k", (hub_file,)).rows(data_dir)
    return questions(NAME, split, AnswerKind.NUMBER, _entries(rows))


def _entries(rows: list[FileRow]) -> Iterator[Entry]:
    for row in rows:
        _, mark, gold = row.text("answer").rpartition("####")
        if not mark:
            raise row.fault("answer", "has no final answer after ####")
        yield Entry(row.text("question"), row.gold("answer", AnswerKind.NUMBER, gold.strip()))


TASK = Task(
    name=NAME,
    description="grade-school word problems of two to eight steps",
    licence="MIT",
    source="openai/grade-school-math",
    protocol="published train and test splits; the number after #### is gold",
    protocols=(
        Protocol("train", "GSM8K-7473 train", 7_473),
        Protocol("test", "GSM8K-1319", 1_319),
    ),
    answer_kind=AnswerKind.NUMBER,
    published=("train", "test"),
    read=read,
)
