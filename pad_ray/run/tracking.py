"""Log the numbers of the progress display as time series to TensorBoard, MLflow or Weights & Biases."""

import importlib
import importlib.util
import logging
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Protocol, Self

from pydantic import BaseModel, ConfigDict, Field

from pad_ray.errors import InputError
from pad_ray.run.folder import RunDir

Backend = Literal["tensorboard", "mlflow", "wandb"]

TENSORBOARD = "tensorboard"

PACKAGES: dict[Backend, str] = {"tensorboard": "tensorboardX", "mlflow": "mlflow-skinny", "wandb": "wandb"}
"""The package to install for each backend."""

_log = logging.getLogger(__name__)


class TrackingConfig(BaseModel):
    """Where the progress of a run is logged in addition to the terminal.

    Each client reads its server and credentials from its own environment variables (MLFLOW_TRACKING_URI, WANDB_API_KEY,
    ...), so that no recipe contains them.
    """

    model_config = ConfigDict(extra="forbid")

    backends: list[Backend] = Field(
        ["tensorboard"],
        description="tensorboard: files in the run; mlflow, wandb: servers set by environment variables",
    )
    project: str = Field(
        "pad_ray", min_length=1, description="MLflow experiment or Weights & Biases project of the runs"
    )
    experiment: str | None = Field(
        None, min_length=1, description="name of this run there, followed by the stage; default: the run's folder"
    )

    def check(self) -> None:
        """Check that every backend can be used, without starting one.

        Raises:
            InputError: a package is not installed or an environment variable is not set; the message names it.
        """
        for backend in self.backends:
            if lacking := _lacking(backend):
                raise InputError(f"tracking.backends: {backend} {lacking}, or leave {backend} out")


def _lacking(backend: Backend) -> str | None:
    """The missing requirement of a backend; None if it can be used."""
    spec = importlib.util.find_spec("tensorboardX" if backend == "tensorboard" else backend)
    # Both clients create a folder with their name in the working directory; Python finds it as a package without an origin.
    if spec is None or spec.origin is None:
        return f"is not installed: `pip install {PACKAGES[backend]}`"
    if backend == "mlflow" and not os.environ.get("MLFLOW_TRACKING_URI"):
        return "has no server: set the environment variable MLFLOW_TRACKING_URI"
    if backend == "wandb" and not os.environ.get("WANDB_API_KEY") and os.environ.get("WANDB_MODE") != "offline":
        # Without a key, the client prompts for one on the terminal and waits.
        return "has no key: set the environment variable WANDB_API_KEY, or WANDB_MODE=offline"
    return None


class Tracker:
    """Writes the scalars of one stage to every configured backend. Use it as a context manager, in one process.

    A stage that continues keeps the earlier data: TensorBoard gets another event file, which replaces the earlier values from
    its first step on; MLflow and Weights & Biases get a new run in the same project.

    Raises:
        InputError: a backend is not installed, not set up, or its server refuses a run.
    """

    def __init__(self, config: TrackingConfig, run: RunDir, stage: str) -> None:
        config.check()
        name = config.experiment or run.root.rsplit("/", 1)[-1]
        self._sinks: list[_Sink] = []
        try:
            for backend in dict.fromkeys(config.backends):
                self._sinks.append(_open(backend, config.project, name, run, stage))
        except InputError:
            self.close(failed=True)
            raise

    def log(self, step: int, values: dict[str, float]) -> None:
        """Log values at `step`, the number of units that the stage has finished, including earlier calls."""
        for sink in self._sinks:
            sink.log(step, values)

    def close(self, *, failed: bool = False) -> None:
        """End the stage; a second call does nothing. MLflow and Weights & Biases show whether it `failed`."""
        while self._sinks:
            self._sinks.pop().close(failed)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close(failed=kind is not None)


class _Sink(Protocol):
    """One backend, open for one stage."""

    def log(self, step: int, values: dict[str, float]) -> None: ...

    def close(self, failed: bool) -> None: ...


def _open(backend: Backend, project: str, name: str, run: RunDir, stage: str) -> _Sink:
    if backend == "mlflow":
        return _MLflow(project, f"{name}-{stage}")
    if backend == "wandb":
        return _WandB(project, name, run, stage)
    return _TensorBoard(run, stage)


class _Folder:
    """A local folder that a client writes to: in the run, or a temporary one that is copied to the run at the end."""

    def __init__(self, run: RunDir, name: str) -> None:
        self.run, self.name = run, name
        self.scratch = None if run.is_local else tempfile.TemporaryDirectory()
        self.path = Path(self.scratch.name) if self.scratch else run.local_path(name)

    def close(self) -> None:
        """Copy file by file: `put_folder` would replace the files of earlier calls."""
        if self.scratch is None:
            return
        for file in self.path.rglob("*"):
            if file.is_file():
                self.run.write_bytes(f"{self.name}/{file.relative_to(self.path).as_posix()}", file.read_bytes())
        self.scratch.cleanup()


