"""Tracked values are read back: event files always, MLflow and Weights & Biases if their clients are installed."""

import importlib.util
import struct

import pytest
from pyarrow import fs
from pydantic import ValidationError
from tensorboardX.proto.event_pb2 import Event, SessionLog

from pad_ray.errors import InputError
from pad_ray.run.folder import RunDir
from pad_ray.run.tracking import Tracker, TrackingConfig

TENSORBOARD = TrackingConfig()


@pytest.fixture
def run(tmp_path):
    return RunDir(str(tmp_path / "run"))


def event_files(run, stage="synthesis"):
    """Names and contents of a stage's event files, earliest first."""
    selector = fs.FileSelector(run.path(f"tensorboard/{stage}"), allow_not_found=True)
    names = sorted(info.base_name for info in run.filesystem.get_file_info(selector))
    return {name: run.read_bytes(f"tensorboard/{stage}/{name}") for name in names}


def events(data):
    """The events in a file. A record is a length (8 bytes), its checksum (4), the message, and its checksum (4)."""
    while data:
        (length,) = struct.unpack("<Q", data[:8])
        yield Event.FromString(data[12 : 12 + length])
        data = data[16 + length :]


def scalars(data):
    return [(event.step, item.tag, item.simple_value) for event in events(data) for item in event.summary.value]


def track(run, *steps, config=TENSORBOARD):
    with Tracker(config, run, "synthesis") as tracker:
        for step in steps:
            tracker.log(step, {"drafts": step * 2, "accepted_share": 0.5})


def test_scalars_are_in_the_event_file_of_the_stage(run):
    track(run, 8, 16)
    (data,) = event_files(run).values()
    assert scalars(data) == [
        (8, "drafts", 16.0),
        (8, "accepted_share", 0.5),
        (16, "drafts", 32.0),
        (16, "accepted_share", 0.5),
    ]


def test_a_continued_stage_adds_a_file_that_replaces_repeated_steps(run):
    track(run, 8, 16)
    first = event_files(run)
    track(run, 16, 24)
    second = event_files(run)
    assert list(second)[:1] == list(first)
    assert first.items() <= second.items()
    (added,) = [data for name, data in second.items() if name not in first]
    starts = [event.step for event in events(added) if event.session_log.status == SessionLog.START]
    assert (starts, scalars(added)[0][0]) == ([16], 16)


def test_a_stage_with_nothing_to_do_leaves_no_file(run):
    track(run)
    assert event_files(run) == {}


def test_values_logged_before_a_failure_are_kept(run):
    with pytest.raises(RuntimeError), Tracker(TENSORBOARD, run, "synthesis") as tracker:
        tracker.log(8, {"drafts": 8.0})
        raise RuntimeError("the engine died")
    (data,) = event_files(run).values()
    assert scalars(data) == [(8, "drafts", 8.0)]


def test_closing_twice_is_closing_once(run):
    tracker = Tracker(TENSORBOARD, run, "synthesis")
    tracker.log(8, {"drafts": 8.0})
    tracker.close()
    tracker.close()
    assert len(event_files(run)) == 1


def test_files_of_every_call_reach_a_remote_run():
    run = RunDir("mock://store/run")
    track(run, 8)
    track(run, 16)
    assert [scalars(data)[0][0] for data in event_files(run).values()] == [8, 16]


def test_without_a_backend_no_file_is_written(run):
    track(run, 8, config=TrackingConfig(backends=[]))
    assert not run.exists("tensorboard")


@pytest.mark.parametrize(("backend", "package"), [("mlflow", "mlflow-skinny"), ("wandb", "wandb")])
def test_a_missing_backend_is_an_error_that_names_the_package(run, backend, package, monkeypatch, tmp_path):
    if importlib.util.find_spec(backend):
        pytest.skip(f"{backend} is installed")
    # A folder of the same name, which a client leaves behind, is not the package.
    (tmp_path / backend).mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        InputError, match=f"{backend} is not installed: `pip install {package}`, or leave {backend} out"
    ):
        Tracker(TrackingConfig(backends=["tensorboard", backend]), run, "synthesis")


@pytest.mark.parametrize("field", ["api_key", "tracking_uri"])
def test_a_recipe_has_no_field_for_credentials(field):
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        TrackingConfig(**{field: "secret"})


@pytest.fixture
def mlflow(monkeypatch, tmp_path):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "mlflow").as_uri())
    return mlflow


@pytest.mark.parametrize(("failed", "status"), [(False, "FINISHED"), (True, "FAILED")])
def test_mlflow_gets_one_run_per_call(mlflow, run, failed, status):
    for step in (8, 16):
        tracker = Tracker(TrackingConfig(backends=["mlflow"], project="p"), run, "synthesis")
        tracker.log(step, {"loss": 0.5})
        tracker.close(failed=failed)
    client = mlflow.MlflowClient()
    runs = client.search_runs([client.get_experiment_by_name("p").experiment_id])
    assert {(item.info.run_name, item.info.status) for item in runs} == {("run-synthesis", status)}
    steps = [metric.step for item in runs for metric in client.get_metric_history(item.info.run_id, "loss")]
    assert sorted(steps) == [8, 16]


def test_an_unreachable_server_is_an_error_that_hides_its_password(mlflow, run, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://me:secret@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with pytest.raises(InputError, match="check MLFLOW_TRACKING_URI") as raised:
        Tracker(TrackingConfig(backends=["mlflow"]), run, "synthesis")
    assert "secret" not in str(raised.value)


def test_a_server_that_fails_later_does_not_stop_the_stage(mlflow, run, caplog):
    client = mlflow.MlflowClient()
    with Tracker(TrackingConfig(backends=["mlflow", "tensorboard"], project="p"), run, "synthesis") as tracker:
        (started,) = client.search_runs([client.get_experiment_by_name("p").experiment_id])
        client.delete_run(started.info.run_id)
        for step in (8, 16):
            tracker.log(step, {"loss": 0.5})
    assert [record.getMessage() for record in caplog.records if record.name == "pad_ray.run.tracking"] == [
        "tracking: no more values of this stage go to mlflow (MlflowException)"
    ]
    (data,) = event_files(run).values()
    assert [step for step, *_ in scalars(data)] == [8, 16]


def test_mlflow_needs_a_server(mlflow, run, monkeypatch):
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    with pytest.raises(InputError, match="mlflow has no server: set the environment variable MLFLOW_TRACKING_URI"):
        Tracker(TrackingConfig(backends=["mlflow"]), run, "synthesis")


def test_weights_and_biases_needs_a_key(run, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("WANDB_MODE", "online")
    with pytest.raises(InputError, match="wandb has no key: set the environment variable WANDB_API_KEY"):
        Tracker(TrackingConfig(backends=["wandb"]), run, "synthesis")


def test_weights_and_biases_without_a_network_leaves_its_files_in_the_run(run, monkeypatch):
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    track(run, 8, config=TrackingConfig(backends=["wandb"]))
    assert len(list(run.local_path("wandb/synthesis").rglob("*.wandb"))) == 1
