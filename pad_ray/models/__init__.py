"""Resolves model names to weights: local folders, the hub, and weights shipped as data in packages."""

from pad_ray.models.messages import messages_to
from pad_ray.models.resolve import ResolvedModel, resolve

__all__ = ["ResolvedModel", "messages_to", "resolve"]
