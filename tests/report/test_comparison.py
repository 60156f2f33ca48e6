"""Several runs on one page: the comparison, the changed answers, and the different settings."""

import json
import shutil
from pathlib import Path

import pytest

from pad_ray.errors import InputError
from pad_ray.evaluation.claims import ONE_TRAINING_EACH
from pad_ray.evaluation.seeds import pool
from pad_ray.evaluation.systems import compare_systems
from pad_ray.report import render
from pad_ray.run.folder import RunDir
from pad_ray.schema import Solution
from tests.report.conftest import RECIPE, write_run, write_solutions
from tests.report.test_page import HOSTILE, Page, edit, jumps


def test_two_runs_are_compared_on_the_same_questions(make_pair):
    text = Page(render(*make_pair(range(60), range(8, 90)))).text
    assert "B: mixed is better than A: programs at 200 arithmetic questions, by greedy." in text
    assert "30.0 % in A: programs, 41.0 % in B: mixed." in text
    assert "+11.0 points (95 % interval +5.0 to +17.0), p = 4.7 × 10⁻⁴ by the exact McNemar test" in text
    assert "30 answers fixed, 8 broken" in text


def test_every_changed_question_is_shown_with_both_answers(make_pair):
    page = Page(render(*make_pair(range(60), range(8, 90))))
    assert not jumps(page)
    assert page.count("details", data_kind="fixed") == 30
    assert page.count("details", data_kind="broken") == 8
    assert page.text.count("NameError: name 'apples' is not defined") == 38
    assert page.count("span", class_="hll") == 38


def test_without_a_chosen_path_the_last_one_is_shown_without_a_marked_line(make_pair):
    runs = make_pair(range(60), range(8, 90))
    assert "unlikely" not in Page(render(*runs)).text
    for run, right in zip(runs, (range(60), range(8, 90)), strict=True):
        write_solutions(Path(run), "greedy", right, chosen=False)
    page = Page(render(*runs))
    assert page.text.count("unlikely") == 2 * 38
    assert page.count("span", class_="hll") == 0


def test_scores_without_a_partner_are_named_on_both_sides(make_pair):
    runs = make_pair(range(60), range(60))
    for run, task in zip(runs, ("svamp", "asdiv"), strict=True):
        edit(
            Path(run) / "metrics.json",
            lambda metrics, task=task: metrics["evaluation"].append({**metrics["evaluation"][1], "task": task}),
        )
    text = Page(render(*runs)).text
    assert "A: programs: svamp, after, greedy: B: mixed has no score to compare it with." in text
    assert "B: mixed: asdiv, after, greedy: A: programs has no score to compare it with." in text
    assert ": arithmetic, after, greedy: " not in text


def test_a_difference_by_chance_is_not_called_better(make_pair):
    text = Page(render(*make_pair(range(60), range(2, 63)))).text
    assert "There is no detectable difference between B: mixed and A: programs at 200 arithmetic questions" in text
    assert "200 questions do not show that the runs differ" in text


def test_only_settings_that_differ_are_listed(make_pair):
    page = Page(render(*make_pair(range(3), range(4))))
    table = page.text.split("Settings that differ")[1]
    assert "Setting A: programs B: mixed" in table
    assert "seed 17 18" in table and "training.epochs 3 5" in table
    assert "training.rationale_weight not set 0.5" in table
    assert "batch_size" not in table and "sk-not-for-the-page" not in page.text


def test_a_strategy_of_only_one_run_is_compared_with_greedy_of_the_other(make_pair):
    runs = make_pair(range(60), range(60))

    def add(metrics):
        metrics["evaluation"].append({**metrics["evaluation"][1], "strategy": "vote"})

    edit(Path(runs[1]) / "metrics.json", add)
    solutions = Path(runs[1]) / "solutions" / "arithmetic"
    shutil.copytree(solutions / "greedy", solutions / "vote")
    text = Page(render(*runs)).text
    assert (
        "at 200 arithmetic questions, by greedy. B" in text and "Below: 1 comparison of different strategies." in text
    )
    assert "arithmetic, after, vote against greedy" in text and "by vote against greedy." not in text


def test_questions_of_only_one_run_are_left_out_and_counted(make_pair):
    runs = make_pair(range(60), range(8, 90))
    (Path(runs[1]) / "solutions" / "arithmetic" / "greedy" / "part-00001.parquet").unlink()
    text = Page(render(*runs)).text
    assert "at 100 arithmetic questions" in text
    assert "100 questions that only one of them answered are not compared." in text


def test_runs_without_a_common_question_are_reported(make_pair):
    runs = make_pair(range(3), range(4))
    shutil.rmtree(Path(runs[1]) / "solutions")
    text = Page(render(*runs)).text
    assert "Nothing can be compared." in text
    assert "B: mixed: arithmetic, after, greedy: no question is in both runs." in text


def test_hostile_text_stays_text_here_too(make_pair):
    runs = make_pair(range(3), range(4))
    (Path(runs[1]) / "recipe.yaml").write_text(json.dumps({HOSTILE: HOSTILE}))
    edit(Path(runs[1]) / "metrics.json", lambda metrics: metrics["evaluation"][0].update(prompt=HOSTILE))
    page = Page(render(*runs))
    assert page.open == []
    assert page.count("script") == 1 and page.count("img") == 0


