"""Which questions a run uses."""

from pydantic import BaseModel, ConfigDict, Field, field_validator

from pad_ray.tasks import TASKS


class QuestionsConfig(BaseModel):
    """The questions on which a run trains and tests."""

    model_config = ConfigDict(extra="forbid")

    task: str = Field("arithmetic", description="the task that supplies the train questions")
    split: str = Field("train", description="the split of that task; for svamp: indomain_train")
    limit: int = Field(400, ge=1, description="number of train questions used for synthesis")
    test_limit: int = Field(200, ge=1, description="number of questions of each test set")
    test_tasks: list[str] = Field(
        default_factory=list,
        description="test sets: tasks, or `task:split` for a split other than test; empty: the task's own test set",
    )

    @property
    def tests(self) -> list[str]:
        """The names of the test sets."""
        return self.test_tasks or [own_test_set(self.task, self.split)]

    @field_validator("task", "test_tasks")
    @classmethod
    def _known(cls, value: str | list[str]) -> str | list[str]:
        for name in [value] if isinstance(value, str) else [task_and_split(one)[0] for one in value]:
            if name not in TASKS:
                raise ValueError(f"{name!r} is not a task; take one of {', '.join(TASKS)}")
        return value


def own_test_set(task: str, split: str) -> str:
    """The name of the test set that belongs to a train split."""
    return task if split == "train" else f"{task}:{split.replace('train', 'test')}"


def task_and_split(name: str) -> tuple[str, str]:
    """Task and split of a test set's name: `svamp` means its split `test`, `svamp:indomain_test` another one."""
    task, _, split = name.partition(":")
    return task, split or "test"
