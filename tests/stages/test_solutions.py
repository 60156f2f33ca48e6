"""Stored figures of students when students are replaced."""

import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

from pad_ray.decoding.greedy import Greedy
from pad_ray.recipe import Recipe
from pad_ray.run import metrics
from pad_ray.run.folder import RunDir
from pad_ray.run.progress import Progress
from pad_ray.run.records import StudentRole
from pad_ray.schema import Solution
from pad_ray.stages.base import Run
from pad_ray.stages.comparisons import compare_strategies, compare_students
from pad_ray.stages.questions import read_tests
from pad_ray.stages.solutions import evaluate_student, measure_student


@pytest.fixture
def run(tmp_path, tiny_student, local_ray):
    """A run whose students are real models with random weights."""
    recipe = Recipe(
        run_dir=str(tmp_path / "run"),
        questions={"task": "arithmetic", "limit": 4, "test_limit": 4},
        teacher={"model": str(tiny_student)},
        training={"student": str(tiny_student)},
        evaluation={"engine": {"kind": "transformers", "threads": 1}, "max_tokens": 4},
    )
    return Run(recipe, RunDir(recipe.run_dir), Progress())


def figures(run):
    """The students that have a score, and the pairs that were compared."""
    results = metrics.read(run.folder)
    return [score.student for score in results.evaluation], [(pair.a, pair.b) for pair in results.paired]


def test_new_weights_delete_a_students_old_figures(run, tiny_student, tmp_path):
    tests = read_tests(run.recipe)
    for student in ("before", "after"):
        measure_student(run, student, str(tiny_student), [Greedy()], tests)
    compare_students(run, tests)
    assert figures(run) == (["before", "after"], [("before", "after")])
    measure_student(run, "after", str(tiny_student), [Greedy()], tests)
    assert figures(run) == (["before", "after"], [("before", "after")])

    trained = shutil.copytree(tiny_student, tmp_path / "trained")
    weights = load_file(trained / "model.safetensors")
    save_file({name: torch.zeros_like(one) for name, one in weights.items()}, trained / "model.safetensors")
    measure_student(run, "after", str(trained), [Greedy(name="again")], tests)
    assert figures(run) == (["before", "after"], [])
    compare_students(run, tests)
    assert figures(run) == (["before", "after"], [])

    measure_student(run, "after", str(trained), [Greedy()], tests)
    compare_students(run, tests)
    assert figures(run) == (["before", "after", "after"], [("before", "after")])


@pytest.mark.data
def test_general_ability_uses_the_same_prompts_before_and_after(run, tiny_student, data_dir, tmp_path):
    asked = {"task": "arithmetic", "limit": 4, "test_limit": 6, "test_tasks": ["arithmetic", "bbh"]}
    recipe = Recipe.model_validate({**run.recipe.model_dump(), "questions": asked, "data_dir": str(data_dir)})
    run = Run(recipe, run.folder, run.progress)
    tests = read_tests(recipe)
    shutil.copytree(tiny_student, tmp_path / "run" / "student")
    for student in (StudentRole.BEFORE, StudentRole.AFTER):
        evaluate_student(run, student, tests)
    compare_students(run, tests)
    compare_strategies(run, "after", tests)
    found = metrics.read(run.folder)
    asked_how = [(one.task, one.student, one.strategy, one.prompt) for one in found.evaluation]
    assert asked_how == [
        ("arithmetic", "before", "greedy", "4-shot"),
        ("bbh", "before", "direct", "3-shot"),
        ("arithmetic", "after", "greedy", "0-shot"),
        ("bbh", "after", "direct", "3-shot"),
    ]
    # Equal weights got the same prompts, so they wrote the same texts.
    before, after = (
        {one.question_id: one.paths for one in run.folder.read_records(f"solutions/bbh/{place}", Solution)}
        for place in ("before-direct", "direct")
    )
    assert len(after) == 6 and before == after
    (changed,) = found.general_change
    assert (changed.task, changed.difference, changed.p_value) == ("bbh", 0, 1)


def test_students_are_compared_only_on_questions_that_both_have_answered(run, tiny_student):
    tests = read_tests(run.recipe)
    (task,) = tests
    measure_student(run, "before", str(tiny_student), [Greedy()], {task: tests[task][:3]})
    measure_student(run, "after", str(tiny_student), [Greedy()], tests)
    compare_students(run, tests)
    assert figures(run)[1] == []
    measure_student(run, "before", str(tiny_student), [Greedy()], tests)
    compare_students(run, tests)
    assert figures(run)[1] == [("before", "after")]
