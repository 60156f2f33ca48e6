"""Three programs that a working sandbox must block; they run at every start, because reports of the host are unreliable."""

from collections.abc import Sequence

from pad_ray.sandbox.results import Execution

ATTEMPTS = ("os.open('/etc/passwd', os.O_RDONLY)", "__import__('_socket').socket()", "os.fork()")
PROBE = """
import os

def solution():
    try:
        {attempt}
    except OSError as error:
        return 'blocked'
    return 'open'
"""


def probe_programs() -> list[str]:
    """Programs that open a file, a socket and a process."""
    return [PROBE.format(attempt=attempt) for attempt in ATTEMPTS]


def blocked_probes(executions: Sequence[Execution]) -> int:
    """The number of probes that the kernel stopped."""
    return sum(execution.value == "blocked" for execution in executions)