class _TensorBoard:
    """Event files in `tensorboard/<stage>`. Because they grow, they are copied to an object store when the stage closes.

    Writes are synchronous: tensorboardX's `SummaryWriter` uses a thread, and blocks for ever if a full disk ends it.
    """

    def __init__(self, run: RunDir, stage: str) -> None:
        self.folder = _Folder(run, f"{TENSORBOARD}/{stage}")
        self.writer: Any = None
        self.lost = False

    def log(self, step: int, values: dict[str, float]) -> None:
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.proto.summary_pb2 import Summary

        scalars = [Summary.Value(tag=name, simple_value=value) for name, value in values.items()]
        self._try(lambda: self._write(step, Event(wall_time=time.time(), step=step, summary=Summary(value=scalars))))

    def _write(self, step: int, event: Any) -> None:
        if self.writer is None:
            # Open at the first value: a stage without work leaves no file, and the file states from which step on it
            # replaces earlier ones. The suffix separates files that start within one second.
            from tensorboardX.event_file_writer import EventsWriter
            from tensorboardX.proto.event_pb2 import Event, SessionLog

            self.folder.path.mkdir(parents=True, exist_ok=True)
            self.writer = EventsWriter(str(self.folder.path / "events"), filename_suffix=f".{time.time_ns()}")
            self.writer.write_event(Event(step=step, session_log=SessionLog(status=SessionLog.START)))
        self.writer.write_event(event)
        self.writer.flush()

    def close(self, failed: bool) -> None:
        if self.writer is not None:
            self._try(self.writer.close)
        self._try(self.folder.close)

    def _try(self, write: Callable[[], object]) -> None:
        """On a full disk, give up the chart only; the stage's own writes report the error."""
        if self.lost:
            return
        try:
            write()
        except OSError as error:
            self.lost = True
            _log.warning("tracking: no more values of this stage go to tensorboard (%s)", error)


class _MLflow:
    """One MLflow run. Uses the client API, which does not affect the process's active run."""

    def __init__(self, project: str, name: str) -> None:
        mlflow = importlib.import_module("mlflow")
        self.metric, self.error = mlflow.entities.Metric, mlflow.MlflowException
        self.lost = False
        try:
            self.client = mlflow.MlflowClient()
            experiment = self.client.get_experiment_by_name(project)
            identity = experiment.experiment_id if experiment else self.client.create_experiment(project)
            self.run_id = self.client.create_run(identity, run_name=name).info.run_id
        except self.error as error:
            raise _refused("mlflow", "MLFLOW_TRACKING_URI", error) from error

    def log(self, step: int, values: dict[str, float]) -> None:
        now_ms = int(time.time() * 1000)
        self._send(
            self.client.log_batch, metrics=[self.metric(key, value, now_ms, step) for key, value in values.items()]
        )

    def close(self, failed: bool) -> None:
        self._send(self.client.set_terminated, status="FAILED" if failed else "FINISHED")

    def _send(self, request: Callable[..., object], **arguments: object) -> None:
        """If the server is lost, give up the chart, not the run."""
        if self.lost:
            return
        try:
            request(self.run_id, **arguments)
        except self.error as error:
            self.lost = True
            _log.warning("tracking: no more values of this stage go to mlflow (%s)", type(error).__name__)


class _WandB:
    """One Weights & Biases run in this run's group. Its client sends in the background and tolerates lost connections."""

    def __init__(self, project: str, group: str, run: RunDir, stage: str) -> None:
        wandb = importlib.import_module("wandb")
        self.folder = _Folder(run, f"wandb/{stage}")
        self.folder.path.mkdir(parents=True, exist_ok=True)
        # Upload no code, no git state and no terminal output.
        settings = wandb.Settings(silent=True, console="off", disable_code=True, disable_git=True)
        try:
            self.run = wandb.init(
                project=project, group=group, name=f"{group}-{stage}", dir=self.folder.path, settings=settings
            )
        except wandb.Error as error:
            raise _refused("wandb", "WANDB_API_KEY", error) from error

    def log(self, step: int, values: dict[str, float]) -> None:
        self.run.log(values, step=step)

    def close(self, failed: bool) -> None:
        self.run.finish(exit_code=int(failed))
        self.folder.close()


def _refused(backend: Backend, variable: str, error: Exception) -> InputError:
    # Leave out the client's message: it may quote an address with a password.
    return InputError(
        f"tracking: the {backend} server refuses a run ({type(error).__name__}); check {variable} and the server, "
        f"or leave {backend} out of tracking.backends"
    )
