"""Last letters (Wei et al. 2022, 2201.11903): join the last letters of four names."""

from collections.abc import Iterator
from pathlib import Path

from pad_ray.schema import AnswerKind, Question
from pad_ray.tasks.base import Entry, Protocol, Task, question, questions
from pad_ray.tasks.files import FileRow, PublishedFile
from pad_ray.tasks.generated import four_names, stream

NAME = "last_letters"
FILE = PublishedFile(NAME, "last_letters/last_letters.json")


def read(split: str, data_dir: str | Path | None) -> list[Question]:
    """The 500 published questions. Raises InputError."""
    return questions(NAME, split, AnswerKind.TEXT, (_entry(row) for row in FILE.rows(data_dir, key="examples")))


def generate(split: str, seed: int) -> Iterator[Question]:
    """Questions in the published wording with our own names, without end."""
    for names in four_names(NAME, split, stream(NAME, split, seed)):
        text = f'Take the last letters of each words in "{" ".join(names)}" and concatenate them.'
        yield question(NAME, split, AnswerKind.TEXT, Entry(text, "".join(name[-1] for name in names)))


def _entry(row: FileRow) -> Entry:
    return Entry(row.text("question"), row.gold("answer", AnswerKind.TEXT, row.text("answer")))


TASK = Task(
    name=NAME,
    description="joining the last letters of four names",
    licence="not stated",
    source="kojima-takeshi188/zero_shot_cot (test); generated (train, validation)",
    protocol="test = the 500 published questions; train and validation are generated, with names of their own",
    protocols=(
        Protocol("test", "last letters-500", 500),
        Protocol("train", "last letters train (generated)"),
        Protocol("validation", "last letters validation (generated)"),
    ),
    answer_kind=AnswerKind.TEXT,
    published=("test",),
    generated=("train", "validation"),
    read=read,
    generate=generate,
)
