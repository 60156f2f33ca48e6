import pytest

from pad_ray.errors import InputError
from pad_ray.run.folder import RunDir
from pad_ray.schema import Outcome, Verdict

VERDICT = Verdict("d", Outcome.ACCEPTED, "1", "", 1.0)


@pytest.fixture
def run(tmp_path):
    return RunDir(str(tmp_path / "run"))


def test_records_are_read_in_the_order_of_their_parts(run):
    second = Verdict("e", Outcome.TIMEOUT, None, "", 2.0)
    run.write_records("verdicts/b.parquet", Verdict, [second])
    run.write_records("verdicts/a.parquet", Verdict, [VERDICT])
    assert run.read_records("verdicts", Verdict) == [VERDICT, second] == list(run.iter_records("verdicts", Verdict))


def test_a_missing_folder_has_no_records(run):
    assert run.read_records("verdicts", Verdict) == []


def test_a_failed_write_leaves_the_old_file(run, monkeypatch):
    run.write_json("metrics.json", {"old": 1})

    def break_off(*_):
        raise OSError("no space left on device")

    monkeypatch.setattr(run, "filesystem", _Failing(run.filesystem, break_off))
    with pytest.raises(OSError, match="no space"):
        run.write_json("metrics.json", {"new": 1})
    assert RunDir(run.location).read_json("metrics.json") == {"old": 1}


def test_temporary_files_of_a_killed_writer_are_not_parts(run):
    run.write_records("drafts/a.parquet", Verdict, [VERDICT])
    run.write_bytes("drafts/b.parquet.host-1.partial", b"torn")
    assert run.parts("drafts") == ["drafts/a.parquet"]


def test_a_file_uri_is_the_same_run_as_its_path(run):
    run.write_json("ledger.json", {"stages": []})
    assert RunDir(f"file://{run.root}").read_json("ledger.json") == {"stages": []}


def test_a_relative_folder_is_the_same_run_from_another_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    location = RunDir("runs/demo").location
    monkeypatch.chdir("/")
    assert RunDir(location).path("ledger.json") == str(tmp_path / "runs/demo/ledger.json")


class _Failing:
    """A file system whose moves fail, as on a full disk."""

    def __init__(self, real, move):
        self.real, self.move = real, move

    def __getattr__(self, name):
        return getattr(self.real, name)


def test_credentials_in_a_uri_are_rejected_and_not_repeated():
    with pytest.raises(InputError, match="credentials in the URI") as raised:
        RunDir("s3://AKIAKEY:secret@bucket/run")
    assert "secret@" not in str(raised.value)
    assert "AKIAKEY" not in str(raised.value)
