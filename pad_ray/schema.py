"""The data model: question -> draft -> verdict -> corpus row -> solution.

Every table of a run is a Parquet file of one of these types, with the schema defined here. Ids are content hashes: equal
work always gets the same id, changed work a new one.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from enum import StrEnum
from types import UnionType
from typing import Any, ClassVar, TypeVar, get_args, get_origin, get_type_hints

import pyarrow as pa
import xxhash

SCHEMA_VERSION = "1"
FEEDBACK_CHARACTERS = 200
"""Maximum length of a verdict's feedback."""


class AnswerKind(StrEnum):
    """The form of a gold answer, and how it is compared (`pad_ray.tasks.answers`)."""

    NUMBER = "number"
    YES_NO = "yes_no"
    TEXT = "text"
    OPTION = "option"


class PathKind(StrEnum):
    """The kind of reasoning in a draft."""

    PROGRAM = "program"
    RATIONALE = "rationale"
    SOCRATIC = "socratic"


class Objective(StrEnum):
    """What a corpus row teaches."""

    PROGRAM = "program"
    RATIONALE = "rationale"
    ANSWER = "answer"
    DECOMPOSE = "decompose"
    SOLVE_STEP = "solve_step"
    UNIFIED_SOCRATIC = "unified_socratic"
    REPAIR = "repair"


class Outcome(StrEnum):
    """The outcome of a draft. The list is closed: a new outcome changes the data model."""

    ACCEPTED = "accepted"
    WRONG_ANSWER = "wrong_answer"
    SYNTAX_ERROR = "syntax_error"
    NAME_ERROR = "name_error"
    UNBOUND_LOCAL = "unbound_local"
    TYPE_ERROR = "type_error"
    ZERO_DIVISION = "zero_division"
    OTHER_EXCEPTION = "other_exception"
    TIMEOUT = "timeout"
    MEMORY_LIMIT = "memory_limit"
    OUTPUT_LIMIT = "output_limit"
    FORBIDDEN = "forbidden"
    NO_ANSWER = "no_answer"
    NOT_COMPARABLE = "not_comparable"
    HARD_CODED = "hard_coded"
    DUPLICATE = "duplicate"
    OVER_CAP = "over_cap"
    CONTAMINATED = "contaminated"
    TRUNCATED = "truncated"
    ENGINE_FAULT = "engine_fault"
    SANDBOX_FAULT = "sandbox_fault"

    @property
    def is_fault(self) -> bool:
        """True if the infrastructure failed, not the draft."""
        return self in (Outcome.ENGINE_FAULT, Outcome.SANDBOX_FAULT)


def storable(text: str) -> str:
    """The text with lone surrogates replaced, so that tables can store it and tokenizers accept it."""
    return text.encode("utf-8", "replace").decode()


def content_id(*parts: object) -> str:
    """128-bit hash, as 32 hex digits, of JSON-serialisable parts; equal parts give equal ids on every machine."""
    text = json.dumps(parts, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return xxhash.xxh3_128_hexdigest(text.encode("utf-8", "surrogatepass"))


@dataclass(frozen=True, slots=True)
class Question:
    """One problem of a task. `gold` is the canonical answer as text, `facts` the supporting facts shown with it."""

    TABLE: ClassVar[str] = "questions"
    question_id: str
    task: str
    split: str
    text: str
    gold: str
    answer_kind: AnswerKind
    facts: list[str]


@dataclass(frozen=True, slots=True)
class Draft:
    """One sample of a teacher. `mean_logprob` is in nats per token; `engine` names model, revision and engine version.

    `reasoning` is what a reasoning model wrote before its answer; it is kept and not taught.
    """

    TABLE: ClassVar[str] = "drafts"
    draft_id: str
    question_id: str
    path: PathKind
    text: str
    sample_index: int
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    mean_logprob: float | None
    engine: str
    reasoning: str = ""

    @property
    def failed(self) -> bool:
        """True if the engine returned no completion; `text` is then the reason."""
        return self.finish_reason in ("error", "unavailable")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement of a draft. `value` is its canonical answer; `feedback` (<= 200 characters) may be shown to a student.

    `judged_by` identifies the rules, gold answer and question it is based on (`pad_ray.sandbox.judgement`); empty in older
    files.
    """

    TABLE: ClassVar[str] = "verdicts"
    draft_id: str
    outcome: Outcome
    value: str | None
    feedback: str
    duration_ms: float
    judged_by: str = ""


@dataclass(frozen=True, slots=True)
class CorpusRow:
    """One training example: the student reads `source` and is trained on the tokens of `target`."""

    TABLE: ClassVar[str] = "corpus"
    row_id: str
    question_id: str
    draft_id: str
    objective: Objective
    source: str
    target: str


@dataclass(frozen=True, slots=True)
class Solution:
    """A student's answer to a question, found by a strategy; `paths` holds every completion that the strategy considered.

    `chosen` is the path that gave the answer, a program in the form that was executed; empty if there is none. `sampled` holds
    the answers of a strategy's samples in the order of sampling, empty for a sample without an answer; `sampled_logprobs`
    holds the samples' log probabilities in nats per token, -inf if the engine gives none.
    """

    TABLE: ClassVar[str] = "solutions"
    question_id: str
    strategy: str
    paths: list[str]
    outcome: Outcome
    answer: str | None
    gold: str
    correct: bool
    feedback: str
    completion_tokens: int
    latency_s: float
    chosen: str = ""
    sampled: list[str] = field(default_factory=list)
    sampled_logprobs: list[float] = field(default_factory=list)


Record = Question | Draft | Verdict | CorpusRow | Solution
R = TypeVar("R", Question, Draft, Verdict, CorpusRow, Solution)

_ARROW: dict[object, Any] = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}


def _arrow_field(name: str, hint: Any) -> pa.Field:
    if get_origin(hint) is UnionType:
        return _arrow_field(name, get_args(hint)[0]).with_nullable(True)
    if get_origin(hint) is list:
        return pa.field(name, pa.list_(_ARROW[get_args(hint)[0]]), nullable=False)
    kind = str if issubclass(hint, StrEnum) else hint
    return pa.field(name, _ARROW[kind], nullable=False)


def _has_default(one: "Field[Any]") -> bool:
    return one.default is not MISSING or one.default_factory is not MISSING


def arrow_schema(record: type[Any]) -> pa.Schema:
    """The pyarrow schema of a record type; its metadata gives the table's name and the version of the data model."""
    hints = get_type_hints(record)
    columns = [_arrow_field(one.name, hints[one.name]) for one in fields(record)]
    return pa.schema(columns, metadata={"pad_ray.table": record.TABLE, "pad_ray.version": SCHEMA_VERSION})


def to_table(record: type[R], records: Iterable[R]) -> pa.Table:
    """Records of one type as an Arrow table, in the given order."""
    return pa.Table.from_pylist([asdict(item) for item in records], schema=arrow_schema(record))


def from_table(record: type[R], table: pa.Table) -> list[R]:
    """The records of a table written by `to_table`. Unknown columns are ignored. A field gets its default if the table lacks
    its column or the value is null, as in older rows.
    """
    hints = get_type_hints(record)
    enums = {name: hint for name, hint in hints.items() if isinstance(hint, type) and issubclass(hint, StrEnum)}
    names = [one.name for one in fields(record) if one.name in table.column_names or not _has_default(one)]
    later = {one.name for one in fields(record) if _has_default(one)}
    build: Callable[..., R] = record
    return [
        build(
            **{
                name: enums[name](value) if name in enums else value
                for name, value in row.items()
                if value is not None or name not in later
            }
        )
        for row in table.select(names).to_pylist()
    ]
