"""ASDiv (Miao et al. 2020): diverse word problems, answers with a unit in brackets.

The task keeps the 2,092 of 2,305 problems whose answer is exactly one number with at most one unit after it: "9 (apples)",
"5/2". It omits the other 213: several numbers ("8; 40"), ratios ("3:4"), times, dates, ordinals, names and
"-(1/3)". PAL (2211.10435) reports 2,096 problems, so its selection differs in at least four.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from pad_ray.errors import InputError
from pad_ray.schema import AnswerKind, Question
from pad_ray.tasks.base import Entry, Protocol, Task, questions
from pad_ray.tasks.files import FileRow, PublishedFile, read_text

NAME = "asdiv"
FILE = PublishedFile(NAME, "asdiv/ASDiv.xml")
_ONE_NUMBER = re.compile(r"(-?[0-9.,/]+)\s*(?:\([^()]*\))?")


def read(split: str, data_dir: str | Path | None) -> list[Question]:
    """The 2,092 single-number problems. Raises InputError."""
    rows = [row for path in FILE.locate(data_dir) for row in problems(path)]
    if not rows:
        raise InputError(f"task {NAME}: {FILE.path} holds no problem; use the published file")
    return questions(NAME, split, AnswerKind.NUMBER, _entries(rows))


def problems(path: Path) -> Iterator[FileRow]:
    """All problems of the XML file as rows, named by their index from 0. Raises InputError."""
    try:
        root = ElementTree.fromstring(read_text(path))
    except ElementTree.ParseError as error:
        raise InputError(f"{path}: is not XML ({error})") from error
    for index, problem in enumerate(root.iter("Problem")):
        yield FileRow({part.tag: part.text or "" for part in problem}, f"{path} row {index}")


def _entries(rows: list[FileRow]) -> Iterator[Entry]:
    for row in rows:
        answer = _ONE_NUMBER.fullmatch(row.text("Answer"))
        if answer is not None:
            gold = row.gold("Answer", AnswerKind.NUMBER, answer[1])
            yield Entry(f"{row.text('Body')} {row.text('Question')}", gold)


TASK = Task(
    name=NAME,
    description="diverse word problems of primary school with one number as answer",
    licence="CC BY-NC 4.0",
    source="chaochun/nlu-asdiv-dataset",
    protocol="test only; the 2,092 of 2,305 problems with a single-number answer (PAL keeps 2,096)",
    protocols=(Protocol("test", "ASDiv-2092 transfer (one number as answer)", 2_092),),
    answer_kind=AnswerKind.NUMBER,
    published=("test",),
    read=read,
)
