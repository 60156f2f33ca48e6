"""Refine a distilled student: collect its errors -> inject similar errors -> train it to repair them -> measure."""

import sys

from pad_ray import job, refining, stages
from pad_ray.preview import preview_refinement
from pad_ray.stages import Run


def refine(run: Run) -> None:
    """Refine the student that `jobs/distill.py` trained in this run. Called again on the same run, it continues."""
    inputs = refining.read_inputs(run)
    job.start(run)
    collected = refining.collect(run, inputs)
    refining.inject(run, collected)
    corpus = refining.build_corpus(run)
    refining.train_refined(run, corpus)
    refining.measure(run, inputs)
    page = stages.write_report(run)
    job.closing_table(run)
    run.progress.say(f"report: {page}")


if __name__ == "__main__":
    sys.exit(job.main(str(__doc__), refine, preview_refinement, sys.argv[1:]))
