"""The page of a run, parsed like in a browser."""

import hashlib
import json
import re
import shutil
from base64 import b64encode
from html.parser import HTMLParser
from importlib import resources
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml

from pad_ray.errors import InputError
from pad_ray.report import render
from pad_ray.report.counts import SAMPLE_SIZE
from tests.report.conftest import make_questions, write_tests

VOID = {"meta", "link", "br", "img", "input", "hr", "wbr"}
HOSTILE = '<script>alert(1)</script>\n</code></pre><img src=x onerror=alert(1)> {{ 7 * 7 }} \u202e\x00 & "quoted"'


class Page(HTMLParser):
    """Collects tags, attributes and visible text; raises if an element is closed that is not open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "title", "script"} & set(self.open):
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))

    def count(self, tag: str, **attributes: str) -> int:
        wanted = {name.rstrip("_").replace("_", "-"): value for name, value in attributes.items()}
        return sum(name == tag and wanted.items() <= found.items() for name, found in self.tags)


def jumps(page: Page) -> list[tuple[int, int]]:
    """Headings that skip a level after the previous heading."""
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h\d", tag)]
    return [(above, below) for above, below in pairwise(levels) if below > above + 1]


def rejected_samples(page: Page) -> int:
    return page.count("span", class_="outcome bad")


def test_every_open_element_is_closed_and_no_heading_skips_a_level(make_run):
    page = Page(render(str(make_run())))
    assert page.open == [] and not jumps(page)


def test_text_and_fields_have_enough_contrast():
    css = resources.files("pad_ray.report").joinpath("page.css").read_text()
    for block in re.findall(r":root \{(.*?)\}", css, re.DOTALL)[:2]:
        colours = dict(re.findall(r"--([\w-]+): (#\w{6})", block))
        light = {name: luminance(colour) for name, colour in colours.items()}
        written = [name for name in light if name.startswith("code-")]
        for back, names, least in (
            ("paper", ["ink", "soft", "after", "good", "bad"], 4.5),
            ("raised", ["ink", *written], 4.5),
            ("marked", ["ink", *written], 4.5),
            ("paper", ["edge", "before"], 3),
        ):
            assert all(contrast(light[name], light[back]) >= least for name in names), (back, names)


def luminance(colour: str) -> float:
    """Relative luminance as defined in WCAG 2.1."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: float, other: float) -> float:
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def test_the_headline_gives_both_accuracies_their_intervals_and_the_p_value(make_run):
    text = Page(render(str(make_run()))).text
    assert "Distillation made the student better at 200 arithmetic test questions: 6.0 % before, 36.0 % after." in text
    assert "3.4–10.2 % before, 29.7–42.9 % after" in text
    assert "p = 3.2 × 10⁻¹⁵ by the exact McNemar test" in text


def test_a_difference_that_chance_explains_is_not_called_better(make_run):
    run = make_run()
    edit(run / "metrics.json", lambda metrics: metrics["paired"][0].update(p_value=0.21, interval=[-0.01, 0.06]))
    text = Page(render(str(run))).text
    assert "Distillation made no detectable difference at 200 arithmetic test questions" in text


def test_the_funnel_and_the_bars_show_the_numbers_of_the_ledger(make_run):
    run = make_run()
    page = Page(render(str(run)))
    stages = {stage["stage"]: stage for stage in json.loads((run / "ledger.json").read_text())["stages"]}
    synthesis, corpus = stages["synthesis"], stages["corpus"]
    assert f"Question {stages['questions']['rows_out']} read 100 train, 200 test" in page.text
    assert f"Draft {synthesis['rows_in']} sampled 4.0 per training question" in page.text
    assert f"Verdict {synthesis['rows_out']} accepted" in page.text
    assert f"Corpus {corpus['rows_out']} rows written" in page.text
    assert f"Score {stages['evaluation.after']['rows_out']} answers correct 36.0 % of the questions" in page.text
    for outcome, number in {**synthesis["rejected"], **corpus["rejected"]}.items():
        assert f"{outcome.replace('_', ' ')} {number} " in page.text


