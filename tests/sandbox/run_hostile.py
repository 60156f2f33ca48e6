"""Run the hostile suite in a sandbox with the given configuration, each program between two honest ones; print JSON.

python -m tests.sandbox.run_hostile '{"disabled_layers": ["landlock"]}' [group ...]
"""

import json
import os
import sys
import time
from dataclasses import asdict
from pathlib import Path

from pad_ray.sandbox import Execution, Sandbox, SandboxConfig
from pad_ray.sandbox.inside import layers
from tests.sandbox.hostile import ALL, CANARY, MARKER, WITH, Hostile

PR_SET_CHILD_SUBREAPER = 36
FOLDERS = Path("/tmp"), Path("/dev/shm")
OWN_CANARY = f"{CANARY}_{os.getpid()}"  # suites run at the same time, as different users
KEPT = Path(f"/tmp/{OWN_CANARY}_kept")
# A separate uid: with layers off, an attack on "every process of this user" must reach only the suite's processes.
LIMITS = {"cpu_s": 0.4, "wall_s": 8.0, "memory_mib": 64, "uid": 61337, "workers": 4, "allowed_imports": WITH}


def neighbour(number: int) -> str:
    """An honest program whose answer is its number; its text has a secret that attacks search for."""
    return f"def solution():\n    {MARKER} = '{MARKER}{number}'\n    return sum([{number}, 7]) - 7\n"


def what_happened(execution: Execution) -> str:
    """The program's return value if there is one, else its outcome."""
    return execution.value if execution.outcome is None and execution.value is not None else str(execution.outcome)


def surviving_children() -> int:
    """The number of processes that outlive the sandbox by half a second; this process adopts and reaps all orphans."""
    deadline = time.monotonic() + 0.5
    while time.monotonic() < deadline:
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return 0
    return len(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


def left_files() -> list[str]:
    """Files that an attack created or changed."""
    paths = [str(path) for folder in FOLDERS for path in folder.glob(f"{OWN_CANARY}*") if path != KEPT]
    intact = KEPT.exists() and KEPT.read_text() == "kept"
    return paths if intact else [*paths, f"{KEPT} was changed"]


def run(config: SandboxConfig, suite: list[Hostile]) -> dict[str, object]:
    """The results of all programs of the suite, and any damage to neighbours, processes and files."""
    KEPT.write_text("kept")
    attacks = [hostile.program.replace(CANARY, OWN_CANARY) for hostile in suite]
    programs = [program for index, attack in enumerate(attacks) for program in (neighbour(index), attack)]
    with Sandbox(config) as sandbox:
        executions = sandbox.run([*programs, neighbour(len(suite))])
        protections = asdict(sandbox.protections)
    wrong = [index for index, item in enumerate(executions[::2]) if item.value != str(index)]
    results = {hostile.name: what_happened(item) for hostile, item in zip(suite, executions[1::2], strict=True)}
    report = {
        "protections": protections,
        "results": results,
        "feedback": {hostile.name: item.feedback for hostile, item in zip(suite, executions[1::2], strict=True)},
        "wrong_neighbours": wrong,
        "survivors": surviving_children(),
        "files": left_files(),
    }
    KEPT.unlink(missing_ok=True)
    return report


def main(arguments: list[str]) -> None:
    """Print the report of one configuration as JSON."""
    layers.prctl(PR_SET_CHILD_SUBREAPER, 1)
    os.environ["PAD_RAY_TOKEN"] = "secret"
    groups = set(arguments[1:])
    suite = [hostile for hostile in ALL if not groups or hostile.group in groups]
    print(json.dumps(run(SandboxConfig(**(LIMITS | json.loads(arguments[0]))), suite)))


if __name__ == "__main__":
    main(sys.argv[1:])
