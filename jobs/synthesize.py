"""Synthesise a corpus: questions -> drafts -> verdicts -> corpus with its data card -> report."""

import sys

from pad_ray import job, stages
from pad_ray.preview import preview
from pad_ray.stages import Run


def synthesize(run: Run) -> None:
    """Build a corpus. Called again on the same run, it continues; `jobs/distill.py` can continue the run."""
    inputs = stages.read_inputs(run.recipe)
    job.start(run)
    stages.store_questions(run, inputs)
    stages.make_drafts(run, inputs.plan)
    stages.build_corpus(run, inputs)
    page = stages.write_report(run)
    job.closing_table(run)
    run.progress.say(f"report: {page}")


if __name__ == "__main__":
    sys.exit(job.main(str(__doc__), synthesize, preview, sys.argv[1:]))
