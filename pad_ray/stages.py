"""The stages of a run, each with its entry in `ledger.json` and its section of `metrics.json`.

Every stage can be called again on the same run: it continues, and does nothing where nothing is left to do.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pad_ray import ledger, metrics
from pad_ray.decoding.greedy import Greedy
from pad_ray.decoding.stage import solve
from pad_ray.engines import versions
from pad_ray.engines.kinds import fingerprint
from pad_ray.errors import InputError, StageError
from pad_ray.evaluation.intervals import wilson
from pad_ray.evaluation.paired import compare
from pad_ray.evaluation.scores import score
from pad_ray.ledger import StageEntry
from pad_ray.models import resolve
from pad_ray.paths import PATHS, Program, ReasoningPath
from pad_ray.paths.demonstrations import Sets, assert_not_in_test, load_sets
from pad_ray.progress import Progress
from pad_ray.recipe import Recipe
from pad_ray.report import render
from pad_ray.rundir import RunDir
from pad_ray.schema import CorpusRow, Outcome, PathKind, Question, Solution, content_id
from pad_ray.synthesis import corpus as corpora
from pad_ray.synthesis.card import CardFacts, write_card
from pad_ray.synthesis.contamination import KnownTests, load_tests
from pad_ray.synthesis.corpus import Corpus
from pad_ray.synthesis.pipeline import Tally, synthesize
from pad_ray.synthesis.plan import Plan
from pad_ray.synthesis.questions import TEST, store
from pad_ray.synthesis.rows import objectives_of
from pad_ray.tasks import get_task
from pad_ray.tracking import Tracker
from pad_ray.training.model_card import write_model_card
from pad_ray.training.train import STUDENT, Trained, train

REPORT = "report.html"
STUDENTS = {"after": "student", "refined": "refined"}
"""Where the weights of a trained student are in the run's folder."""
LABELS = {"before": "before-greedy", "after": "greedy", "refined": "refined-greedy"}
"""What a student's greedy solutions are kept under."""


@dataclass(frozen=True)
class Run:
    """What every stage gets."""

    recipe: Recipe
    folder: RunDir
    progress: Progress


@dataclass(frozen=True)
class Inputs:
    """Everything a run reads, checked before anything is written.

    `train` is gone through once, by `store_questions`; `test` holds the test questions by task.
    """

    train: Iterator[Question]
    test: dict[str, list[Question]]
    plan: Plan


def read_inputs(recipe: Recipe) -> Inputs:
    """Read questions and demonstrations, resolve both models and plan the drafts. Writes nothing.

    Raises:
        InputError: a task, a split, a row, a demonstration, a model name or weights are not usable.
    """
    asked, seed = recipe.questions, recipe.seed
    train_questions = get_task(asked.task).stream("train", recipe.data_dir, asked.limit, seed)
    tests = {
        name: get_task(name).load("test", recipe.data_dir, asked.test_limit, seed)
        for name in asked.test_tasks or [asked.task]
    }
    for name in recipe.corpus.decontaminate or []:
        get_task(name)
    versions.check(recipe.teacher)
    check_student(recipe)
    objectives_of(recipe.synthesis.paths, recipe.corpus)
    paths = teacher_paths(recipe)
    for path in paths:
        assert_not_in_test(path.sets, (question for test in tests.values() for question in test))
    return Inputs(train_questions, tests, Plan(paths, fingerprint(recipe.teacher), recipe.synthesis, seed))


def check_student(recipe: Recipe) -> None:
    """InputError where the student's weights or a tracking backend are not usable."""
    recipe.tracking.check()
    resolve(recipe.training.student)


def teacher_paths(recipe: Recipe) -> tuple[ReasoningPath, ...]:
    """How the teacher is asked for each kind of path: with demonstrations."""
    config = recipe.synthesis
    sets = {kind: load_sets(recipe.questions.task, kind, recipe.data_dir) for kind in config.paths}
    return tuple(PATHS[kind](sets[kind][: config.demonstration_sets], config.chat) for kind in config.paths)


