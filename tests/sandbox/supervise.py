"""A supervisor for kill tests: starts a sandbox, prints its roots and all its processes, then runs an endless batch."""

import json
import sys
from pathlib import Path

from pad_ray.sandbox import Sandbox, SandboxConfig


def tree(pid):
    """A process and all its descendants."""
    children = [
        child for task in Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()
    ]
    return [pid, *(below for child in children for below in tree(int(child)))]


if __name__ == "__main__":
    config = json.loads(sys.argv[1])
    with Sandbox(SandboxConfig(cpu_s=60, wall_s=600, workers=2, **config)) as sandbox:
        sandbox.run(["def solution():\n    return 1"] * 2)
        roots = [worker.process.pid for pool in sandbox._pools.values() for worker in pool]
        print(json.dumps([roots, [pid for root in roots for pid in tree(root)]]), flush=True)
        sandbox.run(["def solution():\n    while True: pass"] * 400)
