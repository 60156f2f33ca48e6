"""StrategyQA (Geva et al. 2021, 2101.02235): yes/no questions whose reasoning steps are implicit.

Two tasks share the same rows: PaD shows the annotated supporting facts with the question, which makes it much easier, so
the version with facts has a separate name.
"""

from functools import partial
from pathlib import Path

from pad_ray.schema import AnswerKind, Question
from pad_ray.tasks.base import Entry, Protocol, Task, questions
from pad_ray.tasks.files import FileRow, PublishedFile

NAME = "strategyqa"
NAME_WITH_FACTS = "strategyqa_with_facts"
# The hub's copies divide the questions into other splits, so a score on their test split would not be comparable.
FILES = {"train": "strategyqa/train.json", "test": "strategyqa/dev.json"}


def read(split: str, data_dir: str | Path | None, *, name: str) -> list[Question]:
    """The 2,061 train questions, or as `test` the 229 questions published as dev. Raises InputError."""
    rows = PublishedFile(name, FILES[split]).rows(data_dir)
    entries = (_entry(row, with_facts=name == NAME_WITH_FACTS) for row in rows)
    return questions(name, split, AnswerKind.YES_NO, entries)


def _entry(row: FileRow, *, with_facts: bool) -> Entry:
    facts = tuple(row.texts("facts")) if with_facts else ()
    return Entry(row.text("question"), "yes" if row.boolean("answer") else "no", facts)


TASK = Task(
    name=NAME,
    description="yes/no questions whose reasoning steps are implicit, without supporting facts",
    licence="MIT",
    source="eladsegal/strategyqa",
    protocol="train = the published train file, test = the published dev file; no facts are shown",
    protocols=(
        Protocol("train", "StrategyQA-2061 train, without facts", 2_061),
        Protocol("test", "StrategyQA-229 dev, without facts", 229),
    ),
    answer_kind=AnswerKind.YES_NO,
    published=("train", "test"),
    read=partial(read, name=NAME),
)
TASK_WITH_FACTS = Task(
    name=NAME_WITH_FACTS,
    description="yes/no questions whose reasoning steps are implicit, with the annotated supporting facts",
    licence="MIT",
    source="eladsegal/strategyqa",
    protocol="as strategyqa, with the annotated facts shown: the setting of PaD, reported under its own name",
    protocols=(
        Protocol("train", "StrategyQA-2061 train, with facts", 2_061),
        Protocol("test", "StrategyQA-229 dev, with facts", 229),
    ),
    answer_kind=AnswerKind.YES_NO,
    published=("train", "test"),
    read=partial(read, name=NAME_WITH_FACTS),
)
