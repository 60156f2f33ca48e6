"""Evaluate a student on the test questions with every strategy: solutions, scores with intervals, tokens, seconds."""

import sys

from pad_ray import evaluating, job, stages
from pad_ray.preview import preview_evaluation
from pad_ray.stages import Run


def evaluate(run: Run) -> None:
    """Evaluate the run's student or `--evaluation.student`. Called again on the same run, it continues."""
    tests = stages.read_tests(run.recipe)
    student, model = evaluating.student_to_measure(run)
    job.start(run, keep_recipe=True)
    stages.store_tests(run, tests, keep=True)
    evaluating.measure(run, student, model, evaluating.strategies_of(run), tests)
    evaluating.compare_strategies(run, student, tests)
    for pair in evaluating.COMPARED:
        if student in pair:
            evaluating.compare_students(run, tests, *pair)
    evaluating.pool_seeds(run, student, tests)
    page = stages.write_report(run)
    job.strategies_table(run, student)
    run.progress.say(f"report: {page}")


if __name__ == "__main__":
    sys.exit(job.main(str(__doc__), evaluate, preview_evaluation, sys.argv[1:]))
