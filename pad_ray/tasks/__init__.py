"""The tasks: one file a data set, and the one comparator of answers (`pad_ray.tasks.answers`)."""

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
    """The task of that name. Raises InputError listing the names there are."""
    if name not in TASKS:
        raise InputError(f"no task is called {name!r}; take one of {', '.join(TASKS)}")
    return TASKS[name]


def protocol_label(task: str, split: str, asked: int) -> str:
    """The name to report a score under, from a question's task and split and how many questions were asked.

    A sub-task (`bbh/navigate`) has its set's first word and its own name. Raises InputError for a split that does not exist.
    """
    name, _, subtask = task.partition("/")
    found = next((protocol for protocol in get_task(name).protocols if protocol.split == split), None)
    if found is None:
        raise InputError(f"task {name} has no split {split!r}; it has {', '.join(get_task(name).splits)}")
    return f"{name.upper()} {subtask}, {asked} questions" if subtask else found.label(asked)
