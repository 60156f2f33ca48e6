"""`jobs/tune.py`: a decode campaign on a scripted student, killed in the middle and continued."""

import json
import shutil
from itertools import islice

import pytest
from ray._private import state

from jobs.tune import tune
from pad_ray.errors import InputError
from pad_ray.recipe import load_recipe
from pad_ray.run.folder import RunDir
from pad_ray.run.progress import Progress
from pad_ray.schema import Solution
from pad_ray.stages import command_line
from pad_ray.stages.base import Run
from pad_ray.synthesis.corpus import is_held_out
from pad_ray.tasks import arithmetic
from pad_ray.tuning.campaign import preview, validation_questions
from pad_ray.tuning.trials import Trials
from tests.conftest import CRASHES, TRAIN_QUESTIONS, WRONG
from tests.jobs.conftest import kill_driver, start_job, wait_until

SAMPLES = "evaluation.strategies.0.samples"
KIND = "evaluation.strategies.0.kind"
TEMPERATURE = "evaluation.strategies.0.temperature"
SPACE = {KIND: ["vote"], SAMPLES: {"low": 1, "high": 12}, TEMPERATURE: {"low": 0.5, "high": 1}}
STRATEGIES = [{"kind": "vote", "samples": 2}]


@pytest.fixture
def campaign(write_recipe, tiny_student, tmp_path):
    """A run whose student answers two of five samples correctly, and a campaign that tunes the number of votes."""

    def write(trials, seconds=0.0, **tuning):
        problems = [*islice(arithmetic.generate("train", 0), TRAIN_QUESTIONS)]
        problems += islice(arithmetic.generate("test", 0), 12)
        wrong = [WRONG, CRASHES, WRONG.replace("7000", "8000")]
        answers = {p.question.text: [*wrong, p.reference_program, f"{p.reference_program}\n"] for p in problems}
        script = tmp_path / "answers.json"
        script.write_text(json.dumps({**answers, "@": {"seconds": seconds}}))
        settings = {"kind": "decode", "trials": trials, "space": SPACE, "first_rung": 3, "concurrent": 2, **tuning}
        if not (tmp_path / "run" / "student").exists():
            shutil.copytree(tiny_student, tmp_path / "run" / "student")
        return write_recipe(
            corpus={"validation_share": 0.4},
            evaluation={"engine": {"kind": "scripted", "script": str(script)}, "strategies": STRATEGIES},
            tuning=settings,
        )

    return write


def run_of(recipe):
    loaded = load_recipe(recipe)
    messages, progress = [], Progress()
    progress.say = messages.append
    return Run(loaded, RunDir(loaded.run_dir), progress), messages


def test_validation_uses_only_held_out_train_questions(campaign):
    run, _ = run_of(campaign(4))
    validation = validation_questions(run)
    train = [problem.question for problem in islice(arithmetic.generate("train", 0), TRAIN_QUESTIONS)]
    held_out = {one.question_id for one in train if is_held_out(one.question_id, run.recipe.corpus, run.recipe.seed)}
    assert {question.question_id for question in validation} == held_out
    assert 3 < len(validation) < TRAIN_QUESTIONS


def test_a_dry_run_shows_the_search_space_and_writes_nothing(campaign, tmp_path):
    run, messages = run_of(campaign(4))
    preview(run)
    shown = "\n".join(messages)
    assert f"{SAMPLES}: 1 to 12" in shown and "12 of arithmetic, asked once" in shown
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["student"]


def test_a_killed_campaign_continues_and_a_finished_one_does_not_change(local_ray, campaign, tmp_path, monkeypatch):
    # Keep the settings of the Ray that tests share.
    monkeypatch.setattr(command_line, "start_ray", lambda modules: None)
    run, messages = run_of(campaign(6, seconds=0.05))
    finished = _kill_after(tmp_path / "recipe.yaml", run.folder, trials=2)
    assert 2 <= len(finished) < 6

    engines = _engines_started()
    tune(run)
    assert _engines_started() == engines + 1
    trials, facts = Trials.read(run.folder), run.folder.read_json("campaign/campaign.json")
    assert {name: trials.by_name[name] for name in finished} == finished
    assert sorted(trials.by_name) == [f"{number:03}" for number in range(6)]
    assert all(trial.finished and not trial.error for trial in trials.by_name.values())
    assert facts["kind"] == "decode" and facts["default_trial"] == "000"
    _check_best(run, facts, trials)
    _check_questions(run, facts)
    assert facts["test"]["sentence"] in messages and messages[-1].startswith("report: ")

    before = _written(run.folder)
    tune(run)
    assert _written(run.folder) == before
    assert _engines_started() == engines + 1
    with pytest.raises(InputError, match="has used its test questions"):
        preview(run_of(campaign(9, seconds=0.05))[0])
    with pytest.raises(InputError, match=r"another tuning\.reduction; move it away"):
        preview(run_of(campaign(6, seconds=0.05, reduction=3))[0])


def _check_best(run, facts, trials):
    """The best trial is the best of those that answered all questions, and its recipe loads."""
    best = trials.by_name[facts["best_trial"]]
    assert best.values["accuracy"] == max(one.values["accuracy"] for one in trials.of("completed"))
    loaded = load_recipe(run.folder.local_path("campaign/best.yaml"))
    assert loaded.run_dir == run.recipe.run_dir
    assert loaded.evaluation.strategies[0].kind == best.parameters[KIND]
    assert loaded.evaluation.strategies[0].temperature == best.parameters[TEMPERATURE]


def _check_questions(run, facts):
    """Trials answered only validation questions; test questions were answered for at most two recipes."""
    validation = {question.question_id for question in validation_questions(run)}
    solved = _solved(run.folder)
    assert all(ids <= validation for name, ids in solved.items() if not name.startswith("test-"))
    tests = [ids for name, ids in solved.items() if name.startswith("test-")]
    assert 1 <= len(tests) <= 2
    assert all(len(ids) == facts["test"]["default"]["n"] == 12 and ids.isdisjoint(validation) for ids in tests)


def _written(folder):
    """The files and solved questions that a finished campaign must not change."""
    names = ("trials.jsonl", "campaign.json", "best.yaml", "rungs.json")
    return [folder.read_bytes(f"campaign/{name}") for name in names], _solved(folder)


def _kill_after(recipe, run, trials):
    """Start the job, kill it once `trials` trials are finished, and return the finished trials."""
    job = start_job("tune", recipe)
    wait_until(lambda: len(_finished(run)) >= trials, job)
    kill_driver(job)
    return _finished(run)


def _finished(run):
    return {one.trial: one for one in Trials.read(run).by_name.values() if one.finished}


def _engines_started():
    return sum(actor["ActorClassName"] == "SolverActor" for actor in state.actors().values())


def _solved(folder):
    """Ids of the answered questions, by strategy folder."""
    (shared,) = folder.local_path("shared").glob("solutions-*/solutions/arithmetic")
    run = RunDir(str(shared))
    return {
        place.name: {solution.question_id for solution in run.read_records(place.name, Solution)}
        for place in shared.iterdir()
    }
