"""The questions of a run as Parquet, and their blocks, which are the units of work."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import pyarrow as pa

from pad_ray.errors import InputError
from pad_ray.run.folder import RunDir
from pad_ray.schema import AnswerKind, Question, from_table, storable
from pad_ray.tasks.answers import canonical_gold

TRAIN = "questions/train"
TEST = "questions/test"
UNUSABLE = "questions/unusable"
# The first 32 bits of an id determine the corpus bucket of a question.
ID = re.compile("[0-9a-f]{8,}")
# A worker reads the whole part of a block, so parts are small.
QUESTIONS_PER_PART = 2000


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive questions of one part."""

    part: str
    start: int
    questions: int


@dataclass
class QuestionCounts:
    """Counts of the questions read; `unusable` counts the unusable ones by reason."""

    asked: int = 0
    unusable: Counter[str] = field(default_factory=Counter)

    @property
    def kept(self) -> int:
        return self.asked - self.unusable.total()


def store(run: RunDir, questions: Iterable[Question]) -> QuestionCounts:
    """Write the usable train questions, and the ids of unusable ones with their reason. Works in a streaming way."""
    run.delete(TRAIN)
    run.delete(UNUSABLE)
    stored, seen, part, unusable = QuestionCounts(), set[int](), list[Question](), list[tuple[str, str]]()
    part_count = 0
    for question in questions:
        stored.asked += 1
        reason = fault(question) or _repeated(question, seen)
        if reason is not None:
            stored.unusable[reason] += 1
            unusable.append((storable(str(question.question_id)), reason))
            continue
        part.append(question)
        if len(part) == QUESTIONS_PER_PART:
            run.write_records(f"{TRAIN}/part-{part_count:06}.parquet", Question, part)
            part_count, part = part_count + 1, []
    if part:
        run.write_records(f"{TRAIN}/part-{part_count:06}.parquet", Question, part)
    if unusable:
        columns = zip(*unusable, strict=True)
        table = pa.table([pa.array(column, pa.string()) for column in columns], names=["question_id", "reason"])
        run.write_table(f"{UNUSABLE}/part-000000.parquet", table)
    return stored


def _repeated(question: Question, seen: set[int]) -> str | None:
    number = int(question.question_id, 16)
    if number in seen:
        return "id seen before"
    seen.add(number)
    return None


def fault(question: Question) -> str | None:
    """The reason why a question cannot be asked or compared, or None."""
    texts = [question.question_id, question.task, question.split, question.text, question.gold, *question.facts]
    if not all(isinstance(text, str) for text in texts):
        return "a field is no text"
    if any(text != storable(text) for text in texts):
        return "not valid Unicode"
    if not question.text.strip():
        return "empty text"
    if not ID.fullmatch(question.question_id):
        return "id is no hexadecimal number"
    try:
        if question.gold:
            canonical_gold(AnswerKind(question.answer_kind), question.gold)
    except ValueError:
        return "gold is no answer of its kind"
    return None


def demand_usable(name: str, questions: Sequence[Question], where: str) -> None:
    """Raise InputError if a test question is unusable: a test set must not shrink silently.

    `questions` are the whole split in file order; `where` names their source.
    """
    seen: dict[str, int] = {}
    for row, question in enumerate(questions, 1):
        reason = fault(question)
        first = seen.setdefault(str(question.question_id), row)
        if first != row:
            reason = reason or f"id seen before, in question {first}"
        if reason is not None:
            which = f"question {row} of {where} ({_shown(question.text)})"
            raise InputError(f"test set {name}: {which}: {reason}; repair or remove that row")


def _shown(text: Any) -> str:
    return ascii(text[:40]) if isinstance(text, str) else type(text).__name__


def blocks(run: RunDir, size: int) -> Iterator[Block]:
    """The train questions in blocks of at most `size`; a block never spans two parts."""
    for part in run.parts(TRAIN):
        rows = run.row_count(part)
        for start in range(0, rows, size):
            yield Block(part, start, min(size, rows - start))


def read_block(run: RunDir, block: Block) -> list[Question]:
    """The questions of a block."""
    part = _part(run.location, block.part, run.modified(block.part))
    return from_table(Question, part.slice(block.start, block.questions))


@lru_cache(maxsize=2)
def _part(location: str, name: str, modified: int) -> pa.Table:
    """A cached part: consecutive blocks of a worker usually come from the same part.

    The time of modification is part of the cache key, so that a long-lived worker never sees questions of an earlier call.
    """
    return RunDir(location).read_part(name)
