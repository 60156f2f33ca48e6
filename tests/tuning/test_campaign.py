"""The identity of a continued campaign, and its single use of the test questions. The trials are artificial."""

import shutil
from types import SimpleNamespace

import pytest

from pad_ray.errors import DeadEndError, InputError, StageError
from pad_ray.run.campaign import Trial
from pad_ray.run.folder import RunDir
from pad_ray.run.progress import Progress
from pad_ray.schema import Question
from pad_ray.stages.base import Run
from pad_ray.stages.chains import TO_STUDENT
from pad_ray.tasks import get_task
from pad_ray.tuning import campaign
from pad_ray.tuning.trials import Trials
from tests.evaluation.conftest import run as solutions
from tests.tuning.conftest import finished

RATE = "training.learning_rate"


def retrain(folder):
    """Change the weights under the same name."""
    weights = folder / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)


@pytest.fixture
def student(tmp_path, tiny_student):
    return shutil.copytree(tiny_student, tmp_path / "own-student")


@pytest.fixture
def run_with(recipe_with, script, student, tmp_path):
    """A training campaign of two trials, and its messages."""

    def build(sections=None, **tuning):
        engine = {"kind": "scripted", "script": str(script)}
        own = {
            "questions": {"task": "arithmetic", "limit": 24, "test_limit": 12},
            "teacher": engine,
            "training": {"student": str(student)},
            "evaluation": {"engine": engine},
            **(sections or {}),
        }
        space = {RATE: {"low": 1e-5, "high": 1e-3}}
        recipe = recipe_with(own, **{"kind": "train", "trials": 2, "space": space, **tuning})
        messages, progress = [], Progress()
        progress.say = messages.append
        return Run(recipe, RunDir(recipe.run_dir), progress), messages

    return build


@pytest.fixture
def asked(monkeypatch):
    """Records the trials whose recipes would answer the test questions; for those in `failing`, raises `fail` first."""
    found = SimpleNamespace(trials=[], fail=None, failing=("000", "001"))

    def answer(bench, recipe, trial, tests, progress):
        found.trials.append(trial)
        if found.fail is not None and trial in found.failing:
            raise found.fail
        return solutions([[number < 6] for number in range(12)])

    monkeypatch.setattr(campaign, "answer_tests", answer)
    return found


def test_retrained_models_make_another_campaign(run_with, student, monkeypatch):
    run, _ = run_with()
    monkeypatch.setattr(campaign, "_search", lambda *arguments: pytest.fail("enough"))
    with pytest.raises(pytest.fail.Exception):
        campaign.conduct(run, campaign.read_campaign_inputs(run))
    campaign.read_campaign_inputs(run)
    retrain(student)
    with pytest.raises(InputError, match=r"campaign with another weights\.student; move it away"):
        campaign.read_campaign_inputs(run)


def test_another_sandbox_makes_another_campaign(run_with, asked):
    run, _ = run_with()
    for trial in (finished("000", 0.5), finished("001", 0.4)):
        Trials.read(run.folder).write(trial)
    campaign.conduct(run, campaign.read_campaign_inputs(run))
    campaign.read_campaign_inputs(run_with({"sandbox": {"workers": 2}})[0])
    with pytest.raises(InputError, match=r"campaign with another sandbox\.cpu_s"):
        campaign.read_campaign_inputs(run_with({"sandbox": {"cpu_s": 1.0}})[0])


def test_other_questions_make_another_campaign(run_with, asked):
    run, _ = run_with()
    for trial in (finished("000", 0.5), finished("001", 0.4)):
        Trials.read(run.folder).write(trial)
    campaign.conduct(run, campaign.read_campaign_inputs(run))
    more = get_task("arithmetic").load("train", limit=48)
    run.folder.write_records("questions/train/part-0.parquet", Question, more)
    with pytest.raises(InputError, match=r"campaign with another asked\.validation"):
        campaign.read_campaign_inputs(run)


def test_more_sandboxes_repeat_no_stage(run_with):
    one, two = (run_with({"sandbox": {"workers": workers}})[0].recipe for workers in (1, 2))
    assert [stage.depends(one) for stage in TO_STUDENT] == [stage.depends(two) for stage in TO_STUDENT]


def test_a_retrained_model_repeats_drafts_and_student(run_with, student):
    run, _ = run_with({"teacher": {"kind": "transformers", "model": str(student)}})
    before = [stage.depends(run.recipe) for stage in TO_STUDENT]
    retrain(student)
    same = [stage.name for stage, old in zip(TO_STUDENT, before, strict=True) if stage.depends(run.recipe) == old]
    assert same == ["corpus"]


def test_a_campaign_with_a_failed_default_ends_with_the_chosen_trial(run_with, asked):
    run, messages = run_with()
    trials = Trials.read(run.folder)
    trials.write(Trial("000", "failed", {RATE: 1.0}, error="DeadEndError: the loss is nan"))
    trials.write(finished("001", 0.5, **{RATE: 1e-4}))
    for _ in range(2):
        campaign.conduct(run, campaign.read_campaign_inputs(run))
    assert asked.trials == ["001"]
    facts = run.folder.read_json(campaign.SUMMARY)
    assert facts["test"] is None and facts["test_alone"]["best"]["correct"] == 6
    campaign.closing_table(run)
    (sentence,) = [line for line in messages if "test questions (" in line]
    assert "trial 001, is right on 50.0% of 12" in sentence
    assert sentence.endswith("The default could not be measured: DeadEndError: the loss is nan.")


def test_a_stopped_default_that_cannot_be_trained_leaves_the_chosen_trial(run_with, asked):
    run, _ = run_with()
    trials = Trials.read(run.folder)
    trials.write(Trial("000", "stopped", {RATE: 1.0}, {"accuracy": 0.1}))
    trials.write(finished("001", 0.5, **{RATE: 1e-4}))
    asked.fail, asked.failing = DeadEndError("the loss is nan"), ("000",)
    campaign.conduct(run, campaign.read_campaign_inputs(run))
    facts = run.folder.read_json(campaign.SUMMARY)
    assert facts["test"] is None
    assert facts["test_alone"]["sentence"].endswith("The default could not be measured: the loss is nan.")


def test_the_choice_is_final_once_test_questions_may_have_been_used(run_with, asked):
    run, _ = run_with()
    trials = Trials.read(run.folder)
    trials.write(finished("000", 0.4, **{RATE: 2e-4}))
    trials.write(finished("001", 0.5, **{RATE: 1e-4}))
    asked.fail = StageError("the engine is gone")
    with pytest.raises(StageError):
        campaign.conduct(run, campaign.read_campaign_inputs(run))
    with pytest.raises(InputError, match="has used its test questions: their results"):
        campaign.read_campaign_inputs(run_with(trials=3)[0])
    # As if something had been measured meanwhile.
    Trials.read(run.folder).write(finished("000", 0.9, **{RATE: 2e-4}))
    asked.fail = None
    campaign.conduct(run, campaign.read_campaign_inputs(run))
    assert asked.trials == ["000", "000", "001"]
    assert "trial 001" in run.folder.read_json(campaign.SUMMARY)["test"]["sentence"]
