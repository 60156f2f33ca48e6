"""Reads a file of programs piece by piece: JSONL or Parquet, of any size, in constant memory."""

import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import xxhash

from pad_ray.errors import InputError
from pad_ray.run.folder import open_location
from pad_ray.schema import AnswerKind, storable
from pad_ray.tasks.answers import canonical_gold

# A program is stored as bytes: a model's text may be invalid Unicode, which its verdict then reports.
SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("program", pa.binary(), nullable=False),
        pa.field("gold", pa.string()),
        pa.field("question", pa.string()),
    ]
)
REQUIRED = ("id", "program")
VERDICT_COLUMNS = ("id", "outcome", "value", "feedback", "duration_ms", "judged_by")
"""The columns of a verdict; kept columns of the file must have other names."""
READ_BUFFER_BYTES = 1 << 20
CHECKED_ROWS = 2000


@dataclass(frozen=True)
class Piece:
    """Consecutive rows. `first_row` counts from 1; `key` is a hash of all contents that can change a verdict.

    `kept` has the columns to copy to the verdicts.
    """

    number: int
    first_row: int
    rows: pa.Table
    kept: pa.Table
    key: str


class ProgramFile:
    """A file with the columns `id` and `program`, and optionally `gold` and `question`; `.jsonl` or Parquet.

    All rows are checked first, so that nothing is verified if any row is unusable. `keep` names additional columns to copy to
    the verdicts: from Parquet with their type, from JSONL as text.

    Raises:
        InputError: the file is missing or in neither format, a column is missing, or a row is unusable; names the row.
    """

    def __init__(self, location: str, kind: AnswerKind, keep: Sequence[str] = ()) -> None:
        self.location, self.kind, self.keep = location, kind, tuple(dict.fromkeys(keep))
        self.is_jsonl = location.endswith((".jsonl", ".json", ".ndjson"))
        self._filesystem, self._path = open_location(location)
        if self._filesystem.get_file_info(self._path).type != pafs.FileType.File:
            raise InputError(f"input {location}: there is no such file")
        self._types = self._kept_types()
        self.rows = self._check()

    def pieces(self, size: int) -> Iterator[Piece]:
        """All rows in order, `size` at a time.

        Raises:
            InputError: the file has been changed and a row is unusable; names the row and the problem.
        """
        first = 1
        for number, batch in enumerate(self._batches(size)):
            rows = [self._row(first + place, row) for place, row in enumerate(batch)]
            kept = [[self._kept(row.get(name)) for row in batch] for name in self.keep]
            columns = [
                pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), SCHEMA, strict=True)
            ]
            carried = pa.table(
                [pa.array(values, kind) for values, kind in zip(kept, self._types, strict=True)], list(self.keep)
            )
            key = xxhash.xxh3_128_hexdigest(repr((rows, self.keep, kept)).encode("utf-8", "surrogatepass"))
            yield Piece(number, first, pa.table(columns, schema=SCHEMA), carried, key)
            first += len(rows)

    def _check(self) -> int:
        """Read the whole file once and return the number of rows."""
        rows, lacking = 0, set(self.keep)
        for batch in self._batches(CHECKED_ROWS):
            for place, row in enumerate(batch, rows + 1):
                self._row(place, row)
                lacking -= row.keys()
            rows += len(batch)
        if lacking and rows:
            raise InputError(
                f"input {self.location}: no row has a column {sorted(lacking)[0]!r}, which verify.keep names; leave it out"
            )
        return rows

    def _kept_types(self) -> list[pa.DataType]:
        reserved = [name for name in self.keep if name in VERDICT_COLUMNS]
        if reserved:
            raise InputError(
                f"verify.keep: {reserved[0]!r} is a column of every verdict; rename the column of {self.location}"
            )
        if self.is_jsonl:
            return [pa.string()] * len(self.keep)
        schema = self._parquet().schema_arrow
        lacking = [name for name in self.keep if name not in schema.names]
        if lacking:
            columns = ", ".join(schema.names)
            raise InputError(
                f"input {self.location}: no column {lacking[0]}, which verify.keep names; it has {columns}"
            )
        types = [schema.field(name).type for name in self.keep]
        return [kind.value_type if pa.types.is_dictionary(kind) else kind for kind in types]

    def _kept(self, value: Any) -> Any:
        """A value of a kept column: unchanged from Parquet, as text from JSONL."""
        if not self.is_jsonl or value is None:
            return value
        return storable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))

    def _batches(self, size: int) -> Iterator[list[dict[str, Any]]]:
        return self._read_lines(size) if self.is_jsonl else self._read_parquet(size)

    def _read_lines(self, size: int) -> Iterator[list[dict[str, Any]]]:
        batch: list[dict[str, Any]] = []
        for number, line in enumerate(self._lines(), 1):
            if not line.strip():
                continue
            batch.append(self._parse_line(number, line))
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch

    def _parse_line(self, number: int, line: bytes) -> dict[str, Any]:
        try:
            row = json.loads(line)
        except ValueError as error:
            raise InputError(f"input {self.location}: line {number} is not JSON: {error}") from None
        except RecursionError:
            raise InputError(f"input {self.location}: line {number} is nested too deeply to be read") from None
        if not isinstance(row, dict):
            raise InputError(f"input {self.location}: line {number} must be an object with `id` and `program`")
        return row

    def _read_parquet(self, size: int) -> Iterator[list[dict[str, Any]]]:
        """Collect rows until a piece is full, so that pieces do not depend on the file's row groups."""
        file = self._parquet()
        columns = [name for name in dict.fromkeys([*SCHEMA.names, *self.keep]) if name in file.schema_arrow.names]
        held: list[dict[str, Any]] = []
        for batch in self._parquet_batches(file, size, columns):
            held += self._decoded(_undecoded(batch, set(SCHEMA.names) - set(self.keep)))
            while len(held) >= size:
                yield held[:size]
                held = held[size:]
        if held:
            yield held

    def _decoded(self, batch: pa.RecordBatch) -> list[dict[str, Any]]:
        try:
            return list(batch.to_pylist())
        except UnicodeDecodeError as error:
            columns = ", ".join(self.keep)
            raise InputError(
                f"input {self.location}: a column that verify.keep names ({columns}) is not valid Unicode: {error}"
            ) from None

    def _parquet_batches(self, file: pq.ParquetFile, size: int, columns: list[str]) -> Iterator[pa.RecordBatch]:
        try:
            yield from file.iter_batches(size, columns=columns)
        except (pa.ArrowInvalid, OSError) as error:
            # Errors of a store or disk have an errno; a retry may succeed.
            if isinstance(error, OSError) and error.errno is not None:
                raise
            raise InputError(f"input {self.location}: damaged Parquet: {error}; write the file again") from None

    def _row(self, number: int, row: dict[str, Any]) -> tuple[str, bytes, str | None, str | None]:
        where = f"input {self.location}: row {number}"
        name = self._text(row.get("id"), "id", where)
        if name is None:
            raise InputError(f"{where}: `id` must be text or an integer (given: {row.get('id')!r:.60})")
        where, program = f"{where} (id {name:.60})", row.get("program")
        if not isinstance(program, (str, bytes)):
            raise InputError(f"{where}: `program` must be text (given: {program!r:.60})")
        source = program.encode("utf-8", "surrogatepass") if isinstance(program, str) else program
        question = row.get("question")
        if isinstance(question, bytes):
            question = question.decode("utf-8", "replace")
        # Only the check for hard-coded answers reads the question.
        question_text = None if question is None else storable(str(question))
        return name, source, self._gold(row.get("gold"), where), question_text

    def _gold(self, value: Any, where: str) -> str | None:
        if value is None:
            return None
        gold = str(value) if isinstance(value, (float, Decimal)) else self._text(value, "gold", where)
        if gold is None and isinstance(value, bool) and self.kind is AnswerKind.YES_NO:
            gold = "yes" if value else "no"
        if gold is None:
            raise InputError(f"{where}: `gold` must be text or a number (given: {value!r:.60})")
        try:
            return canonical_gold(self.kind, gold)
        except ValueError as error:
            raise InputError(f"{where}: gold {error}") from None

    def _text(self, value: Any, name: str, where: str) -> str | None:
        """Text, or an integer as text; None for anything else."""
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if not isinstance(value, (str, bytes)):
            return None
        try:
            text = value.decode() if isinstance(value, bytes) else value
            text.encode()
        except UnicodeError:
            raise InputError(
                f"{where}: `{name}` is not valid Unicode (given: {value!a:.60}); repair that row"
            ) from None
        return text

    def _lines(self) -> Iterator[bytes]:
        with self._filesystem.open_input_stream(self._path, compression=None) as stream:
            yield from io.BufferedReader(stream, READ_BUFFER_BYTES)

    def _parquet(self) -> pq.ParquetFile:
        try:
            file = pq.ParquetFile(
                self._path, filesystem=self._filesystem, pre_buffer=False, buffer_size=READ_BUFFER_BYTES
            )
        except pa.ArrowInvalid as error:
            raise InputError(f"input {self.location}: neither .jsonl nor Parquet: {error}") from None
        lacking = [name for name in REQUIRED if name not in file.schema_arrow.names]
        if lacking:
            columns = ", ".join(file.schema_arrow.names)
            raise InputError(f"input {self.location}: no column {' and '.join(lacking)}; its columns are {columns}")
        return file


def _undecoded(batch: pa.RecordBatch, names: set[str]) -> pa.RecordBatch:
    """The batch with these text columns as bytes: Arrow does not check that text is UTF-8, and Python fails on it."""
    for place, field in enumerate(batch.schema):
        column = batch.column(place)
        if pa.types.is_dictionary(field.type):
            column = column.dictionary_decode()
        if field.name in names and (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
            column = column.cast(pa.large_binary())
        batch = batch.set_column(place, field.name, column)
    return batch
