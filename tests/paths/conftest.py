"""What the tests of the paths share."""

import os
from pathlib import Path

import pytest

from pad_ray.schema import AnswerKind, Question


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of the published data sets, which PAD_RAY_DATA names."""
    folder = Path(os.environ.get("PAD_RAY_DATA", ""))
    if not (folder / "gsm8k").is_dir():
        pytest.skip("PAD_RAY_DATA names no folder of published data sets")
    return folder


@pytest.fixture
def question():
    """Builds a question about a number from its text."""

    def build(text, facts=()):
        return Question(text, "t", "train", text, "6", AnswerKind.NUMBER, list(facts))

    return build
