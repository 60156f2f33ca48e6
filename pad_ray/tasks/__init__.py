"""The tasks: one file per data set, and the project's only comparator of answers (`pad_ray.tasks.answers`)."""

from pad_ray.errors import InputError
from pad_ray.tasks import (
    arithmetic,
    asdiv,
    bbh,
    coin_flip,
    gsm8k,
    gsm_hard,
    last_letters,
    multiarith,
    strategyqa,
    svamp,
)
from pad_ray.tasks.base import Protocol, Task

TASKS: dict[str, Task] = {
    task.name: task
    for task in (
        arithmetic.TASK,
        gsm8k.TASK,
        gsm_hard.TASK,
        svamp.TASK,
        asdiv.TASK,
        multiarith.TASK,
        coin_flip.TASK,
        last_letters.TASK,
        strategyqa.TASK,
        strategyqa.TASK_WITH_FACTS,
        bbh.TASK,
    )
}

__all__ = ["TASKS", "Protocol", "Task", "get_task", "protocol_label"]


def get_task(name: str) -> Task:
    """The task of that name. Raises InputError with the known names if there is none."""
    if name not in TASKS:
        raise InputError(f"no task is called {name!r}; take one of {', '.join(TASKS)}")
    return TASKS[name]


def protocol_label(task: str, split: str, question_count: int) -> str:
    """The name under which to report a score, from the questions' task and split and the number of questions asked.

    A sub-task (`bbh/navigate`) is labelled by the task's name and its own. Raises InputError if the split does not exist.
    """
    name, _, subtask = task.partition("/")
    known_protocol = next((protocol for protocol in get_task(name).protocols if protocol.split == split), None)
    if known_protocol is None:
        raise InputError(f"task {name} has no split {split!r}; it has {', '.join(get_task(name).splits)}")
    return f"{name.upper()} {subtask}, {question_count} questions" if subtask else known_protocol.label(question_count)
