"""Figures next to a score: several samples, sub-tasks and several seeds, with the values of `metrics.json`."""

import random
from dataclasses import replace

from pad_ray.evaluation.general import change, general_ability
from pad_ray.evaluation.samples import maj_at_k, pass_at_k
from pad_ray.evaluation.seeds import pool
from pad_ray.report import render
from pad_ray.report.text import percent, percent_interval, points
from pad_ray.run.records import AtK
from pad_ray.schema import Outcome, Solution
from tests.report.conftest import make_questions
from tests.report.test_page import HOSTILE, Page, edit

NAMES = ["bbh/snarks", "bbh/navigate", f"bbh/{HOSTILE}"]
SAME = 20
QUESTIONS = [
    replace(question, task=NAMES[index % 3]) for index, question in enumerate(make_questions("test", 3 * SAME, ""))
]


def answers(share, seed=0, only=None):
    """One answer per question, correct at random; with `only`, other sub-tasks are as with seed 0."""
    chance, base = random.Random(seed), random.Random(0)
    result = []
    for question in QUESTIONS:
        own, other = chance.random() < share, base.random() < 0.3
        right = other if only not in (None, question.task) else own
        answer = question.gold if right else "0"
        outcome = Outcome.ACCEPTED if right else Outcome.WRONG_ANSWER
        result.append(Solution(question.question_id, "s", [], outcome, answer, question.gold, right, "", 9, 0.1))
    return result


def plain(text):
    return text.replace("\u00a0", " ")


def rate(value, interval):
    return plain(f"{percent(value)} {percent_interval(interval)}")


def rate_in_brackets(value, interval):
    return plain(f"{percent(value)} ({percent_interval(interval)})")


def stored(record):
    """A record as in `metrics.json`."""
    return record.model_dump(mode="json", by_alias=True)


def test_pass_and_maj_at_k_have_intervals(make_run):
    run = make_run()
    four = [solution for seed in range(4) for solution in answers(0.4, seed)]
    result = [stored(AtK(k=k, passed=pass_at_k(four, k), maj=maj_at_k(four, QUESTIONS, k))) for k in (1, 4)]
    assert "pass@k" not in Page(render(str(run))).text
    edit(run / "metrics.json", lambda metrics: metrics["evaluation"][1].update(strategy="vote", at_k=result))
    text = Page(render(str(run))).text
    rates = [[rate(one[name]["value"], one[name]["interval"]) for name in ("pass", "maj")] for one in result]
    assert f"after, vote 1 {' '.join(rates[0])} after, vote 4 {' '.join(rates[1])} pass@k is" in text


def general(student, solutions):
    result = stored(general_ability(solutions, QUESTIONS))
    return {**result, "task": "arithmetic", "student": student, "strategy": "greedy"}


def measured(run, before, after):
    """The page of a run whose students answered sub-tasks, and its metrics."""
    both = [general("before", before), general("after", after)]
    changed = {**stored(change(before, after, QUESTIONS)), "task": "arithmetic", "a": "before", "b": "after"}
    edit(run / "metrics.json", lambda metrics: metrics.update(general=both, general_change=[changed]))
    return Page(render(str(run))), both, changed


def test_subtasks_are_shown_with_their_macro_average_and_the_changes_by_training(make_run):
    page, both, changed = measured(make_run(), answers(0.3), answers(1.0, only="bbh/snarks"))
    assert page.open == [] and page.count("img") == 0
    for one in both:
        macro = rate_in_brackets(one["macro"], one["interval"])
        assert f"{one['student']}, greedy, 3 sub-tasks: {macro}" in page.text
    cells = [one["subtasks"]["bbh/snarks"] for one in both]
    rates = [rate_in_brackets(cell["accuracy"], cell["interval"]) for cell in cells]
    assert f"bbh/snarks {SAME} {' '.join(rates)}" in page.text
    result, adjusted = changed["subtasks"]["bbh/snarks"], changed["adjusted"]["bbh/snarks"]
    assert result["p_value"] < adjusted < 0.05
    assert f"1 of 3 sub-tasks changed: bbh/snarks ({points(result['difference'])})." in page.text
    assert f"Paired difference: {points(changed['difference'])} points" in page.text
    assert page.text.count("p = 1.000 p = 1.000") == 2  # both sub-tasks that did not change


def test_a_subtask_that_is_significant_only_before_adjustment_is_not_called_changed(make_run):
    run = make_run()
    measured(run, answers(0.3), answers(1.0, only="bbh/snarks"))

    def adjust(metrics):
        metrics["general_change"][0]["adjusted"]["bbh/snarks"] = 0.06

    edit(run / "metrics.json", adjust)
    page = Page(render(str(run)))
    assert "At a false discovery rate of 5 %, none of 3 sub-tasks is shown to have changed." in page.text


def test_strategies_with_several_seeds_are_one_line_with_their_deviation(make_run):
    run = make_run()
    result = pool([answers(share, seed) for seed, share in enumerate((0.2, 0.5))])
    pooled = {**stored(result), "task": "arithmetic", "student": "after", "strategies": ["vote-0", "vote-1"]}
    edit(run / "metrics.json", lambda metrics: metrics.update(pooled=[pooled]))
    text = Page(render(str(run))).text
    assert (
        f"after, vote-0, vote-1: {plain(percent(result.accuracy))} of 60 questions over 2 seeds "
        f"(95 % interval {plain(percent_interval(result.interval))}). "
        f"By seed {', '.join(plain(percent(one)) for one in result.by_seed)}; "
    ) in text
    assert f"corrected for chance: {100 * result.seed_deviation:.1f} points." in text
    assert result.warning and result.warning in text
