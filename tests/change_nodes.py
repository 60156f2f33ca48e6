"""Run a job on a cluster of nodes on one machine, and change the cluster in the middle of the job.

    python -m tests.change_nodes CHANGE JOB RECIPE COUNT HEAD_CPUS [--any.field value ...]

CHANGE: `lose` the second of two nodes, `replace` it with another one, or `add` a second one. It happens once the run has COUNT
of the units that `DONE` counts for the job. All nodes but the first have two CPUs. Prints the processes on the new node.
"""

import os
import subprocess
import sys
import time

from ray.cluster_utils import Cluster

from pad_ray.recipe import load_recipe
from pad_ray.run.folder import RunDir
from tests.watch import DONE, at_work


def main() -> None:
    """Run the job and exit with its status."""
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
    if change != "lose":
        raylet = cluster.add_node(num_cpus=2).all_processes["raylet"][0].process.pid
        seen = []
        while job.poll() is None:
            seen = max(seen, at_work(raylet), key=len)
            time.sleep(0.5)
        print(f"at work on the new node: {seen}")
    status = job.wait()
    cluster.shutdown()
    sys.exit(status)


if __name__ == "__main__":
    main()
