"""Distil a teacher into a student: questions -> drafts -> verdicts -> corpus -> student -> solutions -> scores -> report."""

import sys

from pad_ray import evaluating, job, stages
from pad_ray.preview import preview_distillation
from pad_ray.stages import Run


def distill(run: Run) -> None:
    """Run all stages of a distillation. Called again on the same run, it continues."""
    run.folder.demand_local("a student")
    inputs = stages.read_inputs(run.recipe)
    job.start(run)
    stages.store_questions(run, inputs)
    stages.make_drafts(run, inputs.plan)
    corpus = stages.build_corpus(run, inputs)
    evaluating.evaluate_student(run, "before", inputs.test)
    stages.train_student(run, corpus)
    evaluating.evaluate_student(run, "after", inputs.test)
    evaluating.compare_students(run, inputs.test)
    page = stages.write_report(run)
    job.closing_table(run)
    run.progress.say(f"report: {page}")


if __name__ == "__main__":
    sys.exit(job.main(str(__doc__), distill, preview_distillation, sys.argv[1:]))
