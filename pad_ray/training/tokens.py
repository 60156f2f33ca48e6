"""The tokenised corpus: written once with Ray Data, then read by row number from a memory-mapped copy on each node.

`tokens/<key>/<split>/` holds Parquet parts, one for each part of the corpus. A worker keeps only the lengths, objectives and
questions of the rows in memory; tokens come from the operating system's page cache.
"""

import functools
import os
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.ipc
import ray
import xxhash
from filelock import FileLock

from pad_ray.errors import DeadEndError
from pad_ray.models import resolve
from pad_ray.run.folder import RunDir
from pad_ray.run.workers import rows as pipeline_rows
from pad_ray.schema import content_id
from pad_ray.training.objectives import CODES, is_mixed

TOKENS = "tokens"
DONE = "tokens.json"
COLUMNS = ["question_id", "objective", "source", "target"]
SCHEMA = pa.schema(
    [("ids", pa.list_(pa.int32())), ("target_tokens", pa.int32()), ("objective", pa.int8()), ("question", pa.int64())]
)
TOKENISER_CPUS = 1.0


@dataclass(frozen=True)
class TokenizedCorpus:
    """The folder of the tokens, and by split the number of rows that fit and that were left out."""

    folder: str
    rows: dict[str, int]
    left_out: dict[str, int]


def tokenise(run: RunDir, folders: dict[str, str], corpus_hash: str, student: str, max_tokens: int) -> TokenizedCorpus:
    """Write the tokens of the corpus in `folders` (folder by split), unless they exist.

    Raises:
        StageError: a worker failed.
        DeadEndError: a split has no rows that fit into `max_tokens`; the message names the split and the number of rows.
    """
    resolved = resolve(student)
    key = content_id("tokens", folders, corpus_hash, f"{resolved.name}@{resolved.revision}", max_tokens)
    done = run.read_json(f"{TOKENS}/{key}/{DONE}")
    tokens = TokenizedCorpus(**done) if done else _tokenise(run, folders, f"{TOKENS}/{key}", student, max_tokens)
    for split, folder in folders.items():
        if not tokens.rows[split] and not tokens.left_out[split]:
            raise DeadEndError(f"training: {folder} has no rows; build a corpus with more questions")
        if not tokens.rows[split]:
            raise DeadEndError(
                f"training: none of the {tokens.left_out[split]} rows of {folder} fits into {max_tokens} tokens; "
                "raise --training.max_tokens"
            )
    if not done:
        run.write_json(f"{TOKENS}/{key}/{DONE}", asdict(tokens))
    return tokens


def _tokenise(run: RunDir, folders: dict[str, str], folder: str, student: str, max_tokens: int) -> TokenizedCorpus:
    work = [
        {"split": split, "source": part, "target": f"{folder}/{split}/{part.rsplit('/', 1)[1]}"}
        for split, corpus in folders.items()
        for part in run.parts(corpus)
    ]
    fitting, left_out = Counter(dict.fromkeys(folders, 0)), Counter(dict.fromkeys(folders, 0))
    if work:
        task = functools.partial(_tokenise_part, location=run.location, student=student, max_tokens=max_tokens)
        parts = ray.data.from_items(work, override_num_blocks=len(work)).map(task, num_cpus=TOKENISER_CPUS)
        for part in pipeline_rows(parts, "training: tokens"):
            fitting[part["split"]] += part["rows"]
            left_out[part["split"]] += part["left_out"]
    return TokenizedCorpus(folder, dict(fitting), dict(left_out))


def _tokenise_part(part: dict[str, str], location: str, student: str, max_tokens: int) -> dict[str, Any]:
    run = RunDir(location)
    table, left_out = encode(run.read_part(part["source"], COLUMNS), _tokenizer(student), max_tokens)
    run.write_table(part["target"], table)
    return {"split": part["split"], "rows": len(table), "left_out": left_out}


@functools.lru_cache(maxsize=1)
def _tokenizer(student: str) -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(resolve(student).path)