def test_the_ledger_is_counted_again_in_the_files(make_run):
    run = make_run()
    accepted = json.loads((run / "ledger.json").read_text())["stages"][1]["rows_out"]
    text = Page(render(str(run))).text
    assert "questions 300 300 yes drafts 400 400 yes" in text
    assert f"drafts accepted {accepted} {accepted} yes" in text
    assert f"program drafts 400 400 yes program drafts accepted {accepted} {accepted} yes" in text
    (run / "rejected" / "part-00001.parquet").unlink()
    assert re.search(r"drafts 400 \d+ no", Page(render(str(run))).text)


def test_rows_missing_in_the_ledger_are_shown(make_run):
    run = make_run()
    edit(run / "ledger.json", lambda ledger: ledger["stages"][1].update(rows_in=407, balanced=False))
    assert "no (7 unaccounted for)" in Page(render(str(run))).text


def test_samples_of_every_outcome_show_question_program_feedback_and_gold(make_run):
    run = make_run()
    page = Page(render(str(run)))
    ledger = {stage["stage"]: stage for stage in json.loads((run / "ledger.json").read_text())["stages"]}
    thrown = {**ledger["synthesis"]["rejected"], **ledger["corpus"]["rejected"]}
    shown = {outcome: page.count("details", data_outcome=outcome) for outcome in thrown}
    assert shown == {outcome: min(count, SAMPLE_SIZE) for outcome, count in thrown.items()}
    assert page.count("details", data_outcome="taken_by_the_corpus") == SAMPLE_SIZE
    assert rejected_samples(page) == sum(shown.values())
    assert f"{sum(shown.values()) + SAMPLE_SIZE} of 400 drafts, selected by content id" in page.text
    assert "apples_at_first" in page.text
    assert "NameError: name 'apples_left' is not defined (line 6)" in page.text
    assert page.text.count("Gold") == sum(shown.values()) + SAMPLE_SIZE


def test_every_outcome_of_the_chart_opens_its_samples(make_run):
    page = Page(render(str(make_run())))
    links = [attributes["data-outcome"] for tag, attributes in page.tags if tag == "a" and "data-outcome" in attributes]
    assert {"taken_by_the_corpus", "wrong_answer", "duplicate", "timeout"} <= set(links)
    assert all(page.count("details", data_outcome=outcome) for outcome in links)


def test_accepted_drafts_and_drafts_in_the_corpus_have_different_names(make_run):
    run = make_run()
    synthesis, corpus = json.loads((run / "ledger.json").read_text())["stages"][1:3]
    text = Page(render(str(run))).text
    assert f"accepted {synthesis['rows_out']} " in text and f"taken by the corpus {corpus['rows_out']} " in text
    assert f"taken by the corpus (20 of {corpus['rows_out']})" in text and "accepted (" not in text


def test_the_failing_line_is_marked_and_named(make_run):
    page = Page(render(str(make_run())))
    failures = page.count("details", data_outcome="name_error") + page.count("details", data_outcome="syntax_error")
    assert page.count("span", class_="hll") == page.text.count("Failing line") == failures > 20


def test_yields_count_every_draft(make_run):
    run = make_run()
    edit(run / "recipe.yaml", lambda recipe: recipe.update(synthesis={"paths": ["program"], "samples": 4}), yaml)
    text = Page(render(str(run))).text
    accepted = json.loads((run / "ledger.json").read_text())["stages"][1]["rows_out"]
    assert f"program {accepted} of 400" in text
    by_set = [int(count) for count in re.findall(r"program, set \d (\d+) of 200", text)]
    assert len(by_set) == 2 and sum(by_set) == accepted


def test_a_draft_with_an_engine_fault_counts_for_its_path(make_run):
    run = make_run()
    part = run / "drafts" / "part-00001.parquet"
    lost = pq.read_table(part).slice(0, 3)
    shutil.rmtree(run / "corpus")
    shutil.rmtree(run / "rejected")  # so the planned drafts are not known yet
    (run / "faults").mkdir()
    pq.write_table(lost, run / "faults" / "part-a.parquet")  # generated later, so not a fault
    renamed = lost.set_column(0, "draft_id", pa.array([f"{number:032x}" for number in range(3)]))
    pq.write_table(renamed.cast(lost.schema), run / "faults" / "part-b.parquet")
    assert re.search(r"program \d+ of 403", Page(render(str(run))).text)


