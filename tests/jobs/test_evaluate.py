"""`jobs/evaluate.py` on a run that has a student and nothing else, and with another student."""

import shutil

import pytest
import yaml

from pad_ray.rundir import RunDir
from pad_ray.schema import Solution
from tests.jobs.conftest import call_job

STRATEGIES = "greedy,vote,step_beam,refine,mixed"
LABELS = ["greedy", "vote", "step_beam", "step_beam-resampled", "refine", "refine-resampled", "mixed"]


def test_every_strategy_is_scored_beside_its_equal_compute(local_ray, write_recipe, tiny_student, tmp_path):
    recipe, run = write_recipe(), RunDir(str(tmp_path / "run"))
    shutil.copytree(tiny_student, tmp_path / "run" / "student")
    done = call_job("evaluate", recipe, "--evaluation.strategies", STRATEGIES)
    assert done.returncode == 0, done.stdout + done.stderr
    entries = run.read_json("metrics.json")["evaluation"]
    assert [entry["strategy"] for entry in entries] == LABELS
    assert all(entry["seconds"] > 0 and entry["completion_tokens"] > 0 for entry in entries)
    solutions = {label: run.read_records(f"solutions/arithmetic/{label}", Solution) for label in LABELS}
    for costly in ("step_beam", "refine"):
        spent, matched = (
            {solution.question_id: solution.completion_tokens for solution in solutions[label]}
            for label in (costly, f"{costly}-resampled")
        )
        assert len(spent) == 12
        assert all(matched[question] >= spent[question] for question in spent)
    stages = {entry["stage"]: entry for entry in run.read_json("ledger.json")["stages"]}
    assert all(entry["balanced"] and entry["rows_in"] == 12 for entry in stages.values())
    assert len(stages) == len(LABELS)
    assert all(label in done.stdout for label in LABELS)
    assert all(list(run.local_path(f"tensorboard/evaluation/arithmetic/{label}").iterdir()) for label in LABELS)
    assert "step_beam - greedy = " in done.stdout
    pairs = len(run.read_json("metrics.json")["paired_strategies"])

    other = call_job("evaluate", recipe, "--evaluation.student", tiny_student)
    assert other.returncode == 0, other.stdout + other.stderr
    metrics = run.read_json("metrics.json")
    assert len(metrics["paired_strategies"]) == pairs
    students = [entry["student"] for entry in metrics["evaluation"]]
    assert students[:-1] == ["after"] * len(LABELS)
    assert students[-1].startswith(f"{tiny_student.name}-")


@pytest.mark.data
def test_sub_tasks_samples_and_seeds_are_scored(local_ray, write_recipe, tiny_student, tmp_path, data_dir):
    votes = [{"kind": "vote", "samples": 4, "seed": seed, "name": f"vote{seed}"} for seed in (0, 1)]
    evaluation = {**yaml.safe_load(write_recipe().read_text())["evaluation"], "strategies": votes}
    asked = {"task": "svamp", "split": "indomain_train", "limit": 8, "test_limit": 54}
    tests = {"test_tasks": ["bbh", "svamp:indomain_test"]}
    recipe = write_recipe(questions={**asked, **tests}, evaluation=evaluation, data_dir=str(data_dir))
    run = RunDir(str(tmp_path / "run"))
    shutil.copytree(tiny_student, tmp_path / "run" / "student")
    done = call_job("evaluate", recipe)
    assert done.returncode == 0, done.stdout + done.stderr
    metrics = run.read_json("metrics.json")
    svamp, *_, bbh = metrics["evaluation"]
    assert (bbh["task"], svamp["task"], svamp["split"]) == ("bbh", "svamp:indomain_test", "indomain_test")
    assert svamp["protocol"] == "SVAMP-200 in-domain, 54 of 200 questions"
    (general,) = metrics["general"]
    assert (general["strategy"], bbh["strategy"], bbh["prompt"]) == ("direct", "direct", "3-shot")
    assert sum(item["questions"] for item in general["subtasks"].values()) == bbh["questions"] == 54
    assert [rate["k"] for rate in svamp["at_k"]] == [1, 2, 4]
    assert svamp["at_k"][-1]["maj"]["value"] == svamp["accuracy"]
    assert [(item["task"], item["seeds"]) for item in metrics["pooled"]] == [("svamp:indomain_test", 2)]
    for words in (f"mean of {len(general['subtasks'])} sub-tasks", "pass@4", "2 seeds of vote0 pooled"):
        assert words in done.stdout


def test_a_run_without_a_student_says_so(write_recipe):
    done = call_job("evaluate", write_recipe())
    assert done.returncode == 2
    assert "there is no student" in done.stdout


def test_a_dry_run_says_what_would_be_measured_and_writes_nothing(write_recipe, tiny_student, tmp_path):
    shutil.copytree(tiny_student, tmp_path / "run" / "student")
    shown = call_job("evaluate", write_recipe(), "--evaluation.strategies", STRATEGIES, "--dry-run")
    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert f"strategies: {', '.join(LABELS)}" in shown.stdout
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["student"]
