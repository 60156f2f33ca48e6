"""The questions of a run: defaults, and messages for invalid values."""

import pytest
from pydantic import ValidationError

from pad_ray.tasks.config import QuestionsConfig


def test_the_default_task_needs_no_file():
    config = QuestionsConfig()
    assert (config.task, config.limit, config.test_limit, config.test_tasks) == ("arithmetic", 400, 200, [])


@pytest.mark.parametrize("field", [{"task": "gsm9k"}, {"test_tasks": ["svamp", "gsm9k"]}])
def test_an_unknown_task_lists_the_known_ones(field):
    with pytest.raises(ValidationError, match="'gsm9k' is not a task; take one of arithmetic, gsm8k"):
        QuestionsConfig(**field)


@pytest.mark.parametrize("field", ["limit", "test_limit"])
def test_limits_are_at_least_one(field):
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        QuestionsConfig(**{field: 0})


def test_an_unknown_field_is_refused():
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        QuestionsConfig(validation_limit=1)


def test_every_field_is_described():
    assert all(field.description for field in QuestionsConfig.model_fields.values())
