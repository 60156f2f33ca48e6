"""Train a student on the corpus that `jobs/synthesize.py` built in the same run: `student/`, in the Hugging Face layout.

Examples:
    python jobs/train.py demo                                    # on the corpus in runs/demo
    python jobs/train.py demo --dry-run                          # steps, tokens, and what it needs
    python jobs/train.py demo --training.lora.rank 16            # adapters

Options: run_dir seed training.student training.epochs training.learning_rate training.rows_per_step training.max_tokens
training.lora.rank training.zero_stage training.workers
"""

import sys

from pad_ray.stages import command_line
from pad_ray.stages.base import Run
from pad_ray.stages.corpus import stored_corpus
from pad_ray.stages.page import write_report
from pad_ray.stages.preview import preview_training
from pad_ray.stages.student import check_student, train_student
from pad_ray.stages.tables import closing_table
from pad_ray.words import counted


def train(run: Run) -> None:
    """Train the student. Called again on the same run, it continues from the last checkpoint."""
    run.folder.demand_local("a student")
    check_student(run.recipe)
    corpus = stored_corpus(run)
    command_line.start(run)
    trained = train_student(run, corpus)
    page = write_report(run)
    closing_table(run)
    accuracy = "" if trained.best_accuracy is None else f", accuracy {trained.best_accuracy:.1%}"
    run.progress.say(
        f"student: {run.folder.path('student')}, {counted(trained.steps, 'step')}, "
        f"validation loss {trained.best_validation_loss:.4f}"
        f"{accuracy}; ZeRO stage {trained.zero_stage}, {counted(trained.workers, 'worker')}"
    )
    run.progress.say(f"report: {page}")


if __name__ == "__main__":
    sys.exit(command_line.main(str(__doc__), train, preview_training, sys.argv[1:]))
