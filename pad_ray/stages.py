"""The stages of a run, each with its entry in `ledger.json` and its section of `metrics.json`.

Every stage can be called again on the same run: it continues, or does nothing if it is complete.
"""

import os
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

from pad_ray import ledger, metrics
from pad_ray.engines import versions
from pad_ray.engines.kinds import fingerprint
from pad_ray.errors import InputError, StageError
from pad_ray.evaluation.intervals import wilson
from pad_ray.ledger import StageEntry
from pad_ray.models import resolve
from pad_ray.paths import PATHS, ReasoningPath
from pad_ray.paths.demonstrations import assert_not_in_test, load_sets
from pad_ray.progress import Progress
from pad_ray.recipe import Recipe
from pad_ray.rundir import RunDir
from pad_ray.schema import CorpusRow, Outcome, Question, content_id
from pad_ray.synthesis import corpus as corpora
from pad_ray.synthesis.card import CardFacts, write_card
from pad_ray.synthesis.contamination import KnownTests, load_tests
from pad_ray.synthesis.corpus import Corpus
from pad_ray.synthesis.pipeline import Tally, synthesize
from pad_ray.synthesis.plan import Plan
from pad_ray.synthesis.questions import TEST, demand_usable, fault, store
from pad_ray.synthesis.rows import objectives_of
from pad_ray.tasks import get_task
from pad_ray.tasks.config import task_and_split
from pad_ray.tracking import Tracker
from pad_ray.training.config import STUDENT
from pad_ray.training.model_card import write_model_card
from pad_ray.training.round_trip import check_student_writes
from pad_ray.training.train import Trained, Watch, train

REPORT = "report.html"


@dataclass(frozen=True)
class Run:
    """The arguments of every stage."""

    recipe: Recipe
    folder: RunDir
    progress: Progress

    @classmethod
    def tracked(cls, recipe: Recipe, folder: RunDir, progress: Progress) -> Self:
        """A run whose progress also goes to the backends of `recipe.tracking`."""
        return cls(recipe, folder, progress.tracked(lambda stage: Tracker(recipe.tracking, folder, stage)))


@dataclass(frozen=True)
class Inputs:
    """Everything that a run reads, checked before anything is written.

    `train` is consumed once, by `store_questions`; `test` holds the test questions by task.
    """

    train: Iterator[Question]
    test: dict[str, list[Question]]
    plan: Plan


def read_inputs(recipe: Recipe) -> Inputs:
    """Read questions and demonstrations, resolve both models and plan the drafts. Writes nothing.

    Raises:
        InputError: a task, a split, a row, a demonstration, a model name or weights are not usable.
    """
    source, seed = recipe.questions, recipe.seed
    train_questions = get_task(source.task).stream(source.split, recipe.data_dir, source.limit, seed)
    tests = read_tests(recipe)
    for name in recipe.corpus.decontaminate or []:
        get_task(name)
    versions.check(recipe.teacher)
    check_student(recipe)
    objectives_of(recipe.synthesis.paths, recipe.corpus)
    paths = teacher_paths(recipe)
    for path in paths:
        assert_not_in_test(path.sets, (question for test in tests.values() for question in test))
    return Inputs(train_questions, tests, Plan(paths, fingerprint(recipe.teacher), recipe.synthesis, seed))


def read_tests(recipe: Recipe) -> dict[str, list[Question]]:
    """The test questions by the name of their set. Raises InputError if a task, its files or a question is not usable."""
    return {name: _read_test(recipe, name) for name in recipe.questions.tests}


def _read_test(recipe: Recipe, name: str) -> list[Question]:
    task, split = task_and_split(name)
    sample = get_task(task).load(split, recipe.data_dir, recipe.questions.test_limit, recipe.seed)
    if any(map(fault, sample)) or len({question.question_id for question in sample}) < len(sample):
        # Read the whole split: a sample does not give a question's position in the file.
        whole = split in get_task(task).published
        read = get_task(task).load(split, recipe.data_dir, seed=recipe.seed) if whole else sample
        where = f"split {split}" + (f" in {recipe.data_dir}/{task}" if whole and recipe.data_dir else "")
        demand_usable(name, read, where)
    return sample


def check_student(recipe: Recipe) -> None:
    """Raise InputError if the student's weights are not usable or its tokenizer cannot represent the corpus' targets."""
    student = resolve(recipe.training.student)
    check_student_writes(student.name, str(student.path), objectives_of(recipe.synthesis.paths, recipe.corpus))


