"""The progress of a running job, and its processes."""

import json

import psutil

from pad_ray.tuning.trials import Trials

# The cluster's own processes: daemons, idle workers, and the actors of Ray Data that serve all jobs.
OF_THE_CLUSTER = (
    *("raylet", "gcs_server", "dashboard", "runtime_env", "log_monitor", "monitor.py", "ray start", "ray.util.client"),
    *("DashboardAgent", "RuntimeEnvAgent", "ray::IDLE"),
    *("ActorLocationTracker", "_AutoscalingCoordinatorActor", "_StatsActor"),
    # A detached actor of Ray Train that frees the resources of a controller that has ended.
    "PlacementGroupCleaner",
)


def steps_done(run):
    """Optimiser steps of the newest complete checkpoint."""
    result = [
        json.loads(path.read_text())["step"] for path in run.local_path("checkpoints").glob("*/checkpoint_*/meta.json")
    ]
    return max(result, default=0)


DONE = {
    "synthesize": lambda run: len(run.parts("drafts")),
    "distill": lambda run: len(run.parts("drafts")),
    "train": steps_done,
    "evaluate": lambda run: len(list(run.local_path("solutions").rglob("*.parquet"))),
    "tune": lambda run: len(Trials.read(run).of("completed")),
}


def at_work(pid):
    """Descendants of a cluster's process that belong to a job, each with its parent process."""
    result = []
    for process in psutil.Process(pid).children(recursive=True):
        try:
            words, above = (" ".join(one.cmdline()) or one.name() for one in (process, process.parent()))
        except (psutil.Error, AttributeError):
            continue
        if not any(name in words for name in OF_THE_CLUSTER) and "dashboard.py" not in above:
            result.append(f"{words[:80].strip()} below {above[:80].strip()}")
    return result
