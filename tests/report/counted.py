"""Check that the page of a run shows the figures of its ledger and metrics."""

import json
import re

from tests.report.test_page import Page


def check_counts(run):
    """Check that the page shows every count and score of `ledger.json` and `metrics.json`."""
    text = Page((run / "report.html").read_text()).text
    stages = json.loads((run / "ledger.json").read_text())["stages"]
    metrics = json.loads((run / "metrics.json").read_text())
    table = text.split("Rows by stage")[1]
    for stage in stages:
        rejected = sum(stage["rejected"].values())
        counts = [stage["rows_in"], stage["rows_out"], rejected, stage["failed"]]
        unit = "" if stage["unit"] == stage["stage"] else f" {stage['unit']}"
        assert f"{stage['stage'].replace('_', ' ')}{unit} {' '.join(f'{count:,}' for count in counts)} yes" in table
    drafts = {stage["stage"]: stage for stage in stages}
    for name, count in {**drafts["synthesis"]["rejected"], **drafts["corpus"]["rejected"]}.items():
        assert f"{name.replace('_', ' ')} {count:,} " in text
    corpus = metrics["corpus"]
    assert f"Corpus {corpus['train_rows'] + corpus['validation_rows']:,} rows written" in text
    for path, counts in metrics["synthesis"]["by_path"].items():
        assert f"{path} {counts['accepted']:,} of {counts['drafts']:,}" in text
    for score in metrics.get("evaluation", []):
        row = f"{score['student']} {score['strategy']} {score['prompt']} {score['correct']:,} {score['questions']:,}"
        rates = [score[name] for name in ("accuracy", "exact", "pad_rounded", "executable_rate")]
        accuracy, *others = (f"{100 * rate:.1f} %" for rate in rates)
        assert re.search(rf"{re.escape(row)} {re.escape(accuracy)} [\d.–]+ % {re.escape(' '.join(others))}", text)
    again = text.split("Counted again in the files")[1].split("Settings Recipe")[0]
    assert " yes " in again and " no " not in again
