"""Builds the corpus from verdicts: chooses the accepted drafts to teach and records an outcome for all others.

Ray tasks sort questions, drafts and verdicts into buckets by question, then build each bucket's part of the corpus. So no
process ever holds more than one bucket. The result does not depend on the scheduling of tasks.
"""

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import ray
from ray.exceptions import RayError

from pad_ray.errors import DeadEndError, StageError, attempt, reason
from pad_ray.run.folder import RunDir
from pad_ray.run.ledger import first_reasons
from pad_ray.run.workers import add_counts
from pad_ray.schema import (
    CorpusRow,
    Draft,
    Objective,
    Outcome,
    Question,
    Verdict,
    content_id,
    from_table,
)
from pad_ray.synthesis.config import CorpusConfig
from pad_ray.synthesis.contamination import NEAR, KnownTests, Overlap
from pad_ray.synthesis.finished import DRAFTS, FAULTS, VERDICTS
from pad_ray.synthesis.plan import Plan
from pad_ray.synthesis.questions import TRAIN as QUESTIONS
from pad_ray.synthesis.rows import objectives_of, teach
from pad_ray.synthesis.select import DROPPED, JudgedDraft, select
from pad_ray.synthesis.verify import UNREADABLE, engine_fault, read_path
from pad_ray.tasks.languages import language_of
from pad_ray.words import counted

TRAIN = "corpus/train"
VALIDATION = "corpus/validation"
REJECTED = "rejected"
SCRATCH = "scratch"
# A process holds all drafts of a bucket: about 100 MB as Python objects.
DRAFTS_PER_BUCKET = 20_000
# Number of rows that a sorting task reads before it writes them to their buckets.
ROWS_PER_GROUP = 100_000
BUCKET_CPUS = 1.0

__all__ = ["DROPPED", "REJECTED", "TRAIN", "VALIDATION", "Corpus", "build", "require_rows"]


@dataclass
class Corpus:
    """Counts of a built corpus. `verified` counts drafts by verdict, `final` by outcome after the filters across drafts.

    `rows` counts rows by split and objective (`train/program`); a kept draft may give several. `by_path` counts drafts and
    `accepted_by_path` accepted drafts by kind. `contaminated` counts omitted questions by the overlapping test set,
    `overlaps` all questions that resemble a test question, kept or not, by kind: equal, ngrams, masked. `compared` counts
    the questions compared, `languages` the taught questions by the code of a known language. `hash` covers every row id and
    its split. `faults` has the first reason of each kind of fault, in judging and in building the corpus.
    """

    planned: int = 0
    questions: int = 0
    verified: Counter[str] = field(default_factory=Counter)
    final: Counter[str] = field(default_factory=Counter)
    rows: Counter[str] = field(default_factory=Counter)
    by_path: Counter[str] = field(default_factory=Counter)
    accepted_by_path: Counter[str] = field(default_factory=Counter)
    contaminated: Counter[str] = field(default_factory=Counter)
    overlaps: Counter[str] = field(default_factory=Counter)
    compared: int = 0
    languages: Counter[str] = field(default_factory=Counter)
    faults: dict[str, str] = field(default_factory=dict)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    hash: str = ""
    seconds: float = 0.0

    @property
    def drafts(self) -> int:
        return self.verified.total()

    @property
    def train_rows(self) -> int:
        return sum(self.rows_of("train").values())

    @property
    def validation_rows(self) -> int:
        return sum(self.rows_of("validation").values())

    def rows_of(self, split: str) -> dict[str, int]:
        """Rows of a split by objective."""
        return {name.split("/")[1]: count for name, count in self.rows.items() if name.startswith(f"{split}/")}

    def add(self, other: "Corpus") -> None:
        """Add another bucket's part; hashes are chained in the order of the buckets."""
        add_counts(self, {name: value for name, value in vars(other).items() if name not in ("hash", "faults")})
        self.faults = other.faults | self.faults
        self.hash = content_id("corpus", self.hash, other.hash)