def test_runs_that_differ_only_in_their_seed_are_pooled(make_pair):
    runs = [Path(run) for run in make_pair(range(60), range(8, 90))]
    assert "several seeds" not in Page(render(*map(str, runs))).text  # other epochs
    (runs[1] / "recipe.yaml").write_text(json.dumps(RECIPE))
    assert "several seeds" not in Page(render(*map(str, runs))).text  # the same seed
    (runs[1] / "recipe.yaml").write_text(json.dumps(RECIPE | {"seed": 18, "run_dir": str(runs[1])}))
    answered = [list(RunDir(str(run)).iter_records("solutions/arithmetic/greedy", Solution)) for run in runs]
    result = pool(answered)
    text = Page(render(*map(str, runs))).text
    low, high = (f"{100 * end:.1f}" for end in result.interval)
    assert (
        "A: programs, B: mixed: arithmetic, after, greedy: 35.5 % of 200 questions over 2 seeds "
        f"(95 % interval {low}–{high} %). By seed 30.0 %, 41.0 %; "
    ) in text
    assert f"corrected for chance: {100 * result.seed_deviation:.1f} points." in text
    assert result.warning and result.warning in text


@pytest.fixture
def make_systems(tmp_path):
    """Builds runs with the given numbers of correct answers out of 200; each system has a name and one run per seed."""

    def make(**systems):
        runs = []
        for number, (name, seeds) in enumerate(systems.items()):
            for seed, right in enumerate(seeds, start=17):
                run = write_run(tmp_path / f"{name}-{seed}", drafts=20)
                write_solutions(run, "greedy", right)
                recipe = RECIPE | {"seed": seed, "run_dir": str(run)}
                recipe["training"] = RECIPE["training"] | {"epochs": 3 + number}
                (run / "recipe.yaml").write_text(json.dumps(recipe))
                runs.append(str(run))
        return runs

    return make


def answers_of(run):
    return list(RunDir(run).iter_records("solutions/arithmetic/greedy", Solution))


def test_runs_that_differ_in_their_seed_are_one_side_of_a_comparison(make_systems):
    runs = make_systems(short=[range(60), range(80)], long=[range(70, 160), range(70, 180), range(80, 160)])
    page = Page(render(*runs))
    expected = compare_systems(*([answers_of(run) for run in side] for side in (runs[:2], runs[2:])))
    title = "C+D+E: long-17, 3 seeds against A+B: short-17, 2 seeds: arithmetic, after, greedy"
    assert f"{title}. 35.0 % in A+B: short-17, 2 seeds, 46.7 % in C+D+E: long-17, 3 seeds." in page.text
    low, high = (f"{100 * end:+.1f}".replace("-", "−") for end in expected.interval)
    assert f"Paired difference: +11.7 points (95 % interval {low} to {high})" in page.text
    assert "by the two-level t test" in page.text and expected.warning in page.text
    # One comparison of systems, none of runs; every changed question has an answer from each side.
    assert page.text.count("Paired difference") == 1 and not jumps(page)
    assert page.count("details", data_kind="fixed") == expected.fixed
    assert page.count("details", data_kind="broken") == expected.broken


def test_runs_of_one_system_are_not_compared(make_systems):
    text = Page(render(*make_systems(short=[range(60), range(80)]))).text
    assert "These runs are one system with several seeds." in text
    assert "Paired difference" not in text and "35.0 % of 200 questions over 2 seeds" in text


def test_the_page_says_if_each_side_has_one_training(make_pair):
    assert ONE_TRAINING_EACH in Page(render(*make_pair(range(60), range(8, 90)))).text


def test_comparisons_on_a_page_are_one_family(make_systems):
    # 9 fixed and 1 broken: p = 0.021, twice.
    right = [*range(1, 60), *range(100, 109)]
    one = Page(render(*make_systems(short=[range(60)], long=[right]))).text
    assert "B: long-17 is better than A: short-17" in one and "Adjusted" not in one and "Holm" not in one
    two = Page(render(*make_systems(short=[range(60)], long=[right], longer=[right]))).text
    assert "p = 0.021 by the exact McNemar test (p = 0.043 by Holm's adjustment for 2 comparisons)" in two
    assert "exact McNemar p = 0.021 p = 0.043 9 1" in two and "Adjusted p-values are Holm's over all rows" in two
    three = Page(render(*make_systems(short=[range(60)], long=[right], longer=[right], longest=[right]))).text
    assert "is better than" not in three
    assert three.count("There is no detectable difference between") == 3 and "p = 0.064" in three


def test_an_unreadable_part_of_the_solutions_is_named(make_pair):
    runs = make_pair(range(3), range(4))
    (Path(runs[0]) / "solutions" / "arithmetic" / "greedy" / "part-00000.parquet").write_bytes(b"half a file")
    with pytest.raises(InputError, match="solutions/arithmetic/greedy cannot be read"):
        render(*runs)