def teacher_paths(recipe: Recipe) -> tuple[ReasoningPath, ...]:
    """The paths that prompt the teacher, with their demonstrations."""
    config = recipe.synthesis
    sets = {kind: load_sets(recipe.questions.task, kind, recipe.data_dir) for kind in config.paths}
    return tuple(PATHS[kind](sets[kind][: config.demonstration_sets], config.chat) for kind in config.paths)


def store_questions(run: Run, inputs: Inputs) -> None:
    """Write `questions/`: train questions, unusable questions with the reason, and test questions."""
    started = time.monotonic()
    stored = store(run.folder, inputs.train)
    store_tests(run, inputs.test)
    elapsed = time.monotonic() - started
    tests = sum(map(len, inputs.test.values()))
    counts = (stored.asked + tests, stored.kept + tests, stored.unusable)
    ledger.record(run.folder, StageEntry("questions", "questions", *counts, seconds=elapsed))
    if not stored.kept:
        raise StageError(f"questions: none of {stored.asked} is usable: {dict(stored.unusable)}")


def store_tests(run: Run, tests: dict[str, list[Question]], *, keep: bool = False) -> None:
    """Write the test questions to `questions/`. With `keep`, the stored questions of a task are not replaced."""
    for task, questions in tests.items():
        if not (keep and run.folder.exists(f"{TEST}/{task}.parquet")):
            run.folder.write_records(f"{TEST}/{task}.parquet", Question, questions)


def make_drafts(run: Run, plan: Plan) -> Tally:
    """Generate, judge and commit the missing drafts."""
    recipe = run.recipe
    tally = synthesize(run.folder, plan, recipe.teacher, recipe.sandbox, recipe.synthesis, run.progress)
    before = metrics.read(run.folder).get("synthesis", {})
    if tally.protections is not None:
        metrics.update(run.folder, "sandbox", {"protections": asdict(tally.protections)})
        if tally.protections.missing:
            run.progress.say(f"sandbox: {tally.protections.missing}")
    spent = {
        "seconds": before.get("seconds", 0.0) + tally.seconds,
        "device_seconds": before.get("device_seconds", 0.0) + tally.device_seconds,
    }
    metrics.update(run.folder, "synthesis", {**before, "drafts": tally.planned, **spent})
    return tally


def build_corpus(run: Run, inputs: Inputs) -> Corpus:
    """Build the corpus from the committed drafts, and write the ledger entries of synthesis and corpus."""
    recipe = run.recipe
    source = recipe.questions
    own = [question for test in inputs.test.values() for question in test]
    tests = load_tests(recipe.corpus.decontaminate, recipe.data_dir, recipe.seed, own, source.task, source.split)
    known = KnownTests.build(tests, recipe.corpus.ngram)
    corpus = corpora.build(run.folder, inputs.plan, recipe.corpus, recipe.seed, known)
    earlier = metrics.read(run.folder)["synthesis"]
    accepted = corpus.verified[Outcome.ACCEPTED]
    summary = {
        "drafts": corpus.drafts,
        "accepted": accepted,
        "yield": accepted / max(1, corpus.drafts),
        "interval": wilson(accepted, corpus.drafts) if corpus.drafts else (0.0, 1.0),
        "by_path": {
            path: {"drafts": count, "accepted": corpus.accepted_by_path[path]} for path, count in corpus.by_path.items()
        },
        "prompt_tokens": corpus.prompt_tokens,
        "completion_tokens": corpus.completion_tokens,
        "outcomes": corpus.verified,
        "seconds": earlier["seconds"],
        "device_seconds": earlier["device_seconds"],
    }
    metrics.update(run.folder, "synthesis", summary)
    guarded = metrics.read(run.folder).get("sandbox", {}).get("protections")
    entry = ledger.judged(
        "synthesis", "drafts", corpus.planned, corpus.verified, earlier["seconds"], guarded, corpus.faults
    )
    ledger.record(run.folder, entry)
    dropped = {name: n - corpus.verified[name] for name, n in corpus.final.items() if n > corpus.verified[name]}
    dropped.pop(Outcome.ACCEPTED, None)
    ends = {**dropped, Outcome.ACCEPTED: corpus.final[Outcome.ACCEPTED]}
    ledger.record(run.folder, ledger.judged("corpus", "drafts", accepted, ends, corpus.seconds, reasons=corpus.faults))
    named = ("train_rows", "validation_rows", "rows", "questions", "contaminated", "overlaps", "compared", "hash")
    metrics.update(run.folder, "corpus", {name: getattr(corpus, name) for name in named})
    write_card(run.folder, _card(recipe, inputs.plan, corpus, tests, guarded))
    corpora.require_rows(corpus)
    return corpus


