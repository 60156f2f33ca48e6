"""GSM-Hard (PAL, Gao et al. 2022, 2211.10435): the GSM8K test questions with one number replaced by a large one."""

from pathlib import Path

from pad_ray.schema import AnswerKind, Question
from pad_ray.tasks.base import Entry, Protocol, Task, questions
from pad_ray.tasks.files import PublishedFile

NAME = "gsm_hard"
FILE = PublishedFile(NAME, "gsm_hard/gsmhardv2.jsonl", "reasoning-machines/gsm-hard", ("gsmhardv2.jsonl",))


def read(split: str, data_dir: str | Path | None) -> list[Question]:
    """The 1,319 test questions. Raises InputError."""
    entries = (Entry(row.text("input"), row.number("target")) for row in FILE.rows(data_dir))
    return questions(NAME, split, AnswerKind.NUMBER, entries)


TASK = Task(
    name=NAME,
    description="GSM8K test questions with one number replaced by a large one",
    licence="see the PAL repository",
    source="reasoning-machines/pal",
    protocol="test only; golds are the published floats, 303 of them not integers and 146 negative",
    protocols=(Protocol("test", "GSM-Hard-1319 transfer", 1_319),),
    answer_kind=AnswerKind.NUMBER,
    published=("test",),
    read=read,
)
