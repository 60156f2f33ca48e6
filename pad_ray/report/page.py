"""Render the pages: single files that need neither network nor server. Their only script filters the lists on the page."""

import hashlib
from base64 import b64encode
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from pad_ray.report import asked, campaign, comparison, headline, samples, scores, sections, text
from pad_ray.report.data import has_run, load, open_run


def render(*run_dirs: str) -> str:
    """The page of a run with its campaign, of a campaign alone, or of the comparison of several runs.

    A run is a local folder or a URI that pyarrow can read. Parts that the run has not reached are listed as missing. The
    caller writes the page, as UTF-8.

    Raises:
        InputError: a folder does not exist, or one of its files cannot be read.
    """
    if len(run_dirs) > 1:
        compared = comparison.compare_runs(run_dirs)
        return _page("comparison.html.j2", rows=compared.rows, told=compared.told, **vars(compared))
    run = open_run(run_dirs[0])
    tuned = campaign.load(run) if campaign.is_campaign(run) else None
    if tuned and not has_run(run):
        return _page("campaign.html.j2", campaign=tuned)
    return _render_run(run_dirs[0], tuned)


def _render_run(run_dir: str, tuned: campaign.Campaign | None) -> str:
    data = load(run_dir)
    refined = data.metrics.refinement.training if data.metrics.refinement else None
    return _page(
        "page.html.j2",
        data=data,
        campaign=tuned,
        headlines=headline.headlines(data),
        missing=headline.missing(data),
        facts=asked.facts(data),
        funnel=sections.funnel(data),
        outcomes=sections.outcomes(data),
        yields=sections.yields(data),
        filters=samples.filters(data.samples, data.outcomes.totals, data.sets, data.yields.unit),
        shown_set=samples.shown_set,
        links=samples.links(data.samples),
        curves=[*scores.curves(data.metrics.training, "curve"), *scores.curves(refined, "refined-curve")],
        tasks=scores.by_task(data),
        strategy_pairs=scores.strategy_pairs(data),
        student_outcomes=scores.student_outcomes(data),
        refinement=scores.refinement(data),
        error_pairs=scores.error_pairs(data),
        costs=sections.costs(data),
        checks=sections.checks(data),
        recipe=asked.recipe(data),
        versions=asked.versions(data),
        protections=asked.protections(data),
    )


def _page(template: str, **parts: Any) -> str:
    script = resources.files(__package__).joinpath("page.js").read_text()
    # The content policy allows only this script, by its hash, whatever a draft contains.
    digest = b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return _environment().get_template(template).render(script=Markup(script), script_hash=f"sha256-{digest}", **parts)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("pad_ray", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=text.clean,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    numbers = (text.count, text.duration, text.percent, text.percent_interval, text.points, text.points_interval)
    words = (text.p_value, text.shorten, text.words)
    environment.filters.update({write.__name__: write for write in (*numbers, *words)})
    return environment