def stored_corpus(run: Run) -> Corpus:
    """The corpus that an earlier job built in this run. A corpus of other origin has no hash; it gets one of its row ids.

    Raises:
        InputError: the run has no corpus, or one without rows for training or validation.
    """
    folder = run.folder
    corpus = Corpus(hash=metrics.read(folder).get("corpus", {}).get("hash", ""))
    for name in (corpora.TRAIN, corpora.VALIDATION):
        rows = sum(folder.row_count(part) for part in folder.parts(name))
        if not rows:
            raise InputError(f"{folder.path(name)}: no rows; make a corpus with jobs/synthesize.py and the same recipe")
        corpus.rows[f"{name.removeprefix('corpus/')}/any"] = rows
    if not corpus.hash:
        tables = (folder.read_table(name, CorpusRow, ["row_id"]) for name in (corpora.TRAIN, corpora.VALIDATION))
        corpus.hash = content_id("stored", [table["row_id"].to_pylist() for table in tables])
    return corpus


def train_student(run: Run, corpus: Corpus, watch: Watch | None = None) -> Trained:
    """Fine-tune the student on the corpus."""
    recipe = run.recipe
    folders = {"train": corpora.TRAIN, "validation": corpora.VALIDATION}
    trained = train(
        run.folder,
        folders,
        corpus.hash,
        recipe.training,
        recipe.seed,
        run.progress,
        sandbox=recipe.sandbox,
        watch=watch,
    )
    left_out = {Outcome.TRUNCATED.value: trained.left_out} if trained.left_out else {}
    ledger.record(
        run.folder,
        StageEntry("training", "rows", corpus.train_rows, trained.rows, left_out, seconds=trained.seconds),
    )
    metrics.update(run.folder, "training", training_figures(trained))
    return trained


def training_figures(trained: Trained) -> dict[str, Any]:
    """The figures of a training run for `metrics.json`; the others are in the recipe and the ledger."""
    elsewhere = ("key", "rows", "config", "corpus", "seed")
    return {name: value for name, value in asdict(trained).items() if name not in elsewhere}


def _card(
    recipe: Recipe,
    plan: Plan,
    corpus: Corpus,
    tests: Sequence[Question],
    protections: dict[str, Any] | None,
) -> CardFacts:
    teacher, _, revision = plan.engine.partition("@")
    config = plan.config
    return CardFacts(
        task=recipe.questions.task,
        split=recipe.questions.split,
        teacher=teacher,
        teacher_revision=revision,
        corpus_hash=corpus.hash,
        planned=corpus.planned,
        accepted=corpus.verified[Outcome.ACCEPTED],
        questions=corpus.questions,
        rows={split: corpus.rows_of(split) for split in ("train", "validation")},
        dropped={name: n for name, n in corpus.final.items() if name != Outcome.ACCEPTED},
        tests=Counter(question.task for question in tests),
        contaminated=corpus.contaminated,
        overlaps=corpus.overlaps,
        compared=corpus.compared,
        languages=sorted(corpus.languages),
        ngram=recipe.corpus.ngram,
        max_overlap=recipe.corpus.max_overlap,
        masked_overlap=recipe.corpus.masked_overlap,
        samples=config.samples,
        temperature=config.temperature,
        top_p=config.top_p,
        max_tokens=config.max_tokens,
        seed=plan.seed,
        demonstrations={path.kind.value: [len(examples) for examples in path.sets] for path in plan.paths},
        protections=protections,
    )


def write_report(run: Run) -> str:
    """Render `report.html` and update the student's model card; returns the page's path, relative if it is below here."""
    if run.folder.exists(f"{STUDENT}/training.json"):
        write_model_card(run.folder, STUDENT)
    # Imported here because altair is slow to import and the trials of a campaign write no page.
    from pad_ray.report import render

    run.folder.write_text(REPORT, render(run.folder.location))
    page = run.folder.path(REPORT)
    near = os.path.relpath(page) if run.folder.is_local else page
    return page if near.startswith(os.pardir) else near


def seconds_so_far(run: Run, stage: str) -> float:
    """Seconds that earlier calls of a stage took, so that an interrupted stage reports its total time."""
    times: list[Any] = [entry["seconds"] for entry in ledger.entries(run.folder) if entry["stage"] == stage]
    return float(times[0]) if times else 0.0
