"""Synthesise a corpus: questions -> drafts -> verdicts -> corpus with its data card -> report.

Examples:
    python jobs/synthesize.py demo                               # a corpus of programs
    python jobs/synthesize.py gsm8k --dry-run                    # what it would do and need
    python jobs/synthesize.py demo --synthesis.paths rationale   # steps in words

Options: run_dir data_dir seed questions.task questions.limit teacher.kind teacher.model synthesis.paths synthesis.samples
corpus.max_per_question
"""

import sys

from pad_ray.stages import command_line
from pad_ray.stages.base import Run
from pad_ray.stages.chains import SYNTHESIS
from pad_ray.stages.graph import Context, run_stages
from pad_ray.stages.page import write_report
from pad_ray.stages.preview import preview
from pad_ray.stages.questions import read_run_inputs
from pad_ray.stages.tables import closing_table


def synthesize(run: Run) -> None:
    """Build a corpus. Called again on the same run, it continues; `jobs/distill.py` can continue the run."""
    inputs = read_run_inputs(run.recipe)
    command_line.start(run)
    run_stages(Context(run, given=inputs), SYNTHESIS)
    page = write_report(run)
    closing_table(run)
    run.progress.say(f"report: {page}")


if __name__ == "__main__":
    sys.exit(command_line.main(str(__doc__), synthesize, preview, sys.argv[1:]))
