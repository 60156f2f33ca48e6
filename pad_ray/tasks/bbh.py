"""BIG-bench-Hard (Suzgun et al. 2022, 2210.09261): 27 sub-tasks on which models trailed people."""

from pathlib import Path

from pad_ray.schema import AnswerKind, Question
from pad_ray.tasks.base import Entry, Protocol, Task, questions
from pad_ray.tasks.files import PublishedFile

NAME = "bbh"
_YES_NO = ("boolean_expressions", "causal_judgement", "navigate", "sports_understanding", "web_of_lies")
_NUMBER = ("multistep_arithmetic_two", "object_counting")
_TEXT = ("dyck_languages", "formal_fallacies", "word_sorting")
_OPTION = (
    "date_understanding",
    "disambiguation_qa",
    "geometric_shapes",
    "hyperbaton",
    "logical_deduction_five_objects",
    "logical_deduction_seven_objects",
    "logical_deduction_three_objects",
    "movie_recommendation",
    "penguins_in_a_table",
    "reasoning_about_colored_objects",
    "ruin_names",
    "salient_translation_error_detection",
    "snarks",
    "temporal_sequences",
    "tracking_shuffled_objects_five_objects",
    "tracking_shuffled_objects_seven_objects",
    "tracking_shuffled_objects_three_objects",
)
SUBTASKS: dict[str, AnswerKind] = dict(
    sorted(
        {
            **dict.fromkeys(_YES_NO, AnswerKind.YES_NO),
            **dict.fromkeys(_NUMBER, AnswerKind.NUMBER),
            **dict.fromkeys(_TEXT, AnswerKind.TEXT),
            **dict.fromkeys(_OPTION, AnswerKind.OPTION),
        }.items()
    )
)
"""Sub-task -> how its answers are compared. Three published options are spelled out instead of lettered."""


def read(split: str, data_dir: str | Path | None) -> list[Question]:
    """The 6,511 questions of all sub-tasks; each one's task is `bbh/<sub-task>`. Raises InputError."""
    return [question for subtask in SUBTASKS for question in read_subtask(subtask, split, data_dir)]


def read_subtask(subtask: str, split: str, data_dir: str | Path | None) -> list[Question]:
    """The questions of one sub-task. Raises InputError."""
    kind = SUBTASKS[subtask]
    file = PublishedFile(NAME, f"bbh/{subtask}.json", "lukaemon/bbh", (f"{subtask}/test-00000-of-00001.parquet",))
    rows = file.rows(data_dir, key="examples")
    entries = (Entry(row.text("input"), row.gold("target", kind, row.text("target"))) for row in rows)
    return questions(f"{NAME}/{subtask}", split, kind, entries)


TASK = Task(
    name=NAME,
    description="27 hard sub-tasks of BIG-bench: general ability beside arithmetic",
    licence="MIT",
    source="suzgunmirac/BIG-Bench-Hard",
    protocol="test only; report each sub-task (`bbh/<sub-task>`) and their mean",
    protocols=(Protocol("test", "BIG-bench-Hard-6511, macro average of 27 sub-tasks", 6_511),),
    answer_kind=None,
    published=("test",),
    read=read,
)
