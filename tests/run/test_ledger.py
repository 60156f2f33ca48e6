import pytest

from pad_ray.errors import StageError
from pad_ray.run import ledger
from pad_ray.run.folder import RunDir
from pad_ray.run.ledger import StageEntry


@pytest.fixture
def run(tmp_path):
    return RunDir(str(tmp_path))


def entry(**counts):
    return StageEntry(stage="synthesis", unit="drafts", **counts)


def test_accepted_rejected_and_failed_rows_add_up_to_the_rows_in(run):
    ledger.record(run, entry(rows_in=10, rows_out=6, rejected={"timeout": 3}, failed=1))
    assert ledger.entries(run)[0].balanced


def test_a_lost_row_fails_the_stage_after_the_entry_is_written(run):
    with pytest.raises(StageError, match="synthesis: the ledger does not balance: 10 drafts in, 9 accounted for"):
        ledger.record(run, entry(rows_in=10, rows_out=6, rejected={"timeout": 3}))
    assert not ledger.entries(run)[0].balanced


def test_a_stage_that_runs_again_replaces_its_entry_in_place(run):
    for stage in ("questions", "synthesis"):
        ledger.record(run, StageEntry(stage=stage, rows_in=1, rows_out=1))
    ledger.record(run, StageEntry(stage="questions", rows_in=2, rows_out=2))
    assert [(one.stage, one.rows_in) for one in ledger.entries(run)] == [("questions", 2), ("synthesis", 1)]
