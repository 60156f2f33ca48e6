"""Solved questions for prompts, one YAML file per training task.

A file has one or more sets for each kind of path. An entry has a `text`, which is the path, and its question: a `row` of the
task's train split, from 0, or one of the file's own `questions`. So no published question is copied here and none comes
from a test split.
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

# Tasks that use the demonstrations of another task: transfer sets have no train split.
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
    """The sets of demonstrations of a task for one kind of path, at least one.

    Raises:
        InputError: there are none, their file is malformed, or the train split to which they refer cannot be read.
    """
    owner = BORROWED.get(task, task)
    try:
        return _read_sets(task, owner, kind, data_dir)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise InputError(
            f"task {task}: {_place(owner)} does not have the form of the example in pad_ray/README.md ({reason})"
        ) from None


def _read_sets(task: str, owner: str, kind: PathKind, data_dir: str | Path | None) -> Sets:
    name = task if task == "strategyqa_with_facts" else owner
    content = _content(task, owner)
    if kind not in content:
        raise InputError(f"task {task}: no {kind} demonstrations; add some to {_place(owner)}")
    sets = content[kind]
    own = {key: _own(name, **fields) for key, fields in content.get("questions", {}).items()}
    train = get_task(name).load("train", data_dir) if any("row" in one for entries in sets for one in entries) else []
    last = max((one["row"] for entries in sets for one in entries if "row" in one), default=-1)
    if last >= len(train):
        raise InputError(
            f"task {name}: demonstrations use train row {last}, but the split has {len(train)} rows; provide the whole split"
        )
    return tuple(
        tuple(
            Demonstration(train[one["row"]] if "row" in one else own[one["question"]], one["text"]) for one in entries
        )
        for entries in sets
    )


def count_sets(task: str, kind: str) -> int:
    """The number of demonstration sets of a task for one kind of path. Raises InputError if the task has no file."""
    return len(_content(task, BORROWED.get(task, task)).get(kind, []))


def assert_not_in_test(sets: Sets, test_questions: Iterable[Question]) -> None:
    """Check that no demonstration is also a test question, ignoring case, spaces and punctuation.

    Raises:
        InputError: a demonstration is a test question; the message names it.
    """
    test_texts = {_words(question.text) for question in test_questions}
    for question in (demonstration.question for demonstrations in sets for demonstration in demonstrations):
        if _words(question.text) in test_texts:
            raise InputError(
                f"task {question.task}: the demonstration {question.text[:80]!r} is a test question; use another one"
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
