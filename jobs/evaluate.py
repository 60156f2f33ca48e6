"""A student answers the test questions by every strategy: solutions, scores with intervals, tokens and seconds, a table.

Examples:
    python jobs/evaluate.py demo                                 # the student in runs/demo
    python jobs/evaluate.py demo --evaluation.student gemma3-270m   # another model
    python jobs/evaluate.py demo --evaluation.strategies greedy,vote   # two strategies

Options: run_dir data_dir questions.test_limit questions.test_tasks evaluation.student evaluation.strategies
evaluation.equal_compute evaluation.max_tokens evaluation.retry_faults evaluation.engine.actors
"""

import sys

from pad_ray import evaluating, job, stages
from pad_ray.preview import preview_evaluation
from pad_ray.stages import Run


def evaluate(run: Run) -> None:
    """Evaluate the run's student, or `--evaluation.student`. Called again on the same run, it continues."""
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
