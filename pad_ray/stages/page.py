"""Write the HTML page of a run."""

import os

from pad_ray.stages.base import Run
from pad_ray.training.config import STUDENT
from pad_ray.training.model_card import write_model_card

REPORT = "report.html"


def write_report(run: Run) -> str:
    """Render `report.html` and update the student's model card; returns the page's path, relative if possible."""
    if run.folder.exists(f"{STUDENT}/training.json"):
        write_model_card(run.folder, STUDENT)
    # Imported here because altair is slow to import and the trials of a campaign write no page.
    from pad_ray.report import render

    with run.progress.wait("report: the page"):
        run.folder.write_text(REPORT, render(run.folder.location))
    page = run.folder.path(REPORT)
    near = os.path.relpath(page) if run.folder.is_local else page
    return page if near.startswith(os.pardir) else near
