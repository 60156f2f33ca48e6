"""Train a student on the corpus that `jobs/synthesize.py` built in the same run: `student/`, in the Hugging Face layout."""

import sys

from pad_ray import job, stages
from pad_ray.preview import preview_training
from pad_ray.stages import Run


def train(run: Run) -> None:
    """Train the student. Called again on the same run, it continues from the last checkpoint."""
    run.folder.demand_local("a student")
    stages.check_student(run.recipe)
    corpus = stages.stored_corpus(run)
    job.start(run)
    trained = stages.train_student(run, corpus)
    page = stages.write_report(run)
    job.closing_table(run)
    accuracy = "" if trained.best_accuracy is None else f", accuracy {trained.best_accuracy:.1%}"
    run.progress.say(
        f"student: {run.folder.path('student')}, {trained.steps} steps, validation loss {trained.best_validation_loss:.4f}"
        f"{accuracy}; ZeRO stage {trained.zero_stage}, {trained.workers} workers"
    )
    run.progress.say(f"report: {page}")


if __name__ == "__main__":
    sys.exit(job.main(str(__doc__), train, preview_training, sys.argv[1:]))
