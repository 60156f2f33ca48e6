"""Write one HTML page: of a run and its campaign, or, for several RUN_DIRs, of all runs compared with the first.

Examples:
    python jobs/report.py runs/demo                              # the page of a run
    python jobs/report.py runs/demo runs/mixed                   # two runs compared
    python jobs/report.py runs/demo --out page.html
"""

import sys

from pydantic import Field
from pydantic_settings import CliPositionalArg

from pad_ray.report import render
from pad_ray.run.folder import RunDir
from pad_ray.run.progress import Progress
from pad_ray.settings import Settings
from pad_ray.stages import command_line

COMPARISON = "comparison.html"


class ReportOptions(Settings):
    """The runs to show, and the place of the page."""

    run_dirs: CliPositionalArg[list[str]] = Field(description="folders or URIs of runs; campaigns cannot be compared")
    out: str | None = Field(
        None,
        description="file of the page; default: report.html in the run, or comparison.html in the working directory",
    )


def report(options: ReportOptions, progress: Progress) -> None:
    """Read the files of the runs and write the page; nothing else in a run changes."""
    page = render(*options.run_dirs)
    place = _place(options)
    run, _, name = place.rpartition("/")
    RunDir(run or ".").write_text(name, page)
    progress.say(f"report: {place} ({len(page.encode()) / 1e6:.2f} MB)")


def preview(options: ReportOptions, progress: Progress) -> None:
    """Print which page would be written, without reading the runs."""
    progress.say(f"{', '.join(options.run_dirs)} -> {_place(options)}")


def _place(options: ReportOptions) -> str:
    if options.out:
        return options.out
    return COMPARISON if len(options.run_dirs) > 1 else f"{options.run_dirs[0].rstrip('/')}/report.html"


if __name__ == "__main__":
    takes = "RUN_DIR [RUN_DIR ...] [--out FILE]"
    sys.exit(command_line.main_with_options(str(__doc__), ReportOptions, report, preview, sys.argv[1:], takes))
