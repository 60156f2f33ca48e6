"""Fixtures for the tests of the paths."""

import pytest

from pad_ray.schema import AnswerKind, Question


@pytest.fixture
def question():
    """Builds a question about a number from its text."""

    def build(text, facts=()):
        return Question(text, "t", "train", text, "6", AnswerKind.NUMBER, list(facts))

    return build