def test_drafts_of_an_earlier_recipe_do_not_count_once_there_is_a_corpus(make_run):
    run = make_run()
    part = pq.read_table(run / "drafts" / "part-00001.parquet").slice(0, 3)
    renamed = part.set_column(0, "draft_id", pa.array([f"{number:032x}" for number in range(3)])).cast(part.schema)
    pq.write_table(renamed, run / "drafts" / "part-old.parquet")
    verdicts = pq.read_table(run / "verdicts" / "part-00001.parquet").slice(0, 3)
    old = verdicts.set_column(0, "draft_id", renamed["draft_id"]).cast(verdicts.schema)
    pq.write_table(old, run / "verdicts" / "part-old.parquet")
    text = Page(render(str(run))).text
    assert re.search(r"program \d+ of 400", text) and "program drafts 400 400 yes" in text


def test_a_task_evaluated_later_does_not_change_the_runs_own_numbers(make_run):
    run = make_run()
    write_tests(run, "svamp", make_questions("test", 240, ""))
    later = {"task": "svamp", "questions": 240, "correct": 24, "accuracy": 0.1, "outcomes": {"accepted": 24}}

    def evaluate(metrics):
        metrics["evaluation"].append({**metrics["evaluation"][1], **later})

    def count(ledger):
        ledger["stages"][-1] |= {"rows_in": 240, "rows_out": 24, "rejected": {"wrong_answer": 216}}

    edit(run / "metrics.json", evaluate)
    edit(run / "ledger.json", count)
    text = Page(render(str(run))).text
    assert "Question 300 read 100 train, 200 test" in text and "questions 300 300 yes" in text
    assert "Score 72 answers correct 36.0 % of the questions" in text
    assert "evaluation.after 3 min 06 s – 36,688 382 per correct answer" in text  # 2 x 18,344 tokens, 72 + 24 answers


def test_an_outcome_of_both_verdicts_and_corpus_is_not_counted_twice(make_run):
    run = make_run()

    def rename(ledger):
        rejected = ledger["stages"][1]["rejected"]
        rejected["duplicate"] = rejected.pop("timeout")

    edit(run / "ledger.json", rename)
    for part in (run / "rejected").iterdir():
        table = pq.read_table(part)
        renamed = pc.replace_substring(table["outcome"], "timeout", "duplicate")
        pq.write_table(table.set_column(1, table.schema.field("outcome"), renamed), part)
    accepted = json.loads((run / "ledger.json").read_text())["stages"][1]["rows_out"]
    assert f"drafts accepted {accepted} {accepted} yes" in Page(render(str(run))).text


def test_only_the_function_of_a_completion_is_shown(make_run):
    page = Page(render(str(make_run(text="def solution():\n    return 1\n\nprint('what follows is not judged')"))))
    assert "return 1" in page.text and "not judged" not in page.text


def test_a_run_can_be_given_by_uri(make_run):
    run = make_run()
    assert render(run.as_uri()) == render(str(run))


def test_rendering_is_deterministic(make_run):
    run = str(make_run())
    assert render(run) == render(run)


def test_hostile_text_stays_text(make_run):
    run = make_run(question=HOSTILE, text=HOSTILE)
    html = render(str(run))
    page = Page(html)
    assert page.open == []
    assert page.count("script") == 1 and page.count("img") == 0
    assert page.text.count("<script>alert(1)</script>") >= 20  # the questions; programs are cut into spans
    assert "{{ 7 * 7 }}" in page.text
    assert "\u202e" not in html and "\x00" not in html
    assert "⟨U+202E⟩" in page.text


def test_texts_from_data_keep_their_writing_direction(make_run):
    page = Page(render(str(make_run(question="لدى أحمد 3 تفاحات. كم المجموع؟", text="# تفاح\u202e\nreturn 3"))))
    asked = [attributes for tag, attributes in page.tags if attributes.get("class") in ("asked", "code")]
    assert asked
    assert {attributes.get("dir") for attributes in asked} == {"auto"}
    assert "⟨U+202E⟩" in page.text


