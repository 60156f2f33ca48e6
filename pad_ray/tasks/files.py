"""Published data files: their location, and their rows, with an error for every broken row.

Files are read from the data folder given by `--data-dir` or the environment variable PAD_RAY_DATA. Without one, sets that
the Hugging Face hub has in the same form are downloaded from there.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from huggingface_hub import constants, hf_hub_download

from pad_ray.errors import InputError
from pad_ray.schema import AnswerKind
from pad_ray.tasks.answers import canonical_gold

DATA_VARIABLE = "PAD_RAY_DATA"


class MissingFileError(InputError):
    """A published file is not in the data folder."""


@dataclass(frozen=True, slots=True)
class FileRow:
    """One record of a data file. `place` names file and row; accessors raise InputError with the place and the field."""

    fields: dict[str, Any]
    place: str

    def text(self, name: str) -> str:
        """A text field, stripped; it must not be empty."""
        value = self._get(name)
        if not isinstance(value, str):
            raise self.fault(name, f"should be text, but is {type(value).__name__}")
        if not value.strip():
            raise self.fault(name, "is empty")
        return value.strip()

    def texts(self, name: str) -> list[str]:
        """A field with a list of text."""
        value = self._get(name)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise self.fault(name, "should be a list of text")
        return list(value)

    def boolean(self, name: str) -> bool:
        """A field with true or false."""
        value = self._get(name)
        if not isinstance(value, bool):
            raise self.fault(name, f"should be true or false, but is {type(value).__name__}")
        return value

    def number(self, name: str) -> str:
        """A field with a number, given as a JSON number or as text; returned as canonical text."""
        value = self._get(name)
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise self.fault(name, f"should be a number, but is {type(value).__name__}")
        return self.gold(name, AnswerKind.NUMBER, str(value))

    def only(self, name: str) -> "FileRow":
        """A row whose only field `name` is the single item of this row's list of that name."""
        value = self._get(name)
        if not isinstance(value, list) or len(value) != 1:
            raise self.fault(name, "should be a list of one")
        return FileRow({name: value[0]}, self.place)

    def gold(self, name: str, kind: AnswerKind, text: str) -> str:
        """The canonical gold answer of `text`, which comes from field `name`."""
        try:
            return canonical_gold(kind, text)
        except ValueError as error:
            raise self.fault(name, f"has no usable answer: {error}") from error

    def fault(self, name: str, what: str) -> InputError:
        """The error to raise for a field of this row."""
        return InputError(f"{self.place}: field {name!r} {what}; repair the row or use the published file")

    def _get(self, name: str) -> Any:
        if name not in self.fields:
            raise self.fault(name, "is missing")
        return self.fields[name]


@dataclass(frozen=True, slots=True)
class PublishedFile:
    """A file of a published set: its path under the data folder, and the hub files that hold the same rows, if any."""

    task: str
    path: str
    hub_repository: str | None = None
    hub_files: tuple[str, ...] = ()

    def rows(self, data_dir: str | Path | None, key: str | None = None) -> list[FileRow]:
        """All rows in published order; `key` names the list inside a JSON object. Raises InputError."""
        rows = [row for path in self.locate(data_dir) for row in read_rows(path, key)]
        if not rows:
            raise self._fault("the file has no rows")
        return rows

    def locate(self, data_dir: str | Path | None) -> list[Path]:
        """The local paths of the file; without a data folder it is downloaded first. Raises InputError."""
        folder = data_folder(data_dir)
        if folder is None:
            return self._download()
        path = folder / self.path
        if not path.is_file():
            raise MissingFileError(self._message(f"{path} does not exist"))
        return [path]

    def _download(self) -> list[Path]:
        hub = self.hub_repository
        if hub is None:
            raise self._fault("the published set is not on the Hugging Face hub in this form")
        if constants.HF_HUB_OFFLINE:
            raise self._fault(f"it would come from {hub} on the Hugging Face hub, and HF_HUB_OFFLINE is set")
        try:
            return [Path(hf_hub_download(hub, name, repo_type="dataset")) for name in self.hub_files]
        except (OSError, ValueError) as error:
            raise self._fault(f"downloading {hub} from the Hugging Face hub failed ({error})") from error

    def _fault(self, what: str) -> InputError:
        return InputError(self._message(what))

    def _message(self, what: str) -> str:
        return f"task {self.task}: {what}; set --data-dir or {DATA_VARIABLE} to a folder that has {self.path}"


def data_folder(data_dir: str | Path | None) -> Path | None:
    """The folder of the published files; None if neither the option nor the variable is set. Raises InputError."""
    named = data_dir or os.environ.get(DATA_VARIABLE)
    if not named:
        return None
    folder = Path(named)
    if not folder.is_dir():
        raise InputError(f"the data folder {folder} does not exist; set --data-dir or {DATA_VARIABLE} to one that does")
    return folder


def read_rows(path: Path, key: str | None = None) -> Iterator[FileRow]:
    """The rows of a .jsonl (named by line, from 1), .json or .parquet file (by index, from 0). Raises InputError."""
    if path.suffix == ".jsonl":
        yield from _json_lines(path)
        return
    records = _parquet_records(path) if path.suffix == ".parquet" else _json_records(path, key)
    for index, record in enumerate(records):
        yield _row(record, f"{path} row {index}")


def read_text(path: Path) -> str:
    """A file's text, without a byte order mark. Raises InputError if it is not UTF-8 or cannot be read."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read as UTF-8 text ({error})") from error


def _json_lines(path: Path) -> Iterator[FileRow]:
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        # Concatenated files may have a byte order mark at the start of each part.
        line = line.removeprefix("\ufeff")
        if line.strip():
            yield _row(_json(line, f"{path} line {number}"), f"{path} line {number}")


def _json_records(path: Path, key: str | None) -> list[Any]:
    content = _json(read_text(path), str(path))
    if key is not None and isinstance(content, dict):
        content = content.get(key)
    if not isinstance(content, list):
        raise InputError(f"{path}: should hold a list of records" + (f" under {key!r}" if key else ""))
    return content


def _parquet_records(path: Path) -> list[Any]:
    try:
        return list(pq.read_table(path).to_pylist())
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: is not Parquet ({error})") from error


def _json(text: str, place: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{place}: is not JSON ({error})") from error


def _row(record: Any, place: str) -> FileRow:
    if not isinstance(record, dict):
        raise InputError(f"{place}: should be an object with fields, but is {type(record).__name__}")
    return FileRow(record, place)
