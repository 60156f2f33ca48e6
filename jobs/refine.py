"""Refine a distilled student: collect its errors -> inject similar errors -> train it to repair them -> test it again.

Examples:
    python jobs/refine.py demo                                   # the student in runs/demo
    python jobs/refine.py demo --dry-run                         # what it would do and need
    python jobs/refine.py demo --refinement.samples 2            # fewer attempts

Options: run_dir seed refinement.questions refinement.samples refinement.temperature refinement.variants_per_program
refinement.repair_share refinement.rounds refinement.epochs refinement.learning_rate
"""

import sys

from pad_ray.stages import command_line, refinement
from pad_ray.stages.base import Run
from pad_ray.stages.chains import REFINEMENT
from pad_ray.stages.graph import Context, run_stages
from pad_ray.stages.page import write_report
from pad_ray.stages.preview import preview_refinement
from pad_ray.stages.tables import closing_table


def refine(run: Run) -> None:
    """Refine the student that `jobs/distill.py` trained in this run. Called again on the same run, it continues."""
    refinement.read_refinement_inputs(run)
    command_line.start(run)
    run_stages(Context(run), REFINEMENT)
    page = write_report(run)
    closing_table(run)
    run.progress.say(f"report: {page}")


if __name__ == "__main__":
    sys.exit(command_line.main(str(__doc__), refine, preview_refinement, sys.argv[1:]))
