"""The one-file page of a run: settings, accepted and rejected drafts with reasons, training, and scores."""

from pad_ray.report.page import render

__all__ = ["render"]
