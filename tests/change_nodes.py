"""A cluster of nodes on one machine that changes in the middle of a job.

    python -m tests.change_nodes CHANGE JOB RECIPE COUNT HEAD_CPUS [--any.field value ...]

CHANGE: `lose` the second of two nodes, `replace` it by another one, or `add` a second one. It comes once the run has COUNT of
what `DONE` counts for the job. Nodes but the first have two CPUs. Prints the most workers that were seen on the new node.
"""

import json
import os
import subprocess
import sys
import time

import psutil
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


def workers_on(node):
    """Processes of a node that have work, by their names in Ray."""
    found = []
    for started in node.all_processes.get("raylet", []):
        for process in psutil.Process(started.process.pid).children(recursive=True):
            try:
                found += [word for word in process.cmdline()[:1] if word.startswith("ray::")]
            except psutil.Error:
                continue
    return [name for name in found if "IDLE" not in name]


def main() -> None:
    """Run the job and end with its exit status."""
    change, name, recipe, count, head_cpus, *rest = sys.argv[1:]
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": int(head_cpus), "include_dashboard": False})
    second = None if change == "add" else cluster.add_node(num_cpus=2)
    run = RunDir(load_recipe(recipe).run_dir)
    words = [sys.executable, f"jobs/{name}.py", recipe, *rest]
    job = subprocess.Popen(words, env={**os.environ, "RAY_ADDRESS": cluster.address})
    while DONE[name](run) < int(count) and job.poll() is None:
        time.sleep(0.02)
    if second is not None:
        cluster.remove_node(second, allow_graceful=False)
        print("node removed", flush=True)
    added = None if change == "lose" else cluster.add_node(num_cpus=2)
    seen = []
    while job.poll() is None:
        seen = max(seen, workers_on(added) if added else [], key=len)
        time.sleep(0.5)
    print(f"at work on the new node: {len(seen)} {sorted(set(seen))}")
    status = job.wait()
    cluster.shutdown()
    sys.exit(status)


if __name__ == "__main__":
    main()
