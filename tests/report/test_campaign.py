"""A campaign's page: table, parallel coordinates, Pareto front, and the best trial compared with the default."""

import json
import re
from typing import get_args

import pytest

from pad_ray.errors import InputError
from pad_ray.recipe import Recipe
from pad_ray.report import render
from pad_ray.report.campaign import MOST_TRIALS
from pad_ray.report.charts import COLOURS, HEIGHT
from pad_ray.settings import read_settings
from pad_ray.tuning.config import Kind
from pad_ray.tuning.space import parameters_of
from tests.report.conftest import CAMPAIGN, make_trials
from tests.report.test_page import HOSTILE, Page, edit


def test_the_table_lists_every_trial_best_first(make_campaign):
    page = Page(render(str(make_campaign())))
    assert page.open == []
    assert page.count("tr", data_state="completed") == 22
    assert "Trials 24, 22 completed, 1 stopped, 1 failed" in page.text
    table = page.text.split("Best first by accuracy")[1]
    scored = [trial for trial in make_trials() if "tokens" in trial["values"]]
    ranked = sorted(scored, key=lambda trial: -trial["values"]["accuracy"])
    places = [table.index(f" {trial['trial']} ") for trial in ranked]
    assert places == sorted(places)
    assert "engine <b>dies</b> again and again" in table
    assert "t3 best, front completed" in table and "t0 default completed" in table


def test_a_chosen_default_has_no_interval(make_campaign):
    same = {"difference": 0.0, "difference_low": None, "difference_high": None, "p_value": None, "beats_default": False}
    text = Page(render(str(make_campaign(test=CAMPAIGN["test"] | same)))).text
    assert "The default was chosen, so nothing was compared." in text
    assert "interval of the difference" not in text


def strands(page, kind):
    """The lines of trials of one kind through the parallel axes."""
    return [
        attributes
        for tag, attributes in page.tags
        if tag == "path" and attributes.get("aria-label", "").startswith("trial ")
        if "L" in attributes["d"] and attributes.get("stroke") == COLOURS[kind]
    ]


def test_every_finished_trial_is_a_line_through_all_axes(make_campaign):
    page = Page(render(str(make_campaign())))
    drawn = {kind: len(strands(page, kind)) for kind in ("best", "default", "front", "other")}
    assert drawn == {"best": 1, "default": 1, "front": 1, "other": 19}
    (best,) = strands(page, "best")
    points = re.findall(r"([\d.]+),([\d.]+)", best["d"])
    assert len(points) == 5 and all(0 <= float(y) <= HEIGHT for _, y in points)
    assert best["aria-label"].startswith("trial t3: ")


def test_the_front_is_joined_if_there_are_two_objectives(make_campaign):
    def joined(page):
        lines = (
            attributes
            for tag, attributes in page.tags
            if tag == "path" and not {"aria-label", "transform"} & {*attributes}
        )
        return sum(line.get("stroke") == COLOURS["front"] for line in lines)

    both = Page(render(str(make_campaign())))
    one = Page(render(str(make_campaign(objectives=CAMPAIGN["objectives"][:1]))))
    assert (joined(both), joined(one)) == (2, 0)  # for a screen and for a phone
    assert len(strands(one, "best")) == 1


def test_the_test_of_the_best_trial_is_the_headline(make_campaign):
    text = Page(render(str(make_campaign()))).text
    assert "The best settings beat the default at 200 test questions" in text
    assert "+1.0 to +15.0 points, p = 0.030" in text
    assert "best, 76 of 200: 38.0 % (32.0–45.0 %)" in text
    untested = make_campaign(test=None, best_trial=3)
    assert "Trial 3 is the best of 24 so far." in Page(render(str(untested))).text


def test_with_a_failed_default_the_chosen_trial_is_shown_alone(make_campaign):
    sentence = "The chosen recipe, trial 3, is right on 38.0% of 200 test questions."
    text = Page(
        render(
            str(
                make_campaign(
                    test=None, test_alone={"best": CAMPAIGN["test"]["best"], "sentence": sentence}, best_trial=3
                )
            )
        )
    ).text
    assert sentence in text
    assert "not been measured" not in text


