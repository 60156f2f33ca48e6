"""Distil a teacher into a student: questions -> drafts -> verdicts -> corpus -> student -> solutions -> scores -> report.

Examples:
    python jobs/distill.py demo                                            # the whole way on a laptop
    python jobs/distill.py gsm8k --dry-run                                 # what it would do and need
    python jobs/distill.py demo --questions.limit 48 --run-dir runs/small  # another number of questions

Options: run_dir data_dir seed questions.task questions.limit teacher.kind teacher.model synthesis.samples training.student
evaluation.strategies
"""

import sys

from pad_ray.run.records import StudentRole
from pad_ray.stages import command_line
from pad_ray.stages.base import Run
from pad_ray.stages.comparisons import compare_students
from pad_ray.stages.corpus import build_corpus
from pad_ray.stages.drafts import make_drafts
from pad_ray.stages.page import write_report
from pad_ray.stages.preview import preview_distillation
from pad_ray.stages.questions import read_inputs, store_questions
from pad_ray.stages.solutions import evaluate_student
from pad_ray.stages.student import train_student
from pad_ray.stages.tables import closing_table


def distill(run: Run) -> None:
    """Run all stages of a distillation. Called again on the same run, it continues."""
    run.folder.demand_local("a student")
    inputs = read_inputs(run.recipe)
    command_line.start(run)
    store_questions(run, inputs)
    make_drafts(run, inputs.plan)
    corpus = build_corpus(run, inputs)
    evaluate_student(run, StudentRole.BEFORE, inputs.test)
    train_student(run, corpus)
    evaluate_student(run, StudentRole.AFTER, inputs.test)
    compare_students(run, inputs.test)
    page = write_report(run)
    closing_table(run)
    run.progress.say(f"report: {page}")


if __name__ == "__main__":
    sys.exit(command_line.main(str(__doc__), distill, preview_distillation, sys.argv[1:]))