def build(run: RunDir, plan: Plan, config: CorpusConfig, seed: int, known: KnownTests) -> Corpus:
    """Build `corpus/` and `rejected/` from the committed planned drafts.

    Raises:
        StageError: a task failed; another call starts from the beginning.
    """
    started = time.monotonic()
    for folder in ("corpus", REJECTED, SCRATCH):
        run.delete(folder)
    questions = _rows(run, QUESTIONS)
    buckets = max(1, -(-questions * plan.drafts_per_question // DRAFTS_PER_BUCKET))
    corpus = Corpus()
    try:
        for folder in (QUESTIONS, DRAFTS, VERDICTS, FAULTS):
            _sort_into_buckets(run, folder, buckets)
        task = ray.remote(num_cpus=BUCKET_CPUS)(_build_bucket)
        shared = ray.put((plan, config, seed, known))
        parts = [task.remote(run.location, bucket, shared) for bucket in range(buckets)]
        for part in parts:
            corpus.add(ray.get(part))
    except (RayError, OSError) as error:
        raise StageError(f"corpus: {reason(error)}; the same command builds it again") from error
    run.delete(SCRATCH)
    corpus.seconds = time.monotonic() - started
    return corpus


def require_rows(corpus: Corpus) -> None:
    """Raise DeadEndError if there are no rows for training or for validation."""
    if not corpus.train_rows or not corpus.validation_rows:
        raise DeadEndError(
            f"corpus: {counted(corpus.train_rows, 'row')} to train on and {corpus.validation_rows} to validate, of "
            f"{counted(corpus.drafts, 'draft')} ({dict(corpus.final)}); raise --questions.limit or --synthesis.samples, or "
            "use a stronger teacher"
        )


def _rows(run: RunDir, folder: str) -> int:
    return sum(run.row_count(name) for name in run.parts(folder))


def _sort_into_buckets(run: RunDir, folder: str, buckets: int) -> None:
    """Write the rows of a folder's parts to `scratch/<bucket>/<folder>`, one task per group of parts."""
    groups: list[list[str]] = [[]]
    rows = 0
    for name in run.parts(folder):
        count = run.row_count(name)
        if rows + count > ROWS_PER_GROUP and groups[-1]:
            groups.append([])
            rows = 0
        groups[-1].append(name)
        rows += count
    task = ray.remote(num_cpus=BUCKET_CPUS)(_sort_group)
    ray.get([task.remote(run.location, folder, number, group, buckets) for number, group in enumerate(groups) if group])


def _sort_group(location: str, folder: str, number: int, names: list[str], buckets: int) -> None:
    run = RunDir(location)
    tables = [run.read_part(name).replace_schema_metadata(None) for name in names]
    # Verdicts of an earlier schema lack a column.
    table = pa.concat_tables(tables, promote_options="default")
    if folder == VERDICTS:
        # A verdict does not name its question; its draft is in the part of the same name.
        drafts = [name.replace(VERDICTS, DRAFTS, 1) for name in names]
        parts = [run.read_part(name, ["draft_id", "question_id"]) for name in drafts if run.exists(name)]
        table = table.join(pa.concat_tables(parts), "draft_id", join_type="inner") if parts else table.slice(0, 0)
    places = pa.array([int(value[:8], 16) % buckets for value in table["question_id"].to_pylist()], pa.int32())
    for bucket in range(buckets):
        bucket_rows = table.filter(pc.equal(places, bucket))
        if len(bucket_rows):
            run.write_table(f"{SCRATCH}/{bucket:06}/{folder}/part-{number:06}.parquet", bucket_rows)


def _build_bucket(location: str, bucket: int, shared: tuple[Plan, CorpusConfig, int, KnownTests]) -> Corpus:
    """Write one bucket's rows of the corpus and return its counts."""
    plan, config, seed, known = shared
    run = RunDir(location)
    objectives = objectives_of([path.kind for path in plan.paths], config)
    corpus = Corpus()
    rows: dict[str, list[CorpusRow]] = {TRAIN: [], VALIDATION: []}
    rejected: list[Verdict] = []
    drafts = _by_question(_read(run, bucket, FAULTS, Draft) + _read(run, bucket, DRAFTS, Draft))
    verdicts = {verdict.draft_id: verdict for verdict in _read(run, bucket, VERDICTS, Verdict)}
    for question in sorted(_read(run, bucket, QUESTIONS, Question), key=lambda item: item.question_id):
        judged = _judged(question, plan, drafts.get(question.question_id, {}), verdicts)
        chosen, new_rows, overlap = _taught(question, judged, config, known, objectives)
        _count(corpus, plan, judged, chosen)
        if overlap is not None:
            corpus.overlaps[overlap.kind] += 1
            if _is_left_out(overlap, config):
                corpus.contaminated[overlap.task] += 1
        corpus.questions += bool(new_rows)
        if new_rows and (language := language_of(question.text)):
            corpus.languages[language.code] += 1
        corpus.compared += 1
        rejected += [item.verdict for item in chosen if not item.accepted]
        rows[VALIDATION if is_held_out(question.question_id, config, seed) else TRAIN] += new_rows
    part = f"part-{bucket:06}.parquet"
    for folder, content in rows.items():
        if content:
            run.write_records(f"{folder}/{part}", CorpusRow, content)
    if rejected:
        run.write_records(f"{REJECTED}/{part}", Verdict, rejected)
    for folder, content in rows.items():
        corpus.rows.update(f"{folder.removeprefix('corpus/')}/{row.objective.value}" for row in content)
    corpus.hash = content_id("bucket", {folder: [row.row_id for row in content] for folder, content in rows.items()})
    return corpus


def _taught(
    question: Question,
    judged: Sequence[JudgedDraft],
    config: CorpusConfig,
    known: KnownTests,
    objectives: list[Objective],
) -> tuple[list[JudgedDraft], list[CorpusRow], Overlap | None]:
    """A question's drafts, its corpus rows, and the test question that it overlaps; errors do not fail the bucket."""

    def work() -> tuple[list[JudgedDraft], list[CorpusRow], Overlap | None]:
        overlap = _overlap(question, config, known)
        left_out = overlap if overlap and _is_left_out(overlap, config) else None
        return *teach(question, select(question, judged, config, left_out), objectives), overlap

    # A question that cannot be compared with test questions is not taught.
    return attempt(work, lambda reason: ([item.fault(reason) if item.accepted else item for item in judged], [], None))


def _overlap(question: Question, config: CorpusConfig, known: KnownTests) -> Overlap | None:
    """The test question that a question overlaps: compared unchanged, else with masked numbers and names."""
    overlap = known.overlap(question.text)
    if overlap is not None and (overlap.exact or overlap.share >= config.max_overlap):
        return overlap
    masked = known.masked_overlap(question.text)
    return masked if masked is not None and masked.share >= (config.masked_overlap or NEAR) else None


def _is_left_out(overlap: Overlap, config: CorpusConfig) -> bool:
    """Whether to omit a question. Near duplicates are kept by default: an in-domain split naturally has many."""
    return not overlap.masked or config.masked_overlap is not None


def is_held_out(question_id: str, config: CorpusConfig, seed: int) -> bool:
    """Whether a question is for validation only. This depends on its id, so adding questions moves no other question."""
    return int(content_id("split", seed, question_id)[:8], 16) / 2**32 < config.validation_share


def _read(run: RunDir, bucket: int, folder: str, record: Any) -> list[Any]:
    tables = [run.read_part(name) for name in run.parts(f"{SCRATCH}/{bucket:06}/{folder}")]
    return [row for table in tables for row in from_table(record, table)]


def _by_question(drafts: Iterable[Draft]) -> dict[str, dict[str, Draft]]:
    """Drafts by question and id; a draft replaces an earlier fault of the same id."""
    by_question: dict[str, dict[str, Draft]] = {}
    for draft in drafts:
        by_question.setdefault(draft.question_id, {})[draft.draft_id] = draft
    return by_question


def _judged(
    question: Question, plan: Plan, drafts: dict[str, Draft], verdicts: dict[str, Verdict]
) -> list[JudgedDraft]:
    """The existing planned drafts of a question, in the order of the plan, with their verdicts."""
    judged_drafts = []
    for planned in plan.drafts(question):
        draft = drafts.get(planned.request.request_id)
        if draft is None:
            continue
        verdict = engine_fault(draft) if draft.failed else verdicts[draft.draft_id]
        judged_drafts.append(_readable(draft, verdict))
    return judged_drafts


def _readable(draft: Draft, verdict: Verdict) -> JudgedDraft:
    """The draft with its path, or as a fault if an accepted path can no longer be read."""
    path = read_path(draft)
    item = JudgedDraft(draft, verdict, path.text)
    return item.fault("the path cannot be read") if path is UNREADABLE and item.accepted else item


def _count(corpus: Corpus, plan: Plan, judged: Sequence[JudgedDraft], chosen: Sequence[JudgedDraft]) -> None:
    corpus.planned += plan.drafts_per_question
    corpus.verified.update(item.verdict.outcome.value for item in judged)
    outcomes = [(item.verdict.outcome, item.verdict.feedback) for item in chosen]
    corpus.faults = first_reasons(outcomes) | corpus.faults
    corpus.final.update(item.verdict.outcome.value for item in chosen)
    corpus.by_path.update(item.draft.path.value for item in judged)
    corpus.accepted_by_path.update(item.draft.path.value for item in judged if item.verdict.outcome is Outcome.ACCEPTED)
    corpus.prompt_tokens += sum(item.draft.prompt_tokens for item in judged)
    corpus.completion_tokens += sum(item.draft.completion_tokens for item in judged)
