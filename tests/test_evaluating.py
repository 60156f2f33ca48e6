"""Figures of students, as students come and go."""

import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from pad_ray import evaluating, metrics, stages
from pad_ray.decoding.greedy import Greedy
from pad_ray.progress import Progress
from pad_ray.recipe import Recipe
from pad_ray.rundir import RunDir
from pad_ray.stages import Run

SECTIONS = ("evaluation", "paired")


@pytest.fixture
def run(tmp_path, tiny_student, local_ray):
    """A run whose students answer with real weights of no use."""
    recipe = Recipe(
        run_dir=str(tmp_path / "run"),
        questions={"task": "arithmetic", "limit": 4, "test_limit": 4},
        teacher={"model": str(tiny_student)},
        training={"student": str(tiny_student)},
        evaluation={"engine": {"kind": "transformers", "threads": 1}, "max_tokens": 4},
    )
    return Run(recipe, RunDir(recipe.run_dir), Progress())


def figures(run):
    """Students with a score, and pairs of them that were compared."""
    scores, pairs = (metrics.read(run.folder).get(section, []) for section in SECTIONS)
    return [one["student"] for one in scores], [(one["a"], one["b"]) for one in pairs]


def test_figures_of_a_student_end_with_its_weights(run, tiny_student, tmp_path):
    tests = stages.read_tests(run.recipe)
    for student in ("before", "after"):
        evaluating.measure(run, student, str(tiny_student), [Greedy()], tests)
    evaluating.compare_students(run, tests)
    assert figures(run) == (["before", "after"], [("before", "after")])
    evaluating.measure(run, "after", str(tiny_student), [Greedy()], tests)
    assert figures(run) == (["before", "after"], [("before", "after")])

    trained = shutil.copytree(tiny_student, tmp_path / "trained")
    weights = load_file(trained / "model.safetensors")
    save_file({name: torch.zeros_like(one) for name, one in weights.items()}, trained / "model.safetensors")
    evaluating.measure(run, "after", str(trained), [Greedy(name="again")], tests)
    assert figures(run) == (["before", "after"], [])
    evaluating.compare_students(run, tests)
    assert figures(run) == (["before", "after"], [])

    evaluating.measure(run, "after", str(trained), [Greedy()], tests)
    evaluating.compare_students(run, tests)
    assert figures(run) == (["before", "after", "after"], [("before", "after")])


def test_students_are_compared_on_questions_that_both_have_answered(run, tiny_student):
    tests = stages.read_tests(run.recipe)
    (task,) = tests
    evaluating.measure(run, "before", str(tiny_student), [Greedy()], {task: tests[task][:3]})
    evaluating.measure(run, "after", str(tiny_student), [Greedy()], tests)
    evaluating.compare_students(run, tests)
    assert figures(run)[1] == []
    evaluating.measure(run, "before", str(tiny_student), [Greedy()], tests)
    evaluating.compare_students(run, tests)
    assert figures(run)[1] == [("before", "after")]
