"""Coin flip (Wei et al. 2022, 2201.11903): is a coin still heads up after some of four people flip it?"""

from collections.abc import Iterator
from pathlib import Path

from pad_ray.schema import AnswerKind, Question
from pad_ray.tasks.base import Entry, Protocol, Task, question, questions
from pad_ray.tasks.files import FileRow, PublishedFile
from pad_ray.tasks.generated import four_names, stream

NAME = "coin_flip"
FILE = PublishedFile(NAME, "coin_flip/coin_flip.json")


def read(split: str, data_dir: str | Path | None) -> list[Question]:
    """The 500 published questions. Raises InputError."""
    return questions(NAME, split, AnswerKind.YES_NO, (_entry(row) for row in FILE.rows(data_dir, key="examples")))


def generate(split: str, seed: int) -> Iterator[Question]:
    """Questions in the published wording with our own names, without end."""
    random = stream(NAME, split, seed)
    for names in four_names(NAME, split, random):
        flips = [random.random() < 0.5 for _ in names]
        verbs = ["flips" if flip else "does not flip" for flip in flips]
        moves = " ".join(f"{name} {verb} the coin." for name, verb in zip(names, verbs, strict=True))
        text = f'A coin is heads up. {moves} Is the coin still heads up? Note that "flip" here means "reverse".'
        yield question(NAME, split, AnswerKind.YES_NO, Entry(text, "no" if sum(flips) % 2 else "yes"))


def _entry(row: FileRow) -> Entry:
    return Entry(row.text("question"), row.gold("answer", AnswerKind.YES_NO, row.text("answer")))


TASK = Task(
    name=NAME,
    description="tracking a coin that four people flip or leave",
    licence="not stated",
    source="kojima-takeshi188/zero_shot_cot (test); generated (train, validation)",
    protocol="test = the 500 published questions; train and validation are generated, with names of their own",
    protocols=(
        Protocol("test", "coin flip-500", 500),
        Protocol("train", "coin flip train (generated)"),
        Protocol("validation", "coin flip validation (generated)"),
    ),
    answer_kind=AnswerKind.YES_NO,
    published=("test",),
    generated=("train", "validation"),
    read=read,
    generate=generate,
)
