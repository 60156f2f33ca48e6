"""MultiArith (Roy and Roth 2015, 1608.01413): two-step word problems."""

from pathlib import Path

from pad_ray.schema import AnswerKind, Question
from pad_ray.tasks.base import Entry, Protocol, Task, questions
from pad_ray.tasks.files import FileRow, PublishedFile

NAME = "multiarith"
FILE = PublishedFile(NAME, "multiarith/MultiArith.json", "ChilleD/MultiArith", ("train.json", "test.json"))


def read(split: str, data_dir: str | Path | None) -> list[Question]:
    """The 600 questions, 20 of them repeated. Raises InputError."""
    return questions(NAME, split, AnswerKind.NUMBER, (_entry(row) for row in FILE.rows(data_dir)))


def _entry(row: FileRow) -> Entry:
    if "final_ans" in row.fields:
        # The hub names these two fields differently.
        return Entry(row.text("question"), row.number("final_ans"))
    return Entry(row.text("sQuestion"), row.only("lSolutions").number("lSolutions"))


TASK = Task(
    name=NAME,
    description="two-step word problems",
    licence="not stated",
    source="kojima-takeshi188/zero_shot_cot",
    protocol="test only: all 600 questions",
    protocols=(Protocol("test", "MultiArith-600 transfer", 600),),
    answer_kind=AnswerKind.NUMBER,
    published=("test",),
    read=read,
)
