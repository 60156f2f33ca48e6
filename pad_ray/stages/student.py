"""Check the student of a run before anything is written, then train it on the corpus."""

from dataclasses import asdict
from typing import Any

from pad_ray.models import resolve
from pad_ray.recipe import Recipe
from pad_ray.run import ledger, metrics
from pad_ray.run.ledger import StageEntry
from pad_ray.schema import Outcome
from pad_ray.stages.base import Run
from pad_ray.synthesis import corpus as corpora
from pad_ray.synthesis.corpus import Corpus
from pad_ray.synthesis.rows import objectives_of
from pad_ray.training.round_trip import check_student_writes
from pad_ray.training.train import Trained, TrainingRun, Watch, train


def check_student(recipe: Recipe) -> None:
    """Raise InputError if the student's weights are not usable or its tokenizer cannot represent the corpus' targets."""
    student = resolve(recipe.training.student)
    check_student_writes(student.name, str(student.path), objectives_of(recipe.synthesis.paths, recipe.corpus))


def train_student(run: Run, corpus: Corpus, watch: Watch | None = None) -> Trained:
    """Fine-tune the student on the corpus."""
    recipe = run.recipe
    folders = {"train": corpora.TRAIN, "validation": corpora.VALIDATION}
    training = TrainingRun(run.folder, folders, corpus.hash, recipe.training, recipe.seed, sandbox=recipe.sandbox)
    trained = train(training, run.progress, watch)
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
