"""The stages of a run, each with its entry in `ledger.json` and its section of `metrics.json`.

Every stage can be called again on the same run: it continues, and does nothing where nothing is left to do.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from pad_ray import ledger, metrics
from pad_ray.decoding.greedy import Greedy
from pad_ray.decoding.stage import solve
from pad_ray.engines.stage import fingerprint
from pad_ray.evaluation.scores import compare, score, wilson
from pad_ray.ledger import StageEntry
from pad_ray.models import resolve
from pad_ray.paths.demonstrations import load_demonstrations
from pad_ray.paths.program import ProgramPath
from pad_ray.progress import Progress
from pad_ray.recipe import Recipe
from pad_ray.report import render
from pad_ray.rundir import RunDir
from pad_ray.schema import Outcome, Question, Solution
from pad_ray.synthesis import corpus as corpora
from pad_ray.synthesis.corpus import Corpus
from pad_ray.synthesis.pipeline import Tally, synthesize
from pad_ray.synthesis.plan import PlannedQuestion, plan
from pad_ray.tasks import get_task
from pad_ray.training.train import Trained, train

REPORT = "report.html"


@dataclass(frozen=True)
class Run:
    """What every stage gets."""

    recipe: Recipe
    folder: RunDir
    progress: Progress


@dataclass(frozen=True)
class Questions:
    """The questions of a run: those to learn from, and the test questions by task."""

    train: list[Question]
    test: dict[str, list[Question]]


@dataclass(frozen=True)
class Inputs:
    """Everything a run reads, checked before anything is written: its questions, and every draft it asks for."""

    questions: Questions
    planned: list[PlannedQuestion]


def read_inputs(recipe: Recipe) -> Inputs:
    """Read questions and demonstrations, resolve both models and plan the drafts. Writes nothing.

    Raises:
        InputError: a task, a split, a row, a model name or weights are not usable.
    """
    asked, seed = recipe.questions, recipe.seed
    train_questions = get_task(asked.task).load("train", recipe.data_dir, asked.limit, seed)
    tests = {
        name: get_task(name).load("test", recipe.data_dir, asked.test_limit, seed)
        for name in asked.test_tasks or [asked.task]
    }
    resolve(recipe.training.student)
    planned = plan(train_questions, teacher_path(recipe), fingerprint(recipe.teacher), recipe.synthesis, seed)
    return Inputs(Questions(train_questions, tests), planned)


def teacher_path(recipe: Recipe) -> ProgramPath:
    """How the teacher, and a student before it is trained, is asked: with demonstrations."""
    return ProgramPath(load_demonstrations(recipe.questions.task, recipe.data_dir))


def store_questions(run: Run, questions: Questions) -> None:
    """Write `questions/`."""
    everything = [*questions.train, *(question for test in questions.test.values() for question in test)]
    run.folder.write_records("questions/part-00000.parquet", Question, everything)
    ledger.record(run.folder, StageEntry("questions", "questions", len(everything), len(everything)))


def make_drafts(run: Run, planned: Sequence[PlannedQuestion]) -> Tally:
    """Generate, execute and commit the drafts that are missing."""
    recipe = run.recipe
    tally = synthesize(run.folder, planned, recipe.teacher, recipe.sandbox, recipe.synthesis, run.progress)
    if tally.protections is not None:
        metrics.update(run.folder, "sandbox", {"protections": asdict(tally.protections)})
    seconds = _seconds_so_far(run, "synthesis") + tally.seconds
    metrics.update(run.folder, "synthesis", {"drafts": tally.planned, "seconds": seconds})
    return tally


def build_corpus(run: Run, planned: Sequence[PlannedQuestion]) -> Corpus:
    """Turn the committed drafts into the corpus, and balance the ledger of synthesis and corpus."""
    started = time.monotonic()
    corpus = corpora.build(run.folder, planned, run.recipe.synthesis, run.recipe.seed)
    seconds, accepted = metrics.read(run.folder)["synthesis"]["seconds"], corpus.verified.get(Outcome.ACCEPTED, 0)
    metrics.update(
        run.folder,
        "synthesis",
        {
            "drafts": corpus.drafts,
            "accepted": accepted,
            "yield": accepted / corpus.drafts,
            "interval": wilson(accepted, corpus.drafts),
            "completion_tokens": corpus.completion_tokens,
            "outcomes": corpus.verified,
            "seconds": seconds,
        },
    )
    planned_drafts = sum(len(item.drafts) for item in planned)
    guarded = metrics.read(run.folder).get("sandbox", {}).get("protections")
    ledger.record(run.folder, ledger.judged("synthesis", "drafts", planned_drafts, corpus.verified, seconds, guarded))
    kept = {outcome: n for outcome, n in corpus.final.items() if outcome in corpora.DROPPED}
    rows = corpus.train_rows + corpus.validation_rows
    elapsed = time.monotonic() - started
    ledger.record(run.folder, StageEntry("corpus", "programs", accepted, rows, kept, seconds=elapsed))
    summary = ("train_rows", "validation_rows", "questions", "hash")
    metrics.update(run.folder, "corpus", {name: getattr(corpus, name) for name in summary})
    corpora.require_rows(corpus)
    return corpus


def train_student(run: Run, corpus: Corpus) -> Trained:
    """Fine-tune the student on the corpus."""
    folders = {"train": corpora.TRAIN, "validation": corpora.VALIDATION}
    trained = train(run.folder, folders, corpus.hash, run.recipe.training, run.recipe.seed, run.progress)
    left_out = {Outcome.TRUNCATED.value: trained.left_out} if trained.left_out else {}
    ledger.record(
        run.folder,
        StageEntry("training", "rows", corpus.train_rows, trained.rows, left_out, seconds=trained.seconds),
    )
    fields = asdict(trained)
    metrics.update(run.folder, "training", {name: fields[name] for name in fields if name not in ("key", "rows")})
    return trained


def evaluate_student(run: Run, student: str, tests: dict[str, list[Question]]) -> None:
    """Measure the base student (`before`) with the teacher's demonstrations, or the trained one (`after`) without."""
    recipe = run.recipe
    before = student == "before"
    path = teacher_path(recipe) if before else ProgramPath()
    model = recipe.training.student if before else str(run.folder.local_path("student"))
    engine = recipe.evaluation.engine.model_copy(update={"model": model})
    label = "before-greedy" if before else "greedy"
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
            "prompt": f"{len(path.demonstrations)}-shot",
            **asdict(score(solutions)),
        }
        metrics.update_evaluation(run.folder, entry, took)
        outcomes.update(solution.outcome.value for solution in solutions)
        seconds += took
    stage = f"evaluation.{student}"
    seconds += _seconds_so_far(run, stage)
    asked = sum(map(len, tests.values()))
    ledger.record(run.folder, ledger.judged(stage, "questions", asked, outcomes, seconds))


def compare_students(run: Run, tests: dict[str, list[Question]]) -> None:
    """Paired tests of the student after against before, on every task."""
    pairs = []
    for task, questions in tests.items():
        before, after = (_solutions(run, task, label, questions) for label in ("before-greedy", "greedy"))
        paired = compare(before, after, run.recipe.seed)
        pairs.append({"task": task, "a": "before", "b": "after", "test": "exact McNemar", **asdict(paired)})
    metrics.update(run.folder, "paired", pairs)


def write_report(run: Run) -> str:
    """Render `report.html`; returns where it is."""
    run.folder.write_text(REPORT, render(run.folder.location))
    return run.folder.path(REPORT)


def _solutions(run: Run, task: str, label: str, questions: Sequence[Question]) -> list[Solution]:
    by_id = {s.question_id: s for s in run.folder.iter_records(f"solutions/{task}/{label}", Solution)}
    return [by_id[question.question_id] for question in questions]


def _seconds_so_far(run: Run, stage: str) -> float:
    """What earlier calls of a stage took, so that a run in several goes reports all of its time."""
    times: list[Any] = [entry["seconds"] for entry in ledger.entries(run.folder) if entry["stage"] == stage]
    return float(times[0]) if times else 0.0
