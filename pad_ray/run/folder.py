"""A run's folder: every table and file of a run, on a local path or any URI that pyarrow knows (`s3://`, `gs://`, ...).

A file is written completely or not at all: on a local file system through a temporary file and a rename, on an object
store because a put is atomic.
"""

import json
import os
import re
import socket
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from pad_ray.errors import InputError
from pad_ray.schema import R, arrow_schema, from_table, to_table

TEMPORARY_SUFFIX = ".partial"
# Query parameters that a URI must not have, because the recipe stores the URI and logs show it.
SECRET = re.compile("key|token|secret|password|credential|signature|sig$", re.IGNORECASE)
# Maximum attempts per request to an object store. With the client's default, a stalled store would cost 100 s.
STORE_ATTEMPTS = 4


class RunDir:
    """Reads and writes the files of a run; names are relative, with `/`."""

    def __init__(self, location: str) -> None:
        self.filesystem, self.root = open_location(location)
        # Absolute, because workers open the run from another working directory.
        self.location = location if "://" in location else self.root
        self.is_local = isinstance(self.filesystem, pafs.LocalFileSystem)
        if self.is_local and any(path.is_file() for path in (Path(self.root), *Path(self.root).parents)):
            raise InputError(f"{self.root}: it is a file, or inside one; give a folder")

    def path(self, name: str) -> str:
        return f"{self.root}/{name}"

    def local_path(self, name: str) -> Path:
        """A name as a local path, for libraries that write files themselves. Raises ValueError if the run is remote."""
        if not self.is_local:
            raise ValueError(f"{self.location}: {name} must be on a local path")
        return Path(self.path(name))

    def demand_local(self, what: str) -> None:
        """Raise InputError if the run is remote: the libraries that write or read `what` need local paths."""
        if not self.is_local:
            raise InputError(
                f"{self.location}: {what} needs a local or shared path as run_dir; only synthesize.py and verify.py take URIs"
            )

    def exists(self, name: str) -> bool:
        return bool(self.filesystem.get_file_info(self.path(name)).type != pafs.FileType.NotFound)

    def modified(self, name: str) -> int:
        """Modification time of a file in nanoseconds; 0 if the store has none."""
        return self.filesystem.get_file_info(self.path(name)).mtime_ns or 0

    def delete(self, name: str) -> None:
        """Remove a folder of the run if it exists."""
        if self.exists(name):
            self.filesystem.delete_dir(self.path(name))

    def move(self, name: str, target: str) -> None:
        """Rename a file of the run."""
        self.filesystem.create_dir(self.path(target).rsplit("/", 1)[0], recursive=True)
        self.filesystem.move(self.path(name), self.path(target))

    def write_bytes(self, name: str, data: bytes | pa.Buffer) -> None:
        target = self.path(name)
        self.filesystem.create_dir(target.rsplit("/", 1)[0], recursive=True)
        scratch = f"{target}.{socket.gethostname()}-{os.getpid()}{TEMPORARY_SUFFIX}" if self.is_local else target
        try:
            with self.filesystem.open_output_stream(scratch) as stream:
                stream.write(data)
        except OSError:
            # Do not leave a partial file on a full disk.
            if scratch != target and self.filesystem.get_file_info(scratch).type == pafs.FileType.File:
                self.filesystem.delete_file(scratch)
            raise
        if scratch != target:
            self.filesystem.move(scratch, target)

    def read_bytes(self, name: str) -> bytes:
        with self.filesystem.open_input_stream(self.path(name)) as stream:
            return bytes(stream.read())

    def put_folder(self, source: Path, name: str) -> None:
        """Copy a local folder to `name` and replace its content."""
        self.delete(name)
        self.filesystem.create_dir(self.path(name), recursive=True)
        pafs.copy_files(str(source), self.path(name), destination_filesystem=self.filesystem)

    def write_text(self, name: str, text: str) -> None:
        self.write_bytes(name, text.encode())

    def write_json(self, name: str, value: object) -> None:
        self.write_text(name, json.dumps(value, indent=2, sort_keys=False, ensure_ascii=False) + "\n")

    def read_json(self, name: str, default: Any = None) -> Any:
        """The parsed file, or `default` if it does not exist."""
        return json.loads(self.read_bytes(name)) if self.exists(name) else default

    def write_table(self, name: str, table: pa.Table) -> None:
        """Write one Parquet file, completely or not at all."""
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, compression="zstd")
        self.write_bytes(name, sink.getvalue())

    def write_records(self, name: str, record: type[R], records: Iterable[R]) -> None:
        self.write_table(name, to_table(record, records))

    def parts(self, folder: str) -> list[str]:
        """Sorted names of the finished Parquet files of a folder; empty if the folder is missing."""
        selector = pafs.FileSelector(self.path(folder), allow_not_found=True, recursive=False)
        infos = self.filesystem.get_file_info(selector)
        return sorted(f"{folder}/{info.base_name}" for info in infos if info.extension == "parquet")

    def read_part(self, name: str, columns: list[str] | None = None) -> pa.Table:
        return pq.read_table(self.path(name), filesystem=self.filesystem, columns=columns)

    def read_present(self, name: str, columns: list[str]) -> pa.Table:
        """Read the given columns that a part has; a part of an earlier schema may lack some."""
        with self.filesystem.open_input_file(self.path(name)) as file:
            part = pq.ParquetFile(file)
            return part.read([column for column in columns if column in part.schema_arrow.names])

    def row_count(self, name: str) -> int:
        """Rows of a Parquet file, from its footer."""
        with self.filesystem.open_input_file(self.path(name)) as file:
            return int(pq.read_metadata(file).num_rows)

    def read_table(self, folder: str, record: type[R], columns: list[str] | None = None) -> pa.Table:
        """All parts of a folder as one table; an empty table if there are no parts."""
        empty = arrow_schema(record).empty_table().select(columns or arrow_schema(record).names)
        tables: list[pa.Table] = [self.read_present(name, columns or empty.column_names) for name in self.parts(folder)]
        return pa.concat_tables(
            [empty.replace_schema_metadata(None), *(t.replace_schema_metadata(None) for t in tables)],
            promote_options="default",
        )

    def read_records(self, folder: str, record: type[R]) -> list[R]:
        return from_table(record, self.read_table(folder, record))

    def select(self, folder: str, record: type[Any], key: str, values: Collection[str]) -> pa.Table:
        """The rows of a folder whose column `key` is one of the values; streams the parts."""
        paths = [self.path(name) for name in self.parts(folder)]
        if not paths or not values:
            return arrow_schema(record).empty_table()
        wanted = ds.field(key).isin(pa.array(sorted(values), pa.string()))
        # Columns that parts of an earlier schema lack are read as null.
        schema = arrow_schema(record)
        schema = pa.schema([one.with_nullable(True) for one in schema], schema.metadata)
        return ds.dataset(paths, schema, filesystem=self.filesystem, format="parquet").to_table(filter=wanted)

    def iter_records(self, folder: str, record: type[R]) -> Iterator[R]:
        """The records of a folder, one part in memory at a time."""
        for name in self.parts(folder):
            yield from from_table(record, self.read_part(name))


