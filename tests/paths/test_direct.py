"""Direct answers: the prompt shows solved questions of the same sub-task; the completion is read as an answer."""

import pytest

from pad_ray.paths import Rationale
from pad_ray.paths.direct import DirectAnswers
from pad_ray.schema import AnswerKind, Question
from pad_ray.tasks.answers import equal, extract_final_answer

KINDS = {"bbh/navigate": AnswerKind.YES_NO, "bbh/snarks": AnswerKind.OPTION, "bbh/word_sorting": AnswerKind.TEXT}
GOLDS = {"bbh/navigate": "no", "bbh/snarks": "B", "bbh/word_sorting": "ant bee"}


def question(task, text):
    kind = KINDS.get(task, AnswerKind.NUMBER)
    return Question(f"{len(text):016x}", task, "test", text, GOLDS.get(task, "7"), kind, [])


SHOTS = {task: [question(task, f"first of {task}"), question(task, f"second\nof {task}")] for task in KINDS}
PATH = DirectAnswers(shots=SHOTS)


def test_a_question_follows_solved_questions_of_its_own_sub_task():
    assert PATH.prompt(question("bbh/snarks", "Which one?\nOptions:\n(A) this\n(B) that")) == (
        "Question: first of bbh/snarks\nFinal answer:\n#### (B)\n\n"
        "Question: second\nof bbh/snarks\nFinal answer:\n#### (B)\n\n"
        "Question: Which one?\nOptions:\n(A) this\n(B) that\nFinal answer:\n"
    )


def test_other_tasks_keep_their_usual_prompt():
    other = question("gsm8k", "How many?")
    assert PATH.prompt(other, 3) == Rationale().prompt(other, 3)
    assert PATH.stop == Rationale().stop


# A student's completion -> whether it is right; programs and rationales are accepted as well.
WRITTEN = [
    ("bbh/navigate", "#### no\n\n", True),
    ("bbh/navigate", "#### yes\n", False),
    ("bbh/navigate", "no", True),
    ("bbh/snarks", "#### (B)\n", True),
    ("bbh/snarks", "#### B\n", True),
    ("bbh/snarks", "(A)", False),
    ("bbh/word_sorting", "#### ant bee\n", True),
    ("bbh/word_sorting", "#### bee ant\n", False),
    ("bbh/word_sorting", "def solution():\n    return 5", None),
]


@pytest.mark.parametrize(("task", "completion", "right"), WRITTEN)
def test_direct_answers_are_read(task, completion, right):
    answer = extract_final_answer(KINDS[task], PATH.parse(completion).text)
    assert (None if answer is None else equal(KINDS[task], answer, GOLDS[task])) is right
