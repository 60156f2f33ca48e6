"""Reads a run folder for the page: whole counts, and a bounded sample of rows.

Only ids and outcomes are read for every row; texts are read for the sampled rows alone, so a run of any size gives a
page of the same size. The sample of an outcome is its drafts with the smallest ids: ids are content hashes, so the
choice is random, and the same on every rendering.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import yaml
from pyarrow import fs
from pydantic import BaseModel, ValidationError

from pad_ray.errors import InputError
from pad_ray.paths.program import parse
from pad_ray.report.shapes import Environment, Ledger, Metrics
from pad_ray.rundir import RunDir
from pad_ray.schema import Draft, Outcome, PathKind, Question, Verdict, from_table

M = TypeVar("M", bound=BaseModel)
R = TypeVar("R", Question, Draft, Verdict)

SAMPLE_SIZE = 10
"""Drafts kept for each outcome; the page shows this many accepted and this many rejected."""


@dataclass
class Tally:
    """How many rows an outcome has, and its smallest draft ids."""

    count: int = 0
    draft_ids: list[str] = field(default_factory=list)

    def add(self, ids: pa.Array | pa.ChunkedArray) -> None:
        self.count += len(ids)
        lowest = ids.take(pc.bottom_k_unstable(ids, SAMPLE_SIZE)).to_pylist()
        self.draft_ids = nsmallest(SAMPLE_SIZE, {*self.draft_ids, *lowest})


@dataclass(frozen=True)
class Example:
    """A draft with everything that explains its outcome; `text` is what was judged: of a program, its function."""

    question: Question
    draft: Draft
    text: str
    outcome: Outcome
    value: str | None
    feedback: str


@dataclass(frozen=True)
class Outcomes:
    """Every draft by what became of it in the end. `final` is false while no corpus has been built from the verdicts.

    `kept` are the drafts that became corpus rows, or were accepted so far.
    """

    final: bool
    kept: Tally
    thrown: dict[str, Tally]

    @property
    def thrown_count(self) -> int:
        return sum(tally.count for tally in self.thrown.values())


@dataclass(frozen=True)
class RunData:
    """What the page knows about a run; a part that the run has not reached is None, empty or zero."""

    name: str
    recipe: dict[str, Any]
    environment: Environment | None
    ledger: Ledger | None
    metrics: Metrics
    questions: dict[str, int]
    """Questions by split."""
    corpus_rows: int
    outcomes: Outcomes
    accepted: list[Example]
    rejected: list[Example]


def load(run_dir: str) -> RunData:
    """Raises InputError where the folder does not exist or one of its files cannot be read."""
    run = RunDir(run_dir)
    if run.filesystem.get_file_info(run.root).type != fs.FileType.Directory:
        raise InputError(f"run directory {run_dir!r} does not exist; give the folder that a job wrote")
    try:
        outcomes = _outcomes(run)
        return RunData(
            name=run.root.rstrip("/").rpartition("/")[2] or "run",
            recipe=_read_recipe(run),
            environment=_read(run, "environment.json", Environment),
            ledger=_read(run, "ledger.json", Ledger),
            metrics=_read(run, "metrics.json", Metrics) or Metrics(),
            questions=_splits(run),
            corpus_rows=sum(table.count_rows() for table in [_corpus(run)] if table is not None),
            outcomes=outcomes,
            accepted=_examples(run, outcomes.kept.draft_ids, "verdicts"),
            rejected=_examples(run, _take_turns(outcomes.thrown), "rejected", "verdicts"),
        )
    except pa.ArrowInvalid as error:
        raise InputError(f"a table in {run_dir!r} cannot be read: {error}; delete that part and run again") from error


def _read(run: RunDir, name: str, shape: type[M]) -> M | None:
    try:
        content = run.read_json(name)
        return None if content is None else shape.model_validate(content)
    except (UnicodeDecodeError, json.JSONDecodeError, ValidationError) as error:
        raise InputError(f"{run.path(name)} cannot be shown: {error}; run the job again") from error


def _read_recipe(run: RunDir) -> dict[str, Any]:
    try:
        recipe = yaml.safe_load(run.read_bytes("recipe.yaml")) if run.exists("recipe.yaml") else {}
    except yaml.YAMLError as error:
        raise InputError(f"{run.path('recipe.yaml')} is not YAML: {error}; run the job again") from error
    return recipe if isinstance(recipe, dict) else {}


def _table(run: RunDir, *folders: str) -> ds.Dataset | None:
    """The finished parts of the folders as one data set, which is read piece by piece."""
    paths = [run.path(part) for folder in folders for part in run.parts(folder)]
    return ds.dataset(paths, filesystem=run.filesystem, format="parquet") if paths else None


def _corpus(run: RunDir) -> ds.Dataset | None:
    return _table(run, "corpus/train", "corpus/validation")


def _splits(run: RunDir) -> dict[str, int]:
    table = _table(run, "questions/train", "questions/test")
    counts = pc.value_counts(table.to_table(columns=["split"])["split"]).to_pylist() if table is not None else []
    return {item["values"]: item["counts"] for item in counts}


def _outcomes(run: RunDir) -> Outcomes:
    """From the corpus and its rejects; from the verdicts alone while there is no corpus.

    Verdicts are not enough: an accepted draft may be left out of the corpus later, as a duplicate for example.
    """
    corpus, rejected = _corpus(run), _table(run, "rejected")
    if corpus is None and rejected is None:
        so_far = _tally(_verdicts_once(run))
        return Outcomes(False, so_far.pop(Outcome.ACCEPTED, Tally()), so_far)
    kept = Tally()
    if corpus is not None:  # a draft can teach several rows
        kept.add(pc.unique(corpus.to_table(columns=["draft_id"])["draft_id"]))
    return Outcomes(
        True, kept, _tally(rejected.to_batches(columns=["draft_id", "outcome"]) if rejected is not None else [])
    )


def _verdicts_once(run: RunDir) -> list[pa.RecordBatch]:
    """A block that was killed between its verdicts and its drafts is judged again, so a draft can have two verdicts."""
    table = _table(run, "verdicts")
    if table is None:
        return []
    once = table.to_table(columns=["draft_id", "outcome"]).group_by("draft_id", use_threads=False)
    batches: list[pa.RecordBatch] = (
        once.aggregate([("outcome", "first")]).rename_columns(["draft_id", "outcome"]).to_batches()
    )
    return batches


def _tally(batches: Iterable[pa.RecordBatch]) -> dict[str, Tally]:
    tallies: dict[str, Tally] = {}
    for batch in batches:
        for outcome in batch["outcome"].unique().to_pylist():
            ids = batch["draft_id"].filter(pc.equal(batch["outcome"], outcome))
            tallies.setdefault(outcome, Tally()).add(ids)
    return tallies


def _take_turns(tallies: dict[str, Tally]) -> list[str]:
    """Draft ids one outcome after the other, most frequent first, so that rare outcomes are seen too."""
    queues = [tally.draft_ids for tally in sorted(tallies.values(), key=lambda tally: -tally.count)]
    return [queue[turn] for turn in range(SAMPLE_SIZE) for queue in queues if turn < len(queue)][:SAMPLE_SIZE]


def _examples(run: RunDir, draft_ids: list[str], *verdict_folders: str) -> list[Example]:
    """The drafts in the given order; one whose draft, verdict or question is not in the run is left out."""
    drafts = {draft.draft_id: draft for draft in _rows(run, Draft, "draft_id", draft_ids, "drafts", "faults")}
    asked = {draft.question_id for draft in drafts.values()}
    questions = {
        question.question_id: question for question in _rows(run, Question, "question_id", asked, "questions/train")
    }
    verdicts: dict[str, Verdict] = {}
    for folder in reversed(verdict_folders):  # the first folder has the last word
        verdicts.update({verdict.draft_id: verdict for verdict in _rows(run, Verdict, "draft_id", draft_ids, folder)})
    known = [key for key in draft_ids if key in drafts and key in verdicts and drafts[key].question_id in questions]
    return [_example(questions[drafts[key].question_id], drafts[key], verdicts[key]) for key in known]


def _example(question: Question, draft: Draft, verdict: Verdict) -> Example:
    text = parse(draft.text) if draft.path is PathKind.PROGRAM else draft.text
    return Example(question, draft, text, verdict.outcome, verdict.value, verdict.feedback)


def _rows(run: RunDir, record: type[R], key: str, ids: Iterable[str], *folders: str) -> list[R]:
    table = _table(run, *folders)
    wanted = pa.array(sorted(ids), pa.string())
    if table is None or not len(wanted):
        return []
    return from_table(record, table.to_table(filter=ds.field(key).isin(wanted)))
