"""Check the student of a run before anything is written, then train it on the corpus."""

from pad_ray.models import resolve
from pad_ray.recipe import Recipe
from pad_ray.run import ledger, metrics
from pad_ray.run.ledger import StageEntry
from pad_ray.run.records import TrainingSummary
from pad_ray.schema import Outcome
from pad_ray.stages.base import Run
from pad_ray.synthesis import corpus as corpora
from pad_ray.synthesis.corpus import Corpus
from pad_ray.synthesis.rows import objectives_of
from pad_ray.training.round_trip import check_student_writes
from pad_ray.training.train import TrainingResult, TrainingRun, Watch, train


def check_student(recipe: Recipe) -> None:
    """Raise InputError if the student's weights are not usable or its tokenizer cannot represent the corpus' targets."""
    student = resolve(recipe.training.student)
    check_student_writes(student.name, str(student.path), objectives_of(recipe.synthesis.paths, recipe.corpus))


def train_student(run: Run, corpus: Corpus, watch: Watch | None = None) -> TrainingResult:
    """Fine-tune the student on the corpus."""
    recipe = run.recipe
    folders = {"train": corpora.TRAIN, "validation": corpora.VALIDATION}
    training = TrainingRun(run.folder, folders, corpus.hash, recipe.training, recipe.seed, sandbox=recipe.sandbox)
    trained = train(training, run.progress, watch)
    ledger.record(run.folder, training_entry("training", corpus.train_rows, trained))
    metrics.update(run.folder, training=training_summary(trained))
    return trained


def training_entry(stage: str, rows: int, trained: TrainingResult) -> StageEntry:
    """The ledger's entry of a training on so many rows of a corpus."""
    left_out = {Outcome.TRUNCATED.value: trained.left_out} if trained.left_out else {}
    return StageEntry(
        stage=stage, unit="rows", rows_in=rows, rows_out=trained.rows, rejected=left_out, seconds=trained.seconds
    )


def training_summary(trained: TrainingResult) -> TrainingSummary:
    """The figures of a training run for `metrics.json`; the others are in the recipe and the ledger."""
    return TrainingSummary.model_validate({name: getattr(trained, name) for name in TrainingSummary.model_fields})
