"""Self-refinement of a distilled student: collect its errors -> inject more like them -> train it to repair -> measure.

Examples:
    python jobs/refine.py demo                                   # the student in runs/demo
    python jobs/refine.py demo --dry-run                         # what it would do and need
    python jobs/refine.py demo --refinement.samples 2            # fewer attempts

Options: run_dir seed refinement.questions refinement.samples refinement.temperature refinement.variants_per_program
refinement.repair_share refinement.rounds refinement.epochs refinement.learning_rate
"""

import sys

from pad_ray import job, refining, stages
from pad_ray.preview import preview_refinement
from pad_ray.stages import Run


def refine(run: Run) -> None:
    """Refine the student of a run of `jobs/distill.py`. Called again on the same run, it continues."""
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
