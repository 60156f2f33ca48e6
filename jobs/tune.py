"""Run a campaign: Ray Tune tries recipes on validation questions; the best is measured on the test questions and saved."""

import sys

from pad_ray import job, stages
from pad_ray.stages import Run
from pad_ray.tuning import campaign


def tune(run: Run) -> None:
    """Tune decoding, refinement or training, according to `tuning.kind`. Called again on the same run, it continues."""
    inputs = campaign.read_inputs(run)
    job.start(run, keep_recipe=True)
    campaign.conduct(run, inputs)
    page = stages.write_report(run)
    campaign.closing_table(run)
    run.progress.say(f"report: {page}")


if __name__ == "__main__":
    sys.exit(job.main(str(__doc__), tune, campaign.preview, sys.argv[1:]))
