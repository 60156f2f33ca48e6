"""`pad-ray JOB ...` and `python -m pad_ray JOB ...` start a job by name, like `python jobs/JOB.py ...`."""

import sys
from collections.abc import Sequence
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

from pad_ray.shipped import jobs, purpose, recipes

DONE, BAD_INPUT = 0, 2
HELP = ("--help", "-h")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the job named by the first word and pass it the remaining words; without words, list the jobs.

    A job ends the process with its own exit status. An unknown job is bad input: status 2.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in HELP:
        print(_overview())
        return DONE
    job = jobs().get(words[0])
    if job is None:
        print(f"error: there is no job {words[0]!r}\n{_overview()}")
        return BAD_INPUT
    _run(job, words[1:])
    return DONE


def _run(job: Path, words: Sequence[str]) -> None:
    # A job shows argv[0] as its name; runpy would overwrite it.
    sys.argv = [f"pad-ray {job.stem}", *words]
    loader = SourceFileLoader("__main__", str(job))
    spec = spec_from_loader("__main__", loader)
    assert spec is not None
    module = module_from_spec(spec)
    sys.modules["__main__"] = module
    loader.exec_module(module)


def _overview() -> str:
    width = max(map(len, jobs()), default=0)
    lines = [f"  {name:{width}}  {purpose(job)}" for name, job in jobs().items()]
    return "\n".join(
        [
            "usage: pad-ray JOB [RECIPE] [--dry-run] [--section.option value ...]",
            *lines,
            f"Recipes by name: {', '.join(recipes())}; or the path of a YAML file. `pad-ray JOB --help` shows its options.",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
