"""Distil a teacher into a student: questions -> drafts -> verdicts -> corpus -> student -> solutions -> scores -> report.

Examples:
    python jobs/distill.py demo                                            # the whole way on a laptop
    python jobs/distill.py gsm8k --dry-run                                 # what it would do and need
    python jobs/distill.py demo --questions.limit 48 --run-dir runs/small  # another number of questions

Options: run_dir data_dir seed questions.task questions.limit teacher.kind teacher.model synthesis.samples training.student
evaluation.strategies
"""

import sys

from pad_ray.stages import command_line
from pad_ray.stages.base import Run
from pad_ray.stages.chains import DISTILLATION
from pad_ray.stages.graph import Context, run_stages
from pad_ray.stages.page import write_report
from pad_ray.stages.preview import preview_distillation
from pad_ray.stages.questions import read_run_inputs
from pad_ray.stages.tables import closing_table


def distill(run: Run) -> None:
    """Run all stages of a distillation. Called again on the same run, it continues."""
    run.folder.demand_local("a student")
    inputs = read_run_inputs(run.recipe)
    command_line.start(run)
    run_stages(Context(run, given=inputs), DISTILLATION)
    page = write_report(run)
    closing_table(run)
    run.progress.say(f"report: {page}")


if __name__ == "__main__":
    sys.exit(command_line.main(str(__doc__), distill, preview_distillation, sys.argv[1:]))
