"""A cluster of two nodes on one machine that loses one of them in the middle of `jobs/synthesize.py`."""

import os
import sys
import threading
import time

import ray
from ray.cluster_utils import Cluster

from pad_ray.recipe import load_recipe
from pad_ray.rundir import RunDir


def main() -> None:
    """`RECIPE PARTS`: remove the second node once so many parts are committed; one engine and a sandbox fit on each node."""
    recipe, parts = sys.argv[1], int(sys.argv[2])
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
    lost = cluster.add_node(num_cpus=2)
    cluster.wait_for_nodes()
    os.environ["RAY_ADDRESS"] = cluster.address
    run = RunDir(load_recipe(recipe).run_dir)

    def remove() -> None:
        while len(run.parts("drafts")) < parts:
            time.sleep(0.02)
        cluster.remove_node(lost, allow_graceful=False)
        print("node removed", flush=True)

    threading.Thread(target=remove, daemon=True).start()
    sys.path.insert(0, "jobs")
    import synthesize

    from pad_ray import job
    from pad_ray.preview import preview

    words = [recipe, "--teacher.actors", "2", "--synthesis.verifiers", "2"]
    status = job.main("", synthesize.synthesize, preview, words)
    ray.shutdown()
    cluster.shutdown()
    sys.exit(status)


if __name__ == "__main__":
    main()