def test_hostile_text_in_recipe_and_metrics_stays_text(make_run):
    run = make_run()
    (run / "recipe.yaml").write_text(json.dumps({HOSTILE: {HOSTILE: HOSTILE}, "seed": HOSTILE, "teacher": HOSTILE}))
    edit(run / "metrics.json", lambda metrics: metrics["evaluation"][1].update(task=HOSTILE, prompt=HOSTILE))
    edit(run / "ledger.json", lambda ledger: ledger["stages"][1].update(stage=HOSTILE, rejected={HOSTILE: 3}))
    page = Page(render(str(run)))
    assert page.open == []
    assert page.count("script") == 1 and page.count("img") == 0


def test_nothing_is_loaded_and_only_the_script_in_the_policy_runs(make_run):
    html = render(str(make_run()))
    script = html.split("<script>")[1].split("</script>")[0]
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html
    tags = Page(html).tags
    links = [value for _, attributes in tags for name, value in attributes.items() if name in ("src", "href", "srcset")]
    assert all(link.startswith("#") for link in links)
    assert not any(name.startswith("on") for _, attributes in tags for name in attributes)
    assert not re.search(r"url\(|@import|https?://", html)
    assert "default-src 'none'" in html


def test_every_link_leads_to_a_part_of_the_page(make_run):
    tags = Page(render(str(make_run()))).tags
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {attributes["href"] for tag, attributes in tags if tag == "a"} <= {f"#{name}" for name in ids}


def test_charts_have_descriptions_in_words(make_run):
    page = Page(render(str(make_run())))
    images = [attributes for _, attributes in page.tags if attributes.get("role") == "img"]
    assert [image["aria-describedby"] for image in images] == ["curve-loss", "accuracy-1", "spent-1"]
    assert all(image["aria-label"] for image in images)
    assert "before, greedy, 4-shot: 6.0 % (3.4–10.2 %); after, greedy, 0-shot: 36.0 %" in page.text
    assert "before, greedy: 6.0 % at 91.72; after, greedy: 36.0 % at 91.72" in page.text
    assert re.search(r"Training loss: 1\.\d{3} at step 1, 0\.\d{3} at step 180\.", page.text)


def test_a_run_of_20_000_long_drafts_gives_a_small_page_with_true_counts(make_run):
    html = render(str(make_run(drafts=20_000, text="+<" * 5_000, steps=20_000)))
    assert len(html.encode()) < 3_000_000
    assert "Draft 20,000 sampled" in Page(html).text


@pytest.mark.parametrize("text", ["<&" * 5_000, "字\u202e" * 5_000])
def test_a_page_stays_small_whatever_its_texts(make_run, text):
    run = make_run(drafts=2_000, question=text, text=text)
    html = render(str(run))
    assert 1_000_000 < len(html.encode()) < 3_000_000
    assert "Draft 2,000 sampled" in Page(html).text


def test_a_key_in_the_recipe_does_not_reach_the_page(make_run):
    assert "sk-not-for-the-page" not in render(str(make_run()))


def test_self_refinement_shows_both_histograms_and_its_comparison(make_run):
    run = make_run()
    shares = [
        {"outcome": "wrong_answer", "student": 0.9, "injected": 0.85},
        {"outcome": "name_error", "student": 0.1, "injected": 0.15},
    ]
    made = {"drafts": 400, "shares": shares, "total_variation": 0.05, "student_failures": 120, "injected_variants": 300}
    rows = {"train/first_pass": 100, "train/on_policy": 40, "train/injected": 60, "validation/injected": 7}

    def refined(metrics):
        metrics["refinement"] = {**made, "rows": rows}
        metrics["evaluation"].append(
            {**metrics["evaluation"][1], "student": "refined", "accuracy": 0.41, "correct": 82}
        )
        metrics["paired"].append(
            {**metrics["paired"][0], "a": "after", "b": "refined", "difference": 0.05, "p_value": 0.01}
        )

    edit(run / "metrics.json", refined)
    text = Page(render(str(run))).text
    assert "wrong answer 90.0 % 85.0 % name error 10.0 % 15.0 %" in text
    assert "120 of 400 drafts" in text and "100 first pass, 40 on policy, 60 injected." in text
    assert (
        "Self-refinement made the student better at 200 arithmetic test questions: 36.0 % before, 41.0 % after" in text
    )


def test_corpus_rows_are_not_counted_as_drafts(make_run):
    run = make_run()
    edit(run / "metrics.json", lambda metrics: metrics["corpus"].update(train_rows=500))
    text = Page(render(str(run))).text
    assert "Corpus 505 rows written" in text
    assert re.search(r"drafts in the corpus (\d+) \1 yes", text)


