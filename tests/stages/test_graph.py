"""Stages shared between trials: which trial runs them, which trials reuse them, and what they start from."""

import threading

import pytest

from pad_ray.errors import StageError
from pad_ray.recipe import Recipe
from pad_ray.run.folder import RunDir
from pad_ray.run.progress import Progress
from pad_ray.stages.base import Run
from pad_ray.stages.chains import TO_REFINED
from pad_ray.stages.graph import Context, SharedStages, Stage, StageResult, run_stages


class Kitchen:
    """Two stages that count their runs: `dough` depends on the learning rate, `bread` on it and on the epochs."""

    def __init__(self):
        self.made = []
        self.fails = False
        self.chain = (
            Stage(
                "dough", self._dough, lambda recipe: recipe.training.learning_rate, adopts=("flour",), scratch=("bowl",)
            ),
            Stage("bread", self._bread, lambda recipe: recipe.training.epochs, ("dough", "flour")),
        )

    def _dough(self, context):
        run = context.run
        self.made.append("dough")
        run.folder.write_text("bowl/part", "flour")
        run.folder.write_text("dough/part", f"{run.recipe.training.learning_rate}")
        run.folder.write_json("ledger.json", {"stages": ["dough"]})
        return StageResult(facts={"weight": 1})

    def _bread(self, context):
        run, facts = context.run, context.facts
        if self.fails:
            raise StageError("the oven is cold")
        self.made.append("bread")
        dough = run.folder.read_bytes("dough/part").decode()
        run.folder.write_text("bread/part", f"{dough} {facts['weight']} {run.folder.exists('flour/part')}")
        assert run.folder.read_json("ledger.json") == {"stages": ["dough"]}
        return StageResult()


@pytest.fixture
def kitchen():
    return Kitchen()


def recipe(epochs, learning_rate=0.5):
    return Recipe(training={"epochs": epochs, "learning_rate": learning_rate})


def provide(folder, kitchen, recipe, salt=""):
    """The folder of a trial's last stage, and the stages that it reused."""
    shared = SharedStages(RunDir(str(folder)), Progress(), salt)
    return shared.provide(recipe, kitchen.chain), shared.reused


def test_a_stage_runs_once_for_all_recipes_with_equal_settings(tmp_path, kitchen):
    (first, _), (other, some), (again, all_of_it) = (provide(tmp_path, kitchen, recipe(epochs)) for epochs in (1, 2, 1))
    assert kitchen.made == ["dough", "bread", "bread"]
    assert (some, all_of_it) == (["dough"], ["dough", "bread"])
    assert first.root == again.root != other.root
    assert other.read_bytes("bread/part") == b"0.5 1 False"


def test_later_stages_run_again_if_earlier_stages_differ(tmp_path, kitchen):
    provide(tmp_path, kitchen, recipe(1))
    assert provide(tmp_path, kitchen, recipe(1, learning_rate=0.25))[1] == []


def test_a_shared_result_does_not_keep_scratch_files(tmp_path, kitchen):
    bread, _ = provide(tmp_path, kitchen, recipe(1))
    dough = bread.local_path("dough").resolve().parent
    assert (dough / "dough" / "part").exists() and not (dough / "bowl").exists()


def test_a_job_runs_the_same_stages_in_one_folder_and_keeps_everything(tmp_path, kitchen):
    run_stages(Context(Run(recipe(1), RunDir(str(tmp_path)), Progress())), kitchen.chain)
    assert kitchen.made == ["dough", "bread"]
    assert (tmp_path / "bread" / "part").read_text() == "0.5 1 False"
    assert (tmp_path / "bowl" / "part").exists()


def test_a_salted_trial_shares_nothing(tmp_path, kitchen):
    (tmp_path / "flour").mkdir()
    (tmp_path / "flour" / "part").write_text("white")
    provide(tmp_path, kitchen, recipe(1))
    alone, reused = provide(tmp_path, kitchen, recipe(1), "003")
    assert reused == []
    assert alone.read_bytes("bread/part") == b"0.5 1 False"


def test_a_stage_starts_from_the_run_and_does_not_change_it(tmp_path, kitchen):
    (tmp_path / "flour").mkdir()
    (tmp_path / "flour" / "part").write_text("white")
    bread, _ = provide(tmp_path, kitchen, recipe(1))
    assert bread.read_bytes("bread/part") == b"0.5 1 True"
    RunDir(str(bread.local_path("flour").resolve().parent)).write_text("flour/part", "brown")
    assert (tmp_path / "flour" / "part").read_text() == "white"


def test_a_failed_stage_runs_again_and_earlier_stages_do_not(tmp_path, kitchen):
    kitchen.fails = True
    with pytest.raises(StageError):
        provide(tmp_path, kitchen, recipe(1))
    kitchen.fails = False
    assert provide(tmp_path, kitchen, recipe(1))[1] == ["dough"]
    assert kitchen.made == ["dough", "bread"]


def test_concurrent_trials_wait_for_the_one_that_runs_the_stage(tmp_path, kitchen):
    result = []
    trials = [
        threading.Thread(target=lambda: result.append(provide(tmp_path, kitchen, recipe(1))[1])) for _ in range(4)
    ]
    for trial in trials:
        trial.start()
    for trial in trials:
        trial.join()
    assert kitchen.made == ["dough", "bread"]
    # Different trials may run the two stages.
    assert sorted(name for reused in result for name in reused) == ["bread"] * 3 + ["dough"] * 3


@pytest.mark.parametrize(
    ("changes", "same"),
    [
        ({"refinement": {"repair_share": 0.3}}, ["drafts", "corpus", "student", "attempts", "injected"]),
        ({"refinement": {"smoothing": 9}}, ["drafts", "corpus", "student", "attempts", "refined"]),
        ({"refinement": {"rounds": 3}}, ["drafts", "corpus", "student", "attempts", "injected", "refined"]),
        ({"refinement": {"temperature": 0.1}}, ["drafts", "corpus", "student", "injected", "refined"]),
        ({"training": {"learning_rate": 0.1}}, ["drafts", "corpus", "attempts", "injected", "refined"]),
        ({"training": {"workers": 3}, "teacher": {"actors": 2}}, [stage.name for stage in TO_REFINED]),
        ({"corpus": {"max_per_question": 1}}, ["drafts", "student", "attempts", "injected", "refined"]),
        ({"synthesis": {"samples": 7}}, ["corpus", "student", "attempts", "injected", "refined"]),
    ],
)
def test_a_stage_depends_only_on_its_part_of_the_recipe(changes, same):
    plain, other = Recipe(), Recipe(**changes)
    assert [stage.name for stage in TO_REFINED if stage.depends(plain) == stage.depends(other)] == same