@pytest.mark.parametrize("kind", get_args(Kind))
def test_the_usual_campaign_of_every_kind_can_be_shown(kind, make_campaign):
    mixed = {"tuning": {"kind": kind}, "synthesis": {"paths": ["program", "rationale"]}}
    parameters = parameters_of(read_settings(Recipe, [], mixed, "test"))
    settings = [{p.name: p.values[n % len(p.values)] if p.values else p.low for p in parameters} for n in range(4)]
    trials = [
        {"trial": f"t{n}", "state": "completed", "parameters": setting, "values": {"accuracy": 0.1 * n, "tokens": n}}
        for n, setting in enumerate(settings)
    ]
    page = Page(render(str(make_campaign(trials, parameters=[p.described() for p in parameters]))))
    assert page.open == []
    assert {parameter.name.rpartition(".")[2] for parameter in parameters} <= set(page.text.split())
    told = {"decode": '["execution","faithfulness"]', "train": '{"rank":16}', "refine": ""}[kind]
    charts, table = page.text.split("Best first by accuracy")
    assert told in table and told[:15] in charts


def test_a_campaign_without_finished_trials_renders(make_campaign):
    run = make_campaign(test=None, best_trial=None, default_trial=None, pareto=[])
    (run / "campaign" / "trials.jsonl").unlink()
    assert "No trial has finished yet." in Page(render(str(run))).text


def test_the_page_of_a_tuned_run_includes_the_campaign(make_run, make_campaign):
    run = make_run()
    edit(run / "ledger.json", lambda ledger: ledger["stages"].append({"stage": "tuning", "unit": "trials"}))
    alone = Page(render(str(run)))
    page = Page(render(str(make_campaign(run=run))))
    assert page.open == []
    assert page.count("details") == alone.count("details") > 100
    assert "Distillation made the student better" in page.text and "The best settings beat the default" in page.text
    assert "Campaign: Trials Kind decode Trials 24, 22 completed" in page.text
    assert "Time of all trials" not in alone.text
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids)) and {"samples-list", "trials-list", "strands"} <= set(ids)


def test_a_folder_with_only_a_campaign_shows_the_campaign(make_campaign):
    run = make_campaign()
    (run / "ledger.json").write_text(json.dumps({"stages": [{"stage": "tuning", "unit": "trials"}]}))
    assert "Campaign report" in Page(render(str(run))).text


def test_with_many_trials_some_are_shown_and_all_are_counted(make_campaign):
    trials = [
        {
            "trial": str(n),
            "state": "completed",
            "parameters": {"evaluation.samples": 2},
            "values": {"accuracy": n / 2000},
        }
        | ({"state": "failed", "values": {}} if n % 10 == 9 else {})
        for n in range(2000)
    ]
    campaign = make_campaign(
        trials, default_trial="123", best_trial="1998", pareto=[], objectives=[CAMPAIGN["objectives"][0]]
    )
    page = Page(render(str(campaign)))
    assert page.count("tr", data_state="completed") + page.count("tr", data_state="failed") == MOST_TRIALS
    assert page.count("tr", data_state="failed") == pytest.approx(50, abs=2)
    assert len(strands(page, "best")) == len(strands(page, "default")) == 1
    assert "Trials 2,000, 1,800 completed, 200 failed" in page.text
    assert "500 of 2,000 trials" in page.text and re.search(r"failed \(\d+ of 200\)", page.text)


def test_hostile_names_and_values_stay_text(make_campaign):
    hostile = [{"name": HOSTILE, "kind": "choice", "values": [HOSTILE, "a"]}]
    page = Page(render(str(make_campaign(name=HOSTILE, parameters=hostile))))
    assert page.open == []
    assert page.count("script") == 1 and page.count("img") == 0


def test_a_broken_line_is_named(make_campaign):
    run = make_campaign()
    with (run / "campaign" / "trials.jsonl").open("a") as trials:
        trials.write("{\n")
    with pytest.raises(InputError, match=r"trials\.jsonl line 25 cannot be shown"):
        render(str(run))
