"""A file of programs, read piece by piece: JSONL or Parquet, of any size, in constant memory."""

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.fs as pafs
import pyarrow.parquet as pq
import xxhash

from pad_ray.errors import InputError
from pad_ray.rundir import open_location
from pad_ray.schema import AnswerKind
from pad_ray.tasks.answers import canonical_gold

# A program is bytes: a model's text may hold what is no valid Unicode, and that is for its verdict to say.
SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("program", pa.binary(), nullable=False),
        pa.field("gold", pa.string()),
        pa.field("question", pa.string()),
    ]
)
REQUIRED = ("id", "program")
READ_BUFFER_BYTES = 1 << 20


@dataclass(frozen=True)
class Piece:
    """Consecutive rows. `first_row` counts from 1; `key` is a hash of everything that a verdict depends on in them."""

    number: int
    first_row: int
    rows: pa.Table
    key: str


class ProgramFile:
    """A file with the columns `id` and `program`, optionally `gold` and `question`; `.jsonl`, else Parquet.

    Raises:
        InputError: the file is missing, is neither, or lacks a column.
    """

    def __init__(self, location: str, kind: AnswerKind) -> None:
        self.location = location
        self.kind = kind
        self.is_jsonl = location.endswith((".jsonl", ".json", ".ndjson"))
        self._filesystem, self._path = open_location(location)
        if self._filesystem.get_file_info(self._path).type != pafs.FileType.File:
            raise InputError(f"input {location}: there is no such file")
        self.rows = self._count_lines() if self.is_jsonl else self._parquet().metadata.num_rows

    def pieces(self, size: int) -> Iterator[Piece]:
        """All rows in order, `size` at a time.

        Raises:
            InputError: a row is not usable; it names the row and what is wrong.
        """
        first = 1
        for number, batch in enumerate(self._read_lines(size) if self.is_jsonl else self._read_parquet(size)):
            rows = [self._row(first + place, row) for place, row in enumerate(batch)]
            columns = [
                pa.array(column, field.type) for column, field in zip(zip(*rows, strict=True), SCHEMA, strict=True)
            ]
            yield Piece(number, first, pa.table(columns, schema=SCHEMA), xxhash.xxh3_128_hexdigest(repr(rows).encode()))
            first += len(rows)

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
        if not isinstance(row, dict):
            raise InputError(f"input {self.location}: line {number} has to be an object with `id` and `program`")
        return row

    def _read_parquet(self, size: int) -> Iterator[list[dict[str, Any]]]:
        """Row groups differ from file to file, and pieces must not: rows are collected until a piece is full."""
        file = self._parquet()
        columns = [name for name in SCHEMA.names if name in file.schema_arrow.names]
        held: list[dict[str, Any]] = []
        for batch in file.iter_batches(size, columns=columns):
            held += batch.to_pylist()
            while len(held) >= size:
                yield held[:size]
                held = held[size:]
        if held:
            yield held

    def _row(self, number: int, row: dict[str, Any]) -> tuple[str, bytes, str | None, str | None]:
        name, program = row.get("id"), row.get("program")
        where = f"input {self.location}: row {number}"
        if not isinstance(name, (str, int)) or isinstance(name, bool):
            raise InputError(f"{where}: `id` has to be a text or an integer (given: {name!r:.60})")
        if not isinstance(program, (str, bytes)):
            raise InputError(f"{where} (id {name}): `program` has to be a text (given: {program!r:.60})")
        gold, question = row.get("gold"), row.get("question")
        try:
            answer = None if gold is None else canonical_gold(self.kind, str(gold))
        except ValueError as error:
            raise InputError(f"{where} (id {name}): gold {error}") from None
        source = program.encode("utf-8", "surrogatepass") if isinstance(program, str) else program
        return str(name), source, answer, None if question is None else str(question)

    def _count_lines(self) -> int:
        return sum(1 for line in self._lines() if line.strip())

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
            found = ", ".join(file.schema_arrow.names)
            raise InputError(f"input {self.location}: no column {' and '.join(lacking)}; its columns are {found}")
        return file
