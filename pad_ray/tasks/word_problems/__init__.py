"""The templates of the arithmetic task, one file per family."""

from pad_ray.tasks.word_problems import comparisons, distractors, money, percentages, rates, sets, shares, time
from pad_ray.tasks.word_problems.template import Template

TEMPLATES: tuple[Template, ...] = (
    *rates.TEMPLATES,
    *shares.TEMPLATES,
    *percentages.TEMPLATES,
    *comparisons.TEMPLATES,
    *time.TEMPLATES,
    *money.TEMPLATES,
    *sets.TEMPLATES,
    *distractors.TEMPLATES,
)

__all__ = ["TEMPLATES", "Template"]
