"""The correct programs of a run, taken from its corpus."""

from dataclasses import replace

import pytest

from pad_ray.errors import StageError
from pad_ray.refinement.pipeline import CORRECT
from pad_ray.refinement.programs import read_programs, store_programs
from pad_ray.run.folder import RunDir
from pad_ray.schema import AnswerKind, CorpusRow, Objective, Outcome, Question, Verdict

FACTS = ["Ann has 16 eggs."]
KNOWN = Question("a" * 32, "t", "train", "How many are half?", "8", AnswerKind.NUMBER, FACTS)
UNKNOWN = replace(KNOWN, question_id="b" * 32, gold="")
ROWS = [
    CorpusRow("1", KNOWN.question_id, "d1", Objective.PROGRAM, "s", "def solution():\n    return 16 / 2"),
    CorpusRow("2", KNOWN.question_id, "d2", Objective.RATIONALE, "s", "Half is 8.\n#### 8"),
    CorpusRow("3", UNKNOWN.question_id, "d3", Objective.PROGRAM, "s", "def solution():\n    return 16 // 2"),
]


@pytest.fixture
def run(tmp_path):
    run = RunDir(str(tmp_path))
    run.write_records("questions/train/part-0.parquet", Question, [KNOWN, UNKNOWN])
    run.write_records("verdicts/part-0.parquet", Verdict, [Verdict("d3", Outcome.ACCEPTED, "8", "", 1.0)])
    run.write_records("corpus/train/part-0.parquet", CorpusRow, ROWS[:2])
    run.write_records("corpus/validation/part-0.parquet", CorpusRow, ROWS[2:])
    return run


def test_programs_of_both_splits_have_question_facts_and_the_accepted_answer(run):
    assert store_programs(run) == 2
    first, second = (read_programs(run, [question.question_id])[0] for question in (KNOWN, UNKNOWN))
    assert (first.draft_id, first.program, first.gold) == ("d1", ROWS[0].target, "8")
    assert (second.draft_id, second.gold, second.answer_kind) == ("d3", "8", AnswerKind.NUMBER)
    assert first.question == "Ann has 16 eggs. How many are half?"
    assert read_programs(run, []) == []


def test_programs_of_an_earlier_corpus_are_removed(run):
    store_programs(run)
    run.delete("corpus/validation")
    assert store_programs(run) == 1
    assert len(run.parts(CORRECT)) == 1


def test_a_corpus_without_programs_is_an_error(run):
    run.delete("corpus/validation")
    run.write_records("corpus/train/part-0.parquet", CorpusRow, ROWS[1:2])
    with pytest.raises(StageError, match="holds no programs"):
        store_programs(run)


def test_missing_questions_are_an_error(run):
    run.write_records("questions/train/part-0.parquet", Question, [KNOWN])
    with pytest.raises(
        StageError, match=r"1 questions of corpus/validation/part-0\.parquet are not in questions/train"
    ):
        store_programs(run)
