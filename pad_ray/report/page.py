"""The HTML page of a run: one file, which needs no network, no server and no script."""

from jinja2 import Environment, PackageLoader, StrictUndefined

from pad_ray.report import charts, sections, text
from pad_ray.report.data import load
from pad_ray.schema import PathKind


def render(run_dir: str) -> str:
    """The page of the run in `run_dir`, a local folder or a URI that pyarrow can read; the caller writes it, as UTF-8.

    A part that the run has not reached is left out and named as missing. Raises InputError where the folder does not
    exist or one of its files cannot be read.
    """
    data = load(run_dir)
    metrics = data.metrics
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            data=data,
            PathKind=PathKind,
            headlines=sections.headlines(data),
            missing=sections.missing(data),
            facts=sections.facts(data),
            funnel=sections.funnel(data),
            outcomes=sections.outcomes(data),
            curve=charts.lines(metrics.training) if metrics.training else None,
            accuracy=charts.whiskers(metrics.evaluation) if metrics.evaluation else None,
            student_outcomes=sections.student_outcomes(data),
            refinement=sections.refinement(data),
            times=sections.times(data),
            checks=sections.checks(data),
            recipe=sections.recipe(data),
            versions=sections.versions(data),
            protections=sections.protections(data),
        )
    )


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("pad_ray", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=text.clean,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    numbers = (text.count, text.duration, text.percent, text.percent_interval, text.points)
    environment.filters.update({write.__name__: write for write in (*numbers, text.program, text.shorten, text.words)})
    return environment