def encode(rows: pa.Table, tokenizer: Any, max_tokens: int) -> tuple[pa.Table, int]:
    """Tokens of corpus rows, and the number of rows left out because they are longer than `max_tokens`.

    Source and target are tokenised separately, because at inference the source is the whole prompt. The target ends with the
    end-of-sequence token, so that a student learns to stop.
    """
    if not len(rows):
        return SCHEMA.empty_table(), 0
    sources = tokenizer(rows["source"].to_pylist())["input_ids"]
    targets = tokenizer(rows["target"].to_pylist(), add_special_tokens=False)["input_ids"]
    fitting = [
        {
            "ids": [*source, *target, tokenizer.eos_token_id],
            "target_tokens": len(target) + 1,
            "objective": CODES[objective],
            "question": xxhash.xxh3_64_intdigest(question.encode()) >> 1,
        }
        for source, target, objective, question in zip(
            sources, targets, rows["objective"].to_pylist(), rows["question_id"].to_pylist(), strict=True
        )
        if len(source) + len(target) < max_tokens
    ]
    return pa.Table.from_pylist(fitting, schema=SCHEMA), len(rows) - len(fitting)


@dataclass(frozen=True, slots=True)
class Example:
    """Token ids of one row, int32; the last `target_tokens` of them are learnt. `objective` is a code."""

    ids: npt.NDArray[np.int32]
    target_tokens: int
    objective: int


class TokenTable:
    """The rows of a split by number, from a memory-mapped Arrow file."""

    def __init__(self, batches: list[pa.RecordBatch]) -> None:
        self._batches = [batch.column("ids") for batch in batches]
        self._ends = np.cumsum([len(batch) for batch in batches])
        table = pa.Table.from_batches(batches, SCHEMA)
        lengths = [np.diff(column.offsets.to_numpy()) for column in self._batches]
        self.lengths: npt.NDArray[np.int64] = np.concatenate([np.zeros(0), *lengths]).astype(np.int64)
        self.target_tokens: npt.NDArray[np.int64] = table["target_tokens"].to_numpy().astype(np.int64)
        self.objectives: npt.NDArray[np.int8] = table["objective"].to_numpy()
        self.questions: npt.NDArray[np.int64] = table["question"].to_numpy()

    def __len__(self) -> int:
        return len(self.lengths)

    @property
    def mixed(self) -> bool:
        """True if rows teach both programs and rationales."""
        return is_mixed(self.objectives)

    def example(self, row: int) -> Example:
        batch = int(np.searchsorted(self._ends, row, side="right"))
        column = self._batches[batch]
        place = row - int(self._ends[batch]) + len(column)
        ids = column.values.slice(column.offsets[place].as_py(), int(self.lengths[row])).to_numpy()
        return Example(ids, int(self.target_tokens[row]), int(self.objectives[row]))


def open_tokens(run: RunDir, folder: str, split: str) -> TokenTable:
    """The tokens of a split, from this node's copy, which the first worker of the node creates."""
    place = scratch_folder() / folder.rsplit("/", 1)[1]
    place.mkdir(parents=True, exist_ok=True)
    path = place / f"{split}.arrow"
    with FileLock(place / f"{split}.lock"):
        if not path.exists():
            _copy(run, f"{folder}/{split}", path)
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
    return TokenTable([reader.get_batch(number) for number in range(reader.num_record_batches)])


def discard_copy(folder: str) -> None:
    """Remove this node's copy; processes that have it open can still read it."""
    for path in (scratch_folder() / folder.rsplit("/", 1)[1]).glob("*.arrow"):
        path.unlink(missing_ok=True)


def _copy(run: RunDir, folder: str, path: Path) -> None:
    """Copy with one part in memory at a time; the file is written completely or not at all."""
    scratch = path.with_suffix(".partial")
    with pa.ipc.new_file(str(scratch), SCHEMA) as writer:
        for name in run.parts(folder):
            writer.write_table(run.read_part(name).cast(SCHEMA).combine_chunks())
    scratch.rename(path)


def scratch_folder() -> Path:
    """This user's folder on this node for temporary files."""
    folder = Path(tempfile.gettempdir()) / f"pad_ray-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
