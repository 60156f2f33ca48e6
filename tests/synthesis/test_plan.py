import pytest

from pad_ray.paths import PATHS, Program
from pad_ray.paths.demonstrations import load_sets
from pad_ray.schema import PathKind
from pad_ray.synthesis.config import SynthesisConfig
from pad_ray.synthesis.plan import Plan
from pad_ray.tasks import get_task

QUESTIONS = get_task("arithmetic").load("train", None, 5)
SETS = load_sets("arithmetic", PathKind.PROGRAM, None)


PATHS_OF = (Program(SETS[:1]),)


def ids(questions=QUESTIONS, paths=PATHS_OF, engine="teacher@1", seed=0, **changes):
    plan = Plan(paths, engine, SynthesisConfig(**changes), seed)
    return [draft.request.request_id for question in questions for draft in plan.drafts(question)]


def test_the_same_recipe_plans_the_same_drafts():
    assert ids() == ids()
    assert len(set(ids())) == len(QUESTIONS) * SynthesisConfig().samples


@pytest.mark.parametrize(
    "change",
    [
        {"engine": "teacher@2"},
        {"paths": (Program(),)},
        {"paths": (Program(SETS[1:2]),)},
        {"paths": (Program(SETS[:1], chat=True),)},
        {"paths": (PATHS[PathKind.RATIONALE](),)},
        {"seed": 1},
        {"temperature": 0.8},
        {"top_p": 0.9},
        {"max_tokens": 300},
    ],
    ids=str,
)
def test_a_changed_setting_gives_new_ids(change):
    assert set(ids(**change)).isdisjoint(ids())


def test_more_samples_keep_the_existing_ids():
    assert set(ids()) < set(ids(samples=8))


def test_more_kinds_keep_the_existing_ids():
    both = (Program(SETS[:1]), PATHS[PathKind.RATIONALE]())
    assert set(ids()) < set(ids(paths=both))


def test_settings_that_do_not_change_a_draft_do_not_change_its_id():
    assert ids(block_questions=2, verifiers=3, retry_faults=True) == ids()


def test_samples_cycle_through_the_demonstration_sets():
    plan = Plan((Program(SETS[:2]),), "teacher@1", SynthesisConfig(samples=4), 0)
    prompts = [draft.request.prompt for draft in plan.drafts(QUESTIONS[0])]
    assert prompts[0] == prompts[2] != prompts[1] == prompts[3]


def test_every_sample_has_a_different_seed():
    plan = Plan((Program(),), "teacher@1", SynthesisConfig(), 0)
    seeds = {draft.request.seed for question in QUESTIONS for draft in plan.drafts(question)}
    assert len(seeds) == len(ids())
    assert max(seeds) < 2**31