def store_questions(run: Run, inputs: Inputs) -> None:
    """Write `questions/`: those to learn from, those that cannot be asked with their reason, and the test questions."""
    started = time.monotonic()
    stored = store(run.folder, inputs.train)
    for task, questions in inputs.test.items():
        run.folder.write_records(f"{TEST}/{task}.parquet", Question, questions)
    elapsed = time.monotonic() - started
    tests = sum(map(len, inputs.test.values()))
    counts = (stored.asked + tests, stored.kept + tests, stored.unusable)
    ledger.record(run.folder, StageEntry("questions", "questions", *counts, seconds=elapsed))
    if not stored.kept:
        raise StageError(f"questions: none of {stored.asked} can be asked: {dict(stored.unusable)}")


def make_drafts(run: Run, plan: Plan) -> Tally:
    """Generate, judge and commit the drafts that are missing."""
    recipe = run.recipe
    with Tracker(recipe.tracking, run.folder, "synthesis") as tracker:
        tally = synthesize(run.folder, plan, recipe.teacher, recipe.sandbox, recipe.synthesis, run.progress, tracker)
    before = metrics.read(run.folder).get("synthesis", {})
    if tally.protections is not None:
        metrics.update(run.folder, "sandbox", {"protections": asdict(tally.protections)})
    spent = {
        "seconds": before.get("seconds", 0.0) + tally.seconds,
        "device_seconds": before.get("device_seconds", 0.0) + tally.device_seconds,
    }
    metrics.update(run.folder, "synthesis", {**before, "drafts": tally.planned, **spent})
    return tally


def build_corpus(run: Run, inputs: Inputs) -> Corpus:
    """Turn the committed drafts into the corpus, and balance the ledger of synthesis and corpus."""
    recipe = run.recipe
    asked = recipe.questions
    own = [question for test in inputs.test.values() for question in test]
    tests = load_tests(recipe.corpus.decontaminate, recipe.data_dir, recipe.seed, own, asked.task, "train")
    known = KnownTests.build(tests, recipe.corpus.ngram)
    corpus = corpora.build(run.folder, inputs.plan, recipe.corpus, recipe.seed, known)
    made = metrics.read(run.folder)["synthesis"]
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
        "seconds": made["seconds"],
        "device_seconds": made["device_seconds"],
    }
    metrics.update(run.folder, "synthesis", summary)
    guarded = metrics.read(run.folder).get("sandbox", {}).get("protections")
    entry = ledger.judged("synthesis", "drafts", corpus.planned, corpus.verified, made["seconds"], guarded)
    ledger.record(run.folder, entry)
    dropped = {name: n - corpus.verified[name] for name, n in corpus.final.items() if n > corpus.verified[name]}
    dropped.pop(Outcome.ACCEPTED, None)
    kept = corpus.final[Outcome.ACCEPTED]
    ledger.record(run.folder, StageEntry("corpus", "drafts", accepted, kept, dropped, seconds=corpus.seconds))
    named = ("train_rows", "validation_rows", "rows", "questions", "contaminated", "hash")
    metrics.update(run.folder, "corpus", {name: getattr(corpus, name) for name in named})
    write_card(run.folder, _card(recipe, inputs.plan, corpus, tests, guarded))
    corpora.require_rows(corpus)
    return corpus


