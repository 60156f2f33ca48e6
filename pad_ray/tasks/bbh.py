"""BIG-bench-Hard (Suzgun et al. 2022, 2210.09261): 27 sub-tasks on which models did worse than people."""

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
"""Sub-task -> how its answers are compared. Three published gold options are written out instead of given as letters."""


SHOTS = 3
"""Number of solved questions shown to a student, as in BBH's few-shot prompts."""


def read(split: str, data_dir: str | Path | None) -> list[Question]:
    """The questions of all sub-tasks except the shots; each one's task is `bbh/<sub-task>`. Raises InputError."""
    return [question for subtask in SUBTASKS for question in read_subtask(subtask, split, data_dir)]


def read_subtask(subtask: str, split: str, data_dir: str | Path | None) -> list[Question]:
    """The questions of one sub-task except the shots. Raises InputError."""
    return questions(f"{NAME}/{subtask}", split, SUBTASKS[subtask], _divide(subtask, data_dir)[1])


def read_shots(data_dir: str | Path | None) -> dict[str, list[Question]]:
    """The solved questions to show, by sub-task (`bbh/<sub-task>`). Raises InputError."""
    return {
        f"{NAME}/{subtask}": questions(f"{NAME}/{subtask}", "shots", kind, _divide(subtask, data_dir)[0])
        for subtask, kind in SUBTASKS.items()
    }


def _divide(subtask: str, data_dir: str | Path | None) -> tuple[list[Entry], list[Entry]]:
    """The shots, and the remaining entries.

    The shots are the first question of each answer, because the first three could all be "no". Options that are written
    out are never shots.
    """
    kind = SUBTASKS[subtask]
    file = PublishedFile(NAME, f"bbh/{subtask}.json", "lukaemon/bbh", (f"{subtask}/test-00000-of-00001.parquet",))
    rows = file.rows(data_dir, key="examples")
    entries = [Entry(row.text("input"), row.gold("target", kind, row.text("target"))) for row in rows]
    lettered = [entry for entry in entries if kind is not AnswerKind.OPTION or len(entry.gold) == 1]
    firsts = list({entry.gold: entry for entry in reversed(lettered)}.values())[::-1]
    # With only two distinct answers, the next question in file order fills the third place.
    shots = (firsts + [entry for entry in lettered if entry not in firsts])[:SHOTS]
    texts = {entry.text for entry in shots}
    return shots, [entry for entry in entries if entry.text not in texts]


TASK = Task(
    name=NAME,
    description="27 hard sub-tasks of BIG-bench: general ability beside arithmetic",
    licence="MIT",
    source="suzgunmirac/BIG-Bench-Hard",
    protocol="test only, 3-shot direct answers; report each sub-task (`bbh/<sub-task>`) and their mean",
    protocols=(Protocol("test", "BIG-bench-Hard-6430, 3-shot direct answers, macro average of 27 sub-tasks", 6_430),),
    answer_kind=None,
    published=("test",),
    read=read,
    shots=read_shots,
)