def open_location(location: str) -> tuple[pafs.FileSystem, str]:
    """The file system of a local path or URI, and the absolute path on it.

    Raises:
        InputError: it is neither, or the URI holds credentials, which the run's recipe would then store.
    """
    if "\0" in location:
        raise InputError(f"{location!r}: not usable as a path or URI: it holds a NUL character")
    if location.startswith("s3://"):
        return _object_store(location)
    if "://" in location:
        _refuse_credentials(location)
        try:
            filesystem, root = pafs.FileSystem.from_uri(location)
        except pa.ArrowInvalid as error:
            raise InputError(f"{location}: not usable as a path or URI: {error}") from None
        return filesystem, root.rstrip("/")
    return pafs.LocalFileSystem(), str(Path(location).expanduser().absolute())


def _refuse_credentials(location: str) -> None:
    parts = urlsplit(location)
    if parts.password is None and not any(SECRET.search(name) for name, _ in parse_qsl(parts.query)):
        return
    raise InputError(
        f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}: credentials in the URI; set them in the environment "
        "variables that the store's client reads"
    )


def _object_store(location: str) -> tuple[pafs.FileSystem, str]:
    """An S3-compatible store; the query of the URI may give `endpoint_override`, `scheme` and `region`.

    Raises:
        InputError: the URI holds credentials, which the run's recipe would then store, or an unknown option.
    """
    parts = urlsplit(location)
    options = dict(parse_qsl(parts.query))
    unknown = set(options) - {"endpoint_override", "scheme", "region"}
    if "@" in parts.netloc or unknown:
        wrong = "credentials" if "@" in parts.netloc else ", ".join(sorted(unknown))
        raise InputError(
            f"s3://{parts.netloc.rpartition('@')[2]}{parts.path}: {wrong} in the URI; allowed are endpoint_override, scheme "
            "and region; set credentials as AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY or in the AWS client's files"
        )
    retries = pafs.AwsStandardS3RetryStrategy(max_attempts=STORE_ATTEMPTS)
    return pafs.S3FileSystem(**options, retry_strategy=retries), f"{parts.netloc}{parts.path}".rstrip("/")