def test_a_run_stopped_after_synthesis_shows_its_results_and_the_missing_parts(make_run):
    run = make_run()
    for folder in ("corpus", "rejected"):
        shutil.rmtree(run / folder)
    edit(run / "ledger.json", lambda ledger: ledger.update(stages=ledger["stages"][:2]))
    edit(
        run / "metrics.json",
        lambda metrics: [metrics.pop(key) for key in ("evaluation", "paired", "corpus", "training")],
    )
    page = Page(render(str(run)))
    assert "This run is not complete. Missing: the corpus, the training record" in page.text
    assert "No student has been scored." in page.text
    assert "Corpus – rows written not reached" in page.text
    assert page.count("details", data_outcome="accepted") == SAMPLE_SIZE
    assert rejected_samples(page) > 2 * SAMPLE_SIZE


def test_a_run_killed_during_synthesis_counts_its_verdicts(make_run):
    run = make_run()
    for folder in ("corpus", "rejected"):
        shutil.rmtree(run / folder)
    (run / "ledger.json").unlink()
    (run / "metrics.json").write_text('{"synthesis": {"drafts": 900, "seconds": 12.5}}')
    (run / "environment.json").write_text('{"versions": {}, "python": "3.11.2", "commit": null}')
    shutil.copy(run / "verdicts" / "part-00000.parquet", run / "verdicts" / "part-again.parquet")
    text = Page(render(str(run))).text
    assert "Drafts by verdict, so far" in text
    assert "Outcome 400 drafts Share" in text
    assert "Nothing has been measured in this run yet." in text


def test_an_empty_run_renders(tmp_path):
    page = Page(render(str(tmp_path)))
    assert page.open == []
    assert "Nothing has been measured in this run yet." in page.text


def test_without_a_comparison_the_sentence_makes_no_claim(make_run):
    run = make_run()

    def leave_one(metrics):
        (after,) = metrics["evaluation"][1:]
        # A test set that was measured later may come first.
        metrics.update(paired=[], evaluation=[{**after, "task": "svamp", "accuracy": 0.1}, after])

    edit(run / "metrics.json", leave_one)
    text = Page(render(str(run))).text
    assert "After distillation the student answers 36.0 % of 200 arithmetic test questions correctly." in text
    assert "There is no score of the student before to compare with." in text


def test_a_missing_folder_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="does not exist"):
        render(str(tmp_path / "nowhere"))


@pytest.mark.parametrize("content", ["{", '{"evaluation": [{"task": "arithmetic"}]}', "[]"])
def test_unreadable_metrics_are_named(make_run, content):
    run = make_run()
    (run / "metrics.json").write_text(content)
    with pytest.raises(InputError, match=r"arithmetic-smollm2/metrics\.json cannot be read"):
        render(str(run))


def test_a_part_that_is_not_parquet_is_an_input_error(make_run):
    run = make_run()
    (run / "drafts" / "part-00001.parquet").write_bytes(b"half a file")
    with pytest.raises(InputError, match="cannot be read"):
        render(str(run))


def test_a_score_shows_its_protocol_and_accuracies_by_other_rules(make_run):
    run = make_run()
    more = {"protocol": "GSM8K test", "exact": 0.345, "pad_rounded": 0.375, "warning": "30 questions say little."}
    edit(run / "metrics.json", lambda metrics: metrics["evaluation"][1].update(more))
    text = Page(render(str(run))).text
    assert "arithmetic GSM8K test" in text
    assert "36.0 % 29.7–42.9 % 34.5 % 37.5 % 96.5 % 92" in text
    assert "after, greedy: 30 questions say little." in text


def test_strategies_are_compared_in_pairs(make_run):
    run = make_run()
    pair = {
        **json.loads((run / "metrics.json").read_text())["paired"][0],
        "student": "after",
        "a": "greedy",
        "b": "vote",
    }
    pair |= {"questions": 200, "detectable": 0.061, "difference": -0.02, "interval": [-0.05, 0.01], "p_value": 0.3}
    edit(run / "metrics.json", lambda metrics: metrics.update(paired_strategies=[pair]))
    text = Page(render(str(run))).text
    assert "arithmetic, after: vote against greedy 200 −2.0 −5.0 to +1.0 exact McNemar p = 0.300 63 3 6.1" in text


