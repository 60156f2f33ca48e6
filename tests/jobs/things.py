"""A user task for the tests: `data_dir/things/<split>.jsonl` has rows `question` and `answer`, as in pad_ray/README.md."""

from pathlib import Path

from pad_ray.schema import AnswerKind
from pad_ray.tasks import TASKS, Protocol, Task
from pad_ray.tasks.base import Entry, questions
from pad_ray.tasks.files import PublishedFile


def read(split, data_dir):
    rows = PublishedFile("things", f"things/{split}.jsonl").rows(data_dir)
    entries = [Entry(row.text("question"), row.number("answer")) for row in rows]
    return questions("things", split, AnswerKind.NUMBER, entries)


THINGS = Task(
    name="things",
    description="sums of things",
    licence="Apache-2.0",
    source="written for the tests",
    protocol="train to learn from, test to measure",
    protocols=(Protocol("train", "things train"), Protocol("test", "things test")),
    answer_kind=AnswerKind.NUMBER,
    published=("train", "test"),
    read=read,
    demonstrations=Path(__file__).with_name("things.yaml"),
)
TASKS["things"] = THINGS
