"""Evaluate a student on the test questions with every strategy of the recipe: scores with intervals, tokens, seconds.

Examples:
    python jobs/evaluate.py demo                                 # the student in runs/demo
    python jobs/evaluate.py demo --evaluation.student gemma3-270m   # another model
    python jobs/evaluate.py demo --evaluation.strategies greedy,vote   # two strategies

Options: run_dir data_dir questions.test_limit questions.test_tasks evaluation.student evaluation.strategies
evaluation.equal_compute evaluation.max_tokens evaluation.retry_faults evaluation.engine.actors
"""

import sys

from pad_ray.stages import command_line
from pad_ray.stages.base import Run
from pad_ray.stages.comparisons import COMPARED, compare_strategies, compare_students, pool_seeds
from pad_ray.stages.page import write_report
from pad_ray.stages.preview import preview_evaluation
from pad_ray.stages.questions import read_tests, store_tests
from pad_ray.stages.solutions import measure_student, strategies_of, student_to_measure
from pad_ray.stages.tables import strategies_table


def evaluate(run: Run) -> None:
    """Evaluate the run's student or `--evaluation.student`. Called again on the same run, it continues."""
    tests = read_tests(run.recipe)
    student, model = student_to_measure(run)
    command_line.start(run, keep_recipe=True)
    store_tests(run, tests, keep=True)
    measure_student(run, student, model, strategies_of(run), tests)
    compare_strategies(run, student, tests)
    for pair in COMPARED:
        if student in pair:
            compare_students(run, tests, *pair)
    pool_seeds(run, student, tests)
    page = write_report(run)
    strategies_table(run, student)
    run.progress.say(f"report: {page}")


if __name__ == "__main__":
    sys.exit(command_line.main(str(__doc__), evaluate, preview_evaluation, sys.argv[1:]))
