"""The corpus rows of kept drafts, without Ray."""

from collections import Counter

import pytest

from pad_ray.errors import InputError
from pad_ray.schema import AnswerKind, Draft, Objective, Outcome, PathKind, Question, Verdict
from pad_ray.synthesis.config import CorpusConfig
from pad_ray.synthesis.rows import TAUGHT_FROM, objectives_of, teach
from pad_ray.synthesis.select import JudgedDraft

QUESTION = Question("q", "t", "train", "Three hens lay 4 eggs each. 2 break.", "10", AnswerKind.NUMBER, [])
SOCRATIC = "How many? ** 3*4 = <<3*4=12>>12.\nHow many are left? ** 12-2 = <<12-2=10>>10.\n#### 10"
OTHER_STEPS = SOCRATIC.replace("12-2 =", "12 less 2 is")


def judged(path, text, number=0, outcome=Outcome.ACCEPTED, value="10"):
    draft = Draft(f"{path}-{number}", "q", path, text, number, "stop", 1, 1, None, "e")
    return JudgedDraft(draft, Verdict(draft.draft_id, outcome, value, "", 1.0), text)


def test_a_draft_gives_rows_for_all_objectives_of_its_path():
    socratic, program = judged(PathKind.SOCRATIC, SOCRATIC), judged(PathKind.PROGRAM, "def solution():\n    return 10")
    objectives = [objective for objective in Objective if objective in TAUGHT_FROM]
    chosen, rows = teach(QUESTION, [socratic, program], objectives)
    assert chosen == [socratic, program]
    assert Counter(row.objective for row in rows) == {
        Objective.ANSWER: 1,
        Objective.DECOMPOSE: 1,
        Objective.SOLVE_STEP: 2,
        Objective.UNIFIED_SOCRATIC: 1,
        Objective.PROGRAM: 1,
    }
    assert len({row.row_id for row in rows}) == len({row.source for row in rows}) == 6
    assert {row.draft_id for row in rows} == {"socratic-0", "program-0"}


def test_equal_rows_are_kept_once_and_a_draft_without_new_rows_is_a_duplicate():
    drafts = [judged(PathKind.SOCRATIC, text, n) for n, text in enumerate([SOCRATIC, OTHER_STEPS])]
    chosen, rows = teach(QUESTION, drafts, [Objective.DECOMPOSE, Objective.SOLVE_STEP])
    assert [item.verdict.outcome for item in chosen] == [Outcome.ACCEPTED, Outcome.ACCEPTED]
    assert Counter((row.objective, row.draft_id) for row in rows) == {
        ("decompose", "socratic-0"): 1,
        ("solve_step", "socratic-0"): 2,
        ("solve_step", "socratic-1"): 1,
    }
    chosen, rows = teach(QUESTION, drafts, [Objective.DECOMPOSE])
    assert [item.verdict.outcome for item in chosen] == [Outcome.ACCEPTED, Outcome.DUPLICATE]
    assert len(rows) == 1


def test_a_rejected_draft_teaches_nothing():
    wrong = judged(PathKind.SOCRATIC, SOCRATIC, outcome=Outcome.WRONG_ANSWER)
    assert teach(QUESTION, [wrong], [Objective.ANSWER]) == ([wrong], [])


def test_without_gold_the_answer_is_that_of_the_kept_drafts():
    question = Question("q", "t", "train", "Eggs?", "", AnswerKind.NUMBER, [])
    _, (row,) = teach(question, [judged(PathKind.PROGRAM, "p", value="7")], [Objective.ANSWER])
    assert row.target == "#### 7"


def test_by_default_each_path_is_taught_unchanged():
    assert objectives_of(list(PathKind), CorpusConfig()) == ["program", "rationale", "unified_socratic"]


@pytest.mark.parametrize(
    ("kinds", "objectives", "message"),
    [
        (
            [PathKind.PROGRAM],
            ["program", "solve_step"],
            "solve_step is taught by socratic paths; add it to synthesis.paths",
        ),
        ([PathKind.PROGRAM, PathKind.RATIONALE], ["program"], "rationale paths teach none .* leave rationale out"),
    ],
)
def test_objectives_and_paths_must_match(kinds, objectives, message):
    with pytest.raises(InputError, match=message):
        objectives_of(kinds, CorpusConfig(objectives=objectives))


@pytest.mark.parametrize(
    ("objectives", "message"), [(["answer", "answer"], "names one twice: answer, answer"), (["repair"], "refine.py")]
)
def test_objectives_that_no_corpus_has_are_refused(objectives, message):
    with pytest.raises(ValueError, match=message):
        CorpusConfig(objectives=objectives)
