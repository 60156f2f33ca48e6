"""Run a campaign: Ray Tune tries recipes on validation questions; the best is saved and tested on the test questions.

Examples:
    python jobs/tune.py demo                                     # how runs/demo's student decodes
    python jobs/tune.py demo --tuning.kind train                 # how a student is trained
    python jobs/tune.py demo --tuning.objectives accuracy,tokens_per_question   # a Pareto front

Options: run_dir seed questions.test_limit tuning.kind tuning.trials tuning.objectives tuning.space tuning.validation_questions
tuning.stopping tuning.concurrent
"""

import sys

from pad_ray.stages import command_line
from pad_ray.stages.base import Run
from pad_ray.stages.page import write_report
from pad_ray.tuning import campaign


def tune(run: Run) -> None:
    """Tune decoding, refinement or training, according to `tuning.kind`. Called again on the same run, it continues."""
    inputs = campaign.read_campaign_inputs(run)
    command_line.start(run, keep_recipe=True)
    campaign.conduct(run, inputs)
    page = write_report(run)
    campaign.closing_table(run)
    run.progress.say(f"report: {page}")


if __name__ == "__main__":
    sys.exit(command_line.main(str(__doc__), tune, campaign.preview, sys.argv[1:]))
