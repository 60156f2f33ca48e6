"""The type of a task, and how its questions are built, named and sampled."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random

from pad_ray.errors import InputError
from pad_ray.schema import AnswerKind, Question, content_id

DEFAULT_GENERATED_LIMIT = 1_000
"""Number of questions in a generated validation or test split if no limit is given."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A question before it has an id: its text, canonical gold answer and supporting facts."""

    text: str
    gold: str
    facts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Protocol:
    """The name under which scores on a split are comparable: it says which questions are asked and what is shown with them.

    `questions` is the number of questions in a full score; None if the split is generated without end.
    """

    split: str
    name: str
    questions: int | None = None

    def label(self, asked: int) -> str:
        """The name, followed by the number of questions asked unless all of them were."""
        if self.questions is None:
            return f"{self.name}, {asked} questions"
        return self.name if asked == self.questions else f"{self.name}, {asked} of {self.questions} questions"


Reader = Callable[[str, str | Path | None], list[Question]]
Generator = Callable[[str, int], Iterator[Question]]
Shots = Callable[[str | Path | None], dict[str, list[Question]]]


@dataclass(frozen=True, slots=True)
class Task:
    """A set of questions with gold answers.

    `read(split, data_dir)` reads the `published` splits from files; `generate(split, seed)` yields the `generated` ones
    without end. `protocol` says how the set is used; `protocols` has one entry per split. `answer_kind` is None if it
    differs by question. `demonstrations` is a file of solved questions; by default the library's file for the task's name.
    Only tasks of general ability have `shots(data_dir)`. No student is trained for these tasks: every student answers
    directly, after the same solved questions of the same sub-task. `shots` returns them by sub-task; no split holds them.
    """

    name: str
    description: str
    licence: str
    source: str
    protocol: str
    protocols: tuple[Protocol, ...]
    answer_kind: AnswerKind | None
    published: tuple[str, ...] = ()
    generated: tuple[str, ...] = ()
    read: Reader | None = None
    generate: Generator | None = None
    demonstrations: Path | None = None
    shots: Shots | None = None

    @property
    def splits(self) -> tuple[str, ...]:
        """The names that `load` accepts."""
        return self.published + self.generated

    def load(
        self, split: str, data_dir: str | Path | None = None, limit: int | None = None, seed: int = 0
    ) -> list[Question]:
        """The questions of a split, as `stream` gives them."""
        return list(self.stream(split, data_dir, limit, seed))

    def stream(
        self, split: str, data_dir: str | Path | None = None, limit: int | None = None, seed: int = 0
    ) -> Iterator[Question]:
        """The questions of a split; generated ones are made on demand.

        Published: all of them in file order, or a sample of at most `limit` drawn without replacement by `seed`, in
        file order. Generated: the first `limit` for that `seed`, so a larger request begins with the smaller one;
        `train` needs a limit, other splits default to `DEFAULT_GENERATED_LIMIT`. `data_dir` defaults to the environment
        variable PAD_RAY_DATA, then to the Hugging Face hub. Raises InputError; a split is read whole or not at all.
        """
        if limit is not None and limit < 1:
            raise InputError(f"task {self.name}: limit is {limit}; it must be at least 1")
        if split in self.published and self.read is not None:
            return iter(sample(self.read(split, data_dir), limit, seed))
        if split in self.generated and self.generate is not None:
            return islice(self.generate(split, seed), self._generated_limit(split, limit))
        raise InputError(f"task {self.name} has no split {split!r}; it has {', '.join(self.splits)}")

    def _generated_limit(self, split: str, limit: int | None) -> int:
        if limit is None and split == "train":
            raise InputError(f"task {self.name}: its train split is generated without end; give a limit")
        return DEFAULT_GENERATED_LIMIT if limit is None else limit


def questions(task: str, split: str, kind: AnswerKind, entries: Iterable[Entry]) -> list[Question]:
    """Questions in the given order. Repeated rows get different ids: published sets contain duplicates."""
    seen: Counter[tuple[str, tuple[str, ...]]] = Counter()
    built = []
    for entry in entries:
        key = (entry.text, entry.facts)
        built.append(question(task, split, kind, entry, seen[key]))
        seen[key] += 1
    return built


def question(task: str, split: str, kind: AnswerKind, entry: Entry, occurrence: int = 0) -> Question:
    """One question; `occurrence` counts the earlier rows of the split with the same text and facts."""
    facts = list(entry.facts)
    question_id = content_id("question", task, split, entry.text, facts, occurrence)
    return Question(question_id, task, split, entry.text, entry.gold, kind, facts)


def sample(rows: list[Question], limit: int | None, seed: int) -> list[Question]:
    """At most `limit` of the rows, drawn without replacement, in their original order; all of them without a limit."""
    if limit is None or limit >= len(rows):
        return rows
    return [rows[index] for index in sorted(Random(seed).sample(range(len(rows)), limit))]
