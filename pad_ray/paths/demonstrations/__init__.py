"""Solved questions that a model is shown, one YAML file a training task.

For each kind of path a file holds one or more sets. An entry gives a `text`, which is the path, and what it solves: the
`row` of the task's train split, from 0, or one of the file's own `questions`; so no published question is copied here and
none comes from a test split.
"""

import re
from collections.abc import Iterable
from contextlib import nullcontext
from importlib import resources
from pathlib import Path
from typing import Any

from pad_ray.errors import InputError
from pad_ray.paths.base import Demonstration
from pad_ray.schema import AnswerKind, PathKind, Question, content_id
from pad_ray.strict_yaml import read_mapping
from pad_ray.tasks import get_task

# Tasks that are asked with the demonstrations of another one: transfer sets have no train split.
BORROWED = {
    "gsm_hard": "gsm8k",
    "svamp": "gsm8k",
    "asdiv": "gsm8k",
    "multiarith": "gsm8k",
    "strategyqa_with_facts": "strategyqa",
}

Sets = tuple[tuple[Demonstration, ...], ...]

_WORD = re.compile(r"\w+")


def load_sets(task: str, kind: PathKind, data_dir: str | Path | None) -> Sets:
    """The sets of demonstrations that a task has for one kind of path, at least one.

    Raises:
        InputError: there are none, their file has another shape, or the train split that they point into cannot be read.
    """
    owner = BORROWED.get(task, task)
    try:
        return _read_sets(task, owner, kind, data_dir)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        said = f"{type(error).__name__}: {error}"
        raise InputError(
            f"task {task}: {_place(owner)} has another shape than the example in pad_ray/README.md ({said})"
        ) from None


def _read_sets(task: str, owner: str, kind: PathKind, data_dir: str | Path | None) -> Sets:
    name = task if task == "strategyqa_with_facts" else owner
    content = _content(task, owner)
    if kind not in content:
        raise InputError(f"task {task}: no {kind} demonstrations; add some to {_place(owner)}")
    sets = content[kind]
    own = {key: _own(name, **fields) for key, fields in content.get("questions", {}).items()}
    train = get_task(name).load("train", data_dir) if any("row" in one for shown in sets for one in shown) else []
    last = max((one["row"] for shown in sets for one in shown if "row" in one), default=-1)
    if last >= len(train):
        raise InputError(
            f"task {name}: demonstrations show train row {last}, and there are {len(train)}: give the split whole"
        )
    return tuple(
        tuple(Demonstration(train[one["row"]] if "row" in one else own[one["question"]], one["text"]) for one in shown)
        for shown in sets
    )


def count_sets(task: str, kind: str) -> int:
    """How many sets of demonstrations a task has for one kind of path. Raises InputError where it has no file."""
    return len(_content(task, BORROWED.get(task, task)).get(kind, []))


def assert_not_in_test(sets: Sets, test_questions: Iterable[Question]) -> None:
    """Check that no question that is shown is also a test question; case, spaces and punctuation do not count.

    Raises:
        InputError: one is; the message names it.
    """
    tested = {_words(question.text) for question in test_questions}
    for question in (shown.question for demonstrations in sets for shown in demonstrations):
        if _words(question.text) in tested:
            raise InputError(
                f"task {question.task}: the demonstration {question.text[:80]!r} is a test question; show another one"
            )


def _content(task: str, owner: str) -> dict[str, Any]:
    own = get_task(owner).demonstrations
    file = resources.files(__package__) / f"{owner}.yaml" if own is None else own
    if not file.is_file():
        raise InputError(f"task {task}: no demonstrations; add {_place(owner)}")
    with resources.as_file(file) if own is None else nullcontext(own) as path:
        return read_mapping(path, f"task {task}: demonstrations", "see the example in pad_ray/README.md")


def _place(owner: str) -> str:
    own = get_task(owner).demonstrations
    return f"pad_ray/paths/demonstrations/{owner}.yaml" if own is None else str(own)


def _own(task: str, text: str, gold: str) -> Question:
    question_id = content_id("demonstration", task, text)
    kind = get_task(task).answer_kind or AnswerKind.TEXT
    return Question(question_id, task, "demonstration", text, gold, kind, facts=[])


def _words(text: str) -> str:
    return " ".join(_WORD.findall(text.lower()))
