"""The questions of a run as Parquet, and the blocks of them that are the units of work."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache

import pyarrow as pa

from pad_ray.rundir import RunDir
from pad_ray.schema import Question, from_table

TRAIN = "questions/train"
TEST = "questions/test"
UNUSABLE = "questions/unusable"
# A worker that is handed a block reads its whole part, so a part is small.
QUESTIONS_PER_PART = 2000


@dataclass(frozen=True, slots=True)
class Block:
    """Consecutive questions of one part."""

    part: str
    start: int
    questions: int


@dataclass
class Stored:
    """What became of the questions that were read; `unusable` counts by reason."""

    asked: int = 0
    unusable: Counter[str] = field(default_factory=Counter)

    @property
    def kept(self) -> int:
        return self.asked - self.unusable.total()


def store(run: RunDir, questions: Iterable[Question]) -> Stored:
    """Write the train questions, and those that cannot be asked apart with their reason. Streams."""
    run.delete(TRAIN)
    run.delete(UNUSABLE)
    stored, seen, part, unusable = Stored(), set[int](), list[Question](), list[tuple[str, str]]()
    written = 0
    for question in questions:
        stored.asked += 1
        reason = _fault(question, seen)
        if reason is not None:
            stored.unusable[reason] += 1
            unusable.append((question.question_id, reason))
            continue
        part.append(question)
        if len(part) == QUESTIONS_PER_PART:
            run.write_records(f"{TRAIN}/part-{written:06}.parquet", Question, part)
            written, part = written + 1, []
    if part:
        run.write_records(f"{TRAIN}/part-{written:06}.parquet", Question, part)
    if unusable:
        columns = zip(*unusable, strict=True)
        table = pa.table([pa.array(column, pa.string()) for column in columns], names=["question_id", "reason"])
        run.write_table(f"{UNUSABLE}/part-000000.parquet", table)
    return stored


def _fault(question: Question, seen: set[int]) -> str | None:
    """Why a question cannot be asked, or None."""
    try:
        " ".join([question.text, question.gold, *question.facts]).encode()
    except UnicodeEncodeError:
        return "not valid Unicode"
    if not question.text.strip():
        return "empty text"
    number = int(question.question_id, 16)
    if number in seen:
        return "id seen before"
    seen.add(number)
    return None


def blocks(run: RunDir, size: int) -> Iterator[Block]:
    """The train questions in blocks of at most `size`; a block lies within one part."""
    for part in run.parts(TRAIN):
        rows = run.row_count(part)
        for start in range(0, rows, size):
            yield Block(part, start, min(size, rows - start))


def read_block(run: RunDir, block: Block) -> list[Question]:
    """The questions of a block."""
    return from_table(Question, _part(run.location, block.part).slice(block.start, block.questions))


@lru_cache(maxsize=2)
def _part(location: str, name: str) -> pa.Table:
    """The part that a worker's last blocks came from; the next ones usually come from it too."""
    return RunDir(location).read_part(name)
