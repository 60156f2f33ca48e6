"""A cluster whose only node with room for training is lost in the middle of `jobs/train.py`, and replaced."""

import os
import sys
import threading
import time

import ray
from ray.cluster_utils import Cluster

from pad_ray.recipe import load_recipe
from pad_ray.rundir import RunDir
from tests.training.test_kill import steps_done


def main() -> None:
    """`RECIPE STEPS`: remove the second node once a checkpoint has so many steps, and add another."""
    recipe, count = sys.argv[1], int(sys.argv[2])
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    lost = cluster.add_node(num_cpus=2)
    cluster.wait_for_nodes()
    os.environ["RAY_ADDRESS"] = cluster.address
    run = RunDir(load_recipe(recipe).run_dir)

    def remove() -> None:
        while steps_done(run) < count:
            time.sleep(0.02)
        cluster.remove_node(lost, allow_graceful=False)
        cluster.add_node(num_cpus=2)
        print("node replaced", flush=True)

    threading.Thread(target=remove, daemon=True).start()
    sys.path.insert(0, "jobs")
    import train

    from pad_ray import job
    from pad_ray.preview import preview_training

    status = job.main("", train.train, preview_training, [recipe])
    ray.shutdown()
    cluster.shutdown()
    sys.exit(status)


if __name__ == "__main__":
    main()
