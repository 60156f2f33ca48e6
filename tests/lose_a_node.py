"""A cluster of two nodes on one machine that loses the second one in the middle of a job.

    python -m tests.lose_a_node JOB RECIPE COUNT HEAD_CPUS [--replace] [--any.field value ...]

The node, of two CPUs, goes once the run has COUNT of what `DONE` counts for the job; with `--replace` another one comes.
"""

import json
import os
import subprocess
import sys
import time

from ray.cluster_utils import Cluster

from pad_ray.recipe import load_recipe
from pad_ray.rundir import RunDir
from pad_ray.tuning.trials import Trials


def steps_done(run):
    """Optimiser steps of the newest checkpoint that is whole."""
    found = [
        json.loads(path.read_text())["step"] for path in run.local_path("checkpoints").glob("*/checkpoint_*/meta.json")
    ]
    return max(found, default=0)


DONE = {
    "synthesize": lambda run: len(run.parts("drafts")),
    "distill": lambda run: len(run.parts("drafts")),
    "train": steps_done,
    "evaluate": lambda run: len(list(run.local_path("solutions").rglob("*.parquet"))),
    "tune": lambda run: len(Trials.read(run).of("completed")),
}


def main() -> None:
    """Run the job and end with its exit status."""
    name, recipe, count, head_cpus, *rest = sys.argv[1:]
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": int(head_cpus), "include_dashboard": False})
    lost = cluster.add_node(num_cpus=2)
    run = RunDir(load_recipe(recipe).run_dir)
    words = [sys.executable, f"jobs/{name}.py", recipe, *(word for word in rest if word != "--replace")]
    job = subprocess.Popen(words, env={**os.environ, "RAY_ADDRESS": cluster.address})
    while DONE[name](run) < int(count) and job.poll() is None:
        time.sleep(0.02)
    cluster.remove_node(lost, allow_graceful=False)
    if "--replace" in rest:
        cluster.add_node(num_cpus=2)
    print("node removed", flush=True)
    status = job.wait()
    cluster.shutdown()
    sys.exit(status)


if __name__ == "__main__":
    main()
