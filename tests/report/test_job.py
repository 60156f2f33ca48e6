"""`jobs/report.py` as a user runs it."""

import json

from tests.jobs.conftest import run_job


def test_the_page_of_a_run_is_written_into_the_run(make_run):
    run = make_run()
    before = {path.name for path in run.iterdir()}
    done = run_job("report", run)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"report: {run}/report.html (0." in done.stdout
    assert {path.name for path in run.iterdir()} == before | {"report.html"}
    assert "Distillation report" in (run / "report.html").read_text()


def test_a_comparison_is_written_to_the_given_file(make_pair, tmp_path):
    done = run_job("report", *make_pair(range(60), range(8, 90)), "--out", tmp_path / "both.html")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "B: mixed is better than A: programs" in (tmp_path / "both.html").read_text()


def test_an_unreadable_run_is_one_error_and_status_2(make_run, tmp_path):
    run = make_run()
    (run / "metrics.json").write_text(json.dumps({"evaluation": [{"task": "arithmetic"}]}))
    for words in ([], [tmp_path / "nowhere"], [run]):
        done = run_job("report", *words)
        assert done.returncode == 2, done.stdout + done.stderr
        assert done.stdout.startswith("error: ") and "Traceback" not in done.stderr
    assert not (run / "report.html").exists()