def stored_corpus(run: Run) -> Corpus:
    """The corpus that an earlier job built in this run; one of other origin is told apart by its row ids.

    Raises:
        InputError: the run has no corpus, or one without rows to train on or to validate.
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


def train_student(run: Run, corpus: Corpus) -> Trained:
    """Fine-tune the student on the corpus."""
    recipe = run.recipe
    folders = {"train": corpora.TRAIN, "validation": corpora.VALIDATION}
    with Tracker(recipe.tracking, run.folder, "training") as tracker:
        trained = train(
            run.folder,
            folders,
            corpus.hash,
            recipe.training,
            recipe.seed,
            run.progress,
            sandbox=recipe.sandbox,
            tracker=tracker,
        )
    left_out = {Outcome.TRUNCATED.value: trained.left_out} if trained.left_out else {}
    ledger.record(
        run.folder,
        StageEntry("training", "rows", corpus.train_rows, trained.rows, left_out, seconds=trained.seconds),
    )
    metrics.update(run.folder, "training", training_figures(trained))
    return trained


def training_figures(trained: Trained) -> dict[str, Any]:
    """What `metrics.json` says of a training run; the rest is the recipe's and the ledger's."""
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
        split="train",
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
        ngram=recipe.corpus.ngram,
        max_overlap=recipe.corpus.max_overlap,
        samples=config.samples,
        temperature=config.temperature,
        top_p=config.top_p,
        max_tokens=config.max_tokens,
        seed=plan.seed,
        demonstrations={path.kind.value: [len(shown) for shown in path.sets] for path in plan.paths},
        protections=protections,
    )


def first_demonstrations(recipe: Recipe) -> Sets:
    """The first set of programs that the teacher is shown: a student that is not trained yet is asked with it."""
    return load_sets(recipe.questions.task, PathKind.PROGRAM, recipe.data_dir)[:1]


def evaluate_student(run: Run, student: str, tests: dict[str, list[Question]]) -> None:
    """Measure the base student (`before`) with the teacher's demonstrations, or a trained one (`STUDENTS`) without."""
    recipe = run.recipe
    before = student == "before"
    path = Program(first_demonstrations(recipe)) if before else Program()
    model = recipe.training.student if before else str(run.folder.local_path(STUDENTS[student]))
    engine = recipe.evaluation.engine.model_copy(update={"model": model})
    label = LABELS[student]
    strategy = Greedy(path, recipe.evaluation.max_tokens)
    outcomes: Counter[str] = Counter()
    seconds = 0.0
    for task, questions in tests.items():
        solutions, took = solve(run.folder, label, questions, engine, recipe.sandbox, strategy, run.progress)
        entry = {
            "task": task,
            "split": "test",
            "student": student,
            "strategy": strategy.name,
            "prompt": f"{len(path.sets[0]) if path.sets else 0}-shot",
            **asdict(score(solutions, questions, recipe.seed)),
        }
        metrics.update_evaluation(run.folder, entry, took)
        outcomes.update(solution.outcome.value for solution in solutions)
        seconds += took
    stage = f"evaluation.{student}"
    seconds += seconds_so_far(run, stage)
    asked = sum(map(len, tests.values()))
    ledger.record(run.folder, ledger.judged(stage, "questions", asked, outcomes, seconds))


def compare_students(run: Run, tests: dict[str, list[Question]], a: str = "before", b: str = "after") -> None:
    """Paired tests of student `b` against `a`, on every task; those of other students stay."""
    pairs = [pair for pair in metrics.read(run.folder).get("paired", []) if (pair["a"], pair["b"]) != (a, b)]
    for task, questions in tests.items():
        left, right = (_solutions(run, task, LABELS[student], questions) for student in (a, b))
        paired = compare(left, right, run.recipe.seed)
        pairs.append({"task": task, "a": a, "b": b, **asdict(paired)})
    metrics.update(run.folder, "paired", pairs)


def write_report(run: Run) -> str:
    """Render `report.html`, and put new scores into the student's model card; returns where the page is."""
    if run.folder.exists(f"{STUDENT}/training.json"):
        write_model_card(run.folder, STUDENT)
    run.folder.write_text(REPORT, render(run.folder.location))
    return run.folder.path(REPORT)


def _solutions(run: Run, task: str, label: str, questions: Sequence[Question]) -> list[Solution]:
    by_id = {s.question_id: s for s in run.folder.iter_records(f"solutions/{task}/{label}", Solution)}
    return [by_id[question.question_id] for question in questions]


def seconds_so_far(run: Run, stage: str) -> float:
    """What earlier calls of a stage took, so that a run in several goes reports all of its time."""
    times: list[Any] = [entry["seconds"] for entry in ledger.entries(run.folder) if entry["stage"] == stage]
    return float(times[0]) if times else 0.0