def test_several_strategies_are_one_family_with_one_training(make_run):
    run = make_run()
    pair = {**json.loads((run / "metrics.json").read_text())["paired"][0], "student": "after", "a": "greedy"}
    pair |= {"difference": 0.02, "interval": [-0.01, 0.05]}
    pairs = [
        {**pair, "b": name, "p_value": value} for name, value in (("vote", 0.03), ("mixed", 0.5), ("refine", 0.01))
    ]
    edit(run / "metrics.json", lambda metrics: metrics.update(paired_strategies=pairs))
    page = Page(render(str(run)))
    assert "vote against greedy 200 +2.0 −1.0 to +5.0 exact McNemar p = 0.030 p = 0.060" in page.text
    assert "refine against greedy 200 +2.0 −1.0 to +5.0 exact McNemar p = 0.010 p = 0.030" in page.text
    assert "All strategies use the same training of the student; their differences are valid only for it." in page.text
    assert (page.count("td", class_="n better"), page.count("td", class_="n open")) == (1, 2)


def test_several_test_sets_are_one_family(make_run):
    run = make_run()

    def add(metrics):
        first = metrics["paired"][0] | {"p_value": 0.03}
        metrics["paired"] = [first, first | {"task": "svamp"}]

    edit(run / "metrics.json", add)
    text = Page(render(str(run))).text
    assert "p = 0.030 by the exact McNemar test (p = 0.060 by Holm's adjustment for 2 comparisons)" in text
    assert text.count("Distillation made no detectable difference at") == 2
    assert "One training: the interval covers the questions, not the chance of training." in text


def test_costs_are_in_seconds_and_tokens(make_run):
    run = make_run()
    tokens = {"prompt_tokens": 120_000, "completion_tokens": 33_000, "device_seconds": 4000}
    edit(run / "metrics.json", lambda metrics: metrics["synthesis"].update(tokens))
    text = Page(render(str(run))).text
    assert "synthesis 21 min 52 s 120,000 33,000 200 per accepted draft" in text
    assert "evaluation.after 1 min 33 s – 18,344 255 per correct answer" in text
    assert "held their devices for 1 h 06 min" in text


def test_a_student_with_a_dot_in_its_name_has_its_tokens(make_run):
    run, student = make_run(), "qwen2.5-coder-0.5b-1d961463"

    def measure(metrics):
        metrics["evaluation"].append({**metrics["evaluation"][1], "student": student, "strategy": "vote"})

    def count(ledger):
        ledger["stages"].append({**ledger["stages"][-1], "stage": f"evaluation.{student}.vote"})

    edit(run / "metrics.json", measure)
    edit(run / "ledger.json", count)
    assert f"evaluation.{student}.vote 1 min 33 s – 18,344 255 per correct answer" in Page(render(str(run))).text


def test_errors_are_compared_on_the_tasks_of_both_students_even_if_one_makes_none(make_run):
    run = make_run()

    def refined(metrics):
        metrics["refinement"] = {"drafts": 4}
        first = metrics["evaluation"][1]
        metrics["evaluation"] += [
            {**first, "task": "svamp", "outcomes": {"timeout": 200}},
            {**first, "student": "refined", "outcomes": {"accepted": 200}},
        ]

    edit(run / "metrics.json", refined)
    text = Page(render(str(run))).text
    errors = text.split("share of all answers")[1].split("after self-refinement")[0]
    assert "wrong answer 60.5 % 0.0 % syntax error 3.5 % 0.0 %" in errors and "timeout" not in errors


def test_errors_before_and_after_refinement_are_compared(make_run):
    run = make_run()

    def refined(metrics):
        metrics["refinement"] = {"drafts": 4}
        outcomes = {"accepted": 80, "wrong_answer": 120}
        metrics["evaluation"].append({**metrics["evaluation"][1], "student": "refined", "outcomes": outcomes})

    edit(run / "metrics.json", refined)
    assert "wrong answer 60.5 % 60.0 % syntax error 3.5 % 0.0 %" in Page(render(str(run))).text


def edit(path: Path, change, form=json) -> None:
    content = json.loads(path.read_text()) if form is json else form.safe_load(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
