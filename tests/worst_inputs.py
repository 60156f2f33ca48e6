"""Measure time and memory of each function that reads a model's text, for its worst input: `python -m tests.worst_inputs`.

A function's calls run in a forked process, which is replaced if a call ends it, so that a call without limits still gives a
row of the table.
"""

import argparse
import json
import os
import resource
import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.hard_inputs import hard_inputs
from tests.readers import LONGEST_BYTES, Reader, readers

LONGEST_TEXT = 1 << 16
"""Bytes of a text that is not a program: twice the longest program."""
LIMIT_S = 60
LIMIT_BYTES = 8 << 30
"""Address space that a child may add to what its parent has: a parent with a Ray has more than this already."""


@dataclass(frozen=True)
class Cost:
    """What one call took: seconds of CPU time, and MB by which it raised the peak of its process. `end`: how it failed."""

    reader: str
    text: str
    seconds: float
    megabytes: float
    end: str = ""


def costs(reader: Reader, texts: dict[str, str], limit_s: float = LIMIT_S) -> Iterator[Cost]:
    """What each call of one function takes."""
    waiting = list(texts.items())
    while waiting:
        lines, status = _run_apart(reader, waiting, limit_s)
        yield from (Cost(reader.name, name, *line) for (name, _), line in zip(waiting, lines, strict=False))
        del waiting[: len(lines)]
        if waiting:
            yield Cost(reader.name, waiting.pop(0)[0], limit_s, LIMIT_BYTES >> 20, f"ended by {_ending(status)}")


def _run_apart(reader: Reader, texts: Sequence[tuple[str, str]], limit_s: float) -> tuple[list[list[object]], int]:
    """What a child says of the calls that it ended before its own end, and its status."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        limit = _address_space() + LIMIT_BYTES
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        for _, text in texts:
            os.write(theirs, (json.dumps(_measured(reader, text, limit_s)) + "\n").encode())
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours) as pipe:
        lines = [json.loads(line) for line in pipe]
    return lines, os.waitpid(child, 0)[1]


def _address_space() -> int:
    """Bytes of address space of this process."""
    return int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()


def _measured(reader: Reader, text: str, limit_s: float) -> list[object]:
    """Seconds, MB and the error of one call. SIGPROF ends the process after too many seconds."""
    signal.setitimer(signal.ITIMER_PROF, limit_s)
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    end = ""
    try:
        reader.call(text)
    except reader.raises:
        pass
    except BaseException as error:
        end = f"{type(error).__name__}: {str(error)[:60]}"
    seconds = time.process_time() - started
    signal.setitimer(signal.ITIMER_PROF, 0)
    return [seconds, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024, end]


def _ending(status: int) -> str:
    return signal.Signals(os.WTERMSIG(status)).name if os.WIFSIGNALED(status) else f"status {os.WEXITSTATUS(status)}"


def row(found: Sequence[Cost]) -> str:
    """A function's slowest input, and the peak over all of them, as a row of Markdown; below it the calls that failed."""
    slow = max(found, key=lambda one: one.seconds)
    peak = sum(one.megabytes for one in found)
    failed = [f"  {one.text}: {one.end} ({one.seconds:.1f} s)" for one in found if one.end]
    return "\n".join([f"| {slow.reader} | {slow.text} | {slow.seconds:.3f} | {peak:.0f} |", *failed])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit-s", type=float, default=LIMIT_S, help="CPU seconds after which a call is ended")
    parser.add_argument("--only", default="", help="only functions whose name contains this text")
    given = parser.parse_args()
    print("| function | worst input | s | peak, MB |\n|---|---|---|---|")
    for reader in readers():
        if given.only in reader.name:
            texts = hard_inputs(LONGEST_BYTES if reader.parses else LONGEST_TEXT)
            print(row(list(costs(reader, texts, given.limit_s))), flush=True)


if __name__ == "__main__":
    main()
