"""Submit a job to a one-node cluster on loopback, stop it in the middle and submit it again.

    python -m tests.stop_and_resubmit JOB RECIPE COUNT [--any.field value ...]

`ray job stop` is called once the run has COUNT of the units that `DONE` counts for the job. Prints the job's output, its
statuses, and the processes left after the stop. The exit status is 1 if the job was not stopped, left a process, or did not
succeed the second time.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from pad_ray.recipe import load_recipe
from pad_ray.run.folder import RunDir
from tests.jobs.conftest import RAY, REPOSITORY, head_node
from tests.watch import DONE, at_work

GONE_S = 30


def ray_job(address, *words):
    """Run `ray job` as a user does; returns its output."""
    environment = {**os.environ, "RAY_ADDRESS": ""}
    words = [RAY, "job", words[0], "--address", address, *words[1:]]
    done = subprocess.run(words, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def status(address, name):
    """PENDING, RUNNING, STOPPED, SUCCEEDED or FAILED. Does not use `ray job`, which takes a core for seconds to start."""
    with urllib.request.urlopen(f"{address}/api/jobs/{name}", timeout=30) as answer:
        return json.load(answer)["status"]


def stop_in_the_middle(address, head, words, reached):
    """Submit the job and stop it once `reached()`; returns its status and the processes still alive."""
    submitted = ray_job(address, "submit", "--no-wait", "--submission-id", "first", "--working-dir", ".", "--", *words)
    while not reached():
        if status(address, "first") not in ("PENDING", "RUNNING"):
            return submitted + ray_job(address, "logs", "first"), []
        time.sleep(0.2)
    busy = at_work(head.pid)
    ray_job(address, "stop", "first")
    deadline = time.monotonic() + GONE_S
    while at_work(head.pid) and time.monotonic() < deadline:
        time.sleep(0.2)
    print(ray_job(address, "logs", "first"))
    print(f"at work when it was stopped: {len(busy)} processes")
    return status(address, "first"), at_work(head.pid)


def main() -> None:
    """Stop the job, submit it again, and exit with 0 if both succeeded."""
    name, recipe, count, *rest = sys.argv[1:]
    words = [sys.executable, f"jobs/{name}.py", recipe, *rest]
    run = RunDir(load_recipe(recipe).run_dir)
    with tempfile.TemporaryDirectory(prefix="r") as folder, head_node(Path(folder)) as (address, head):
        stopped, left = stop_in_the_middle(address, head, words, lambda: DONE[name](run) >= int(count))
        print(f"after the stop: {stopped}, left alive: {left or 'nothing'}, done: {DONE[name](run)}", flush=True)
        print(ray_job(address, "submit", "--submission-id", "second", "--working-dir", ".", "--", *words))
        finished = status(address, "second")
        print(f"submitted again: {finished}")
    sys.exit(0 if (stopped, left, finished) == ("STOPPED", [], "SUCCEEDED") else 1)


if __name__ == "__main__":
    main()
