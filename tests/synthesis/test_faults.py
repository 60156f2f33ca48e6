"""A text that crashes reading, judging, comparing or teaching fails only its own draft, with a reason."""

from dataclasses import replace

import pytest

from pad_ray.errors import InputError, StageError, attempt
from pad_ray.paths import PATHS, Program
from pad_ray.refinement import CorrectProgram, Failure, on_policy_rows
from pad_ray.refinement import rows as repair_rows
from pad_ray.refinement.rows import UNUSABLE
from pad_ray.run import ledger
from pad_ray.run.folder import RunDir
from pad_ray.run.ledger import StageEntry, VerdictCounts
from pad_ray.run.progress import Progress
from pad_ray.sandbox import Sandbox, judge, judgement
from pad_ray.schema import AnswerKind, Draft, Objective, Outcome, PathKind, Question, Verdict
from pad_ray.stages.tables import say_faults
from pad_ray.synthesis import corpus, select
from pad_ray.synthesis import rows as corpus_rows
from pad_ray.synthesis.config import CorpusConfig
from pad_ray.synthesis.contamination import KnownTests
from pad_ray.synthesis.select import JudgedDraft
from pad_ray.synthesis.verify import verify

QUESTION = Question("0" * 32, "toy", "train", "How many are 3 and 4?", "7", AnswerKind.NUMBER, [])
RIGHT = "def solution():\n    a = 3\n    b = 4\n    return a + b"
ODD = "def solution():\n    odd = 3\n    b = 4\n    return odd * 2 - odd + b"


def draft(number, text, path=PathKind.PROGRAM):
    return Draft(f"{number:032x}", QUESTION.question_id, path, text, number, "stop", 1, 1, None, "toy")


DRAFTS = [draft(0, RIGHT), draft(1, ODD), draft(2, RIGHT.replace("b", "c"))]


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as opened:
        yield opened


def judged(drafts=DRAFTS):
    return [JudgedDraft(one, Verdict(one.draft_id, Outcome.ACCEPTED, "7", "", 1.0), one.text) for one in drafts]


def breaks_on_odd(function, error):
    """A wrapper of the function that fails on texts with the word `odd`."""

    def broken(*given, **named):
        if any("odd" in str(one) for one in given):
            raise error
        return function(*given, **named)

    return broken


ERRORS = [
    KeyError("x"),
    RecursionError("deep"),
    MemoryError(),
    ValueError("digits"),
    SyntaxError("bad"),
    TypeError("no"),
]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_a_crashing_reader_fails_one_draft(sandbox, monkeypatch, error):
    class Breaks(Program):
        parse = breaks_on_odd(Program.parse, error)

    monkeypatch.setitem(PATHS, PathKind.PROGRAM, Breaks)
    verdicts = verify(sandbox, [(QUESTION, one) for one in DRAFTS])
    assert [verdict.outcome.value for verdict in verdicts] == ["accepted", "sandbox_fault", "accepted"]
    assert verdicts[1].feedback.startswith(f"judging failed: {type(error).__name__}")
    assert all(verdict.judged_by for verdict in verdicts)


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_a_crashing_judge_fails_one_draft(sandbox, monkeypatch, error):
    monkeypatch.setattr(judgement, "judge", breaks_on_odd(judge, error))
    verdicts = verify(sandbox, [(QUESTION, one) for one in DRAFTS])
    assert [verdict.outcome.value for verdict in verdicts] == ["accepted", "sandbox_fault", "accepted"]


@pytest.mark.parametrize("error", [StageError("the sandbox is gone"), OSError(28, "no space"), InputError("no recipe")])
def test_an_error_that_no_draft_causes_ends_the_stage(error):
    def fail():
        raise error

    with pytest.raises(type(error)):
        attempt(fail, str)


@pytest.mark.parametrize("step", ["a hash", "a row"])
@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_a_draft_that_crashes_the_corpus_is_dropped(monkeypatch, step, error):
    if step == "a hash":
        broken = breaks_on_odd(select._SHAPES[PathKind.PROGRAM], error)
        monkeypatch.setitem(select._SHAPES, PathKind.PROGRAM, broken)
    else:
        monkeypatch.setattr(corpus_rows, "_examples", breaks_on_odd(corpus_rows._examples, error))
    selected = select.select(QUESTION, judged(), CorpusConfig(max_per_question=9), None)
    chosen, rows = corpus_rows.teach(QUESTION, selected, [Objective.PROGRAM])
    assert chosen[1].verdict.outcome is Outcome.SANDBOX_FAULT
    assert f"building the corpus failed: {type(error).__name__}" in chosen[1].verdict.feedback
    assert {row.draft_id for row in rows} == {one.draft.draft_id for one in chosen if one.accepted} != set()


def test_a_question_that_cannot_be_compared_with_test_questions_is_not_taught(monkeypatch):
    def broken(known, text):
        raise ValueError("no words")

    monkeypatch.setattr(KnownTests, "overlap", broken)
    drafts, rows, _ = corpus._taught(QUESTION, judged(), CorpusConfig(), KnownTests.build([], 13), [Objective.PROGRAM])
    assert {one.verdict.outcome for one in drafts} == {Outcome.SANDBOX_FAULT}
    assert rows == []


@pytest.mark.parametrize("text", ["How many \ud83d?", "one\udfff", "two \ud83d three " * 20], ids=ascii)
def test_a_test_question_with_invalid_unicode_is_compared(text):
    known = KnownTests.build([replace(QUESTION, text=text)], 13)
    assert known.overlap(QUESTION.text) is None
    assert known.overlap(text).exact


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_a_failure_that_crashes_its_repair_row_is_counted(monkeypatch, error):
    monkeypatch.setattr(repair_rows, "repair_source", breaks_on_odd(repair_rows.repair_source, error))
    correct = CorrectProgram(QUESTION.question_id, "0" * 32, QUESTION.text, RIGHT, "7", AnswerKind.NUMBER)
    failures = [
        Failure(QUESTION.question_id, text, Outcome.NAME_ERROR, "name 'x' is not defined") for text in (ODD, "x = 1")
    ]
    result = on_policy_rows(failures, [correct], 2000)
    assert (len(result.rows), result.left_out) == (1, {UNUSABLE: 1})


def test_faults_are_reported_with_their_number_and_first_reason(tmp_path, capsys):
    run = RunDir(str(tmp_path))
    outcomes = {"accepted": 5, "sandbox_fault": 2, "engine_fault": 1, "timeout": 1}
    reasons = ledger.first_reasons(
        [("accepted", "18"), ("sandbox_fault", "judging failed: KeyError: 'x'"), ("sandbox_fault", "another")]
    )
    ledger.record(run, StageEntry.of_verdicts("synthesis", "drafts", 9, VerdictCounts(outcomes, reasons), 1.0))
    ledger.record(run, StageEntry(stage="corpus", unit="drafts", rows_in=5, rows_out=5))
    say_faults(run, Progress())
    assert capsys.readouterr().out.splitlines() == [
        "synthesis: 2 drafts ended as sandbox_fault; the first: judging failed: KeyError: 'x'",
        "synthesis: 1 draft ended as engine_fault",
    ]


def test_verdicts_are_storable(sandbox, monkeypatch):
    text = "Anna. The answer is \ud83d 7."
    verdicts = verify(sandbox, [(replace(QUESTION, gold=""), draft(3, text, PathKind.RATIONALE))])
    assert verdicts[0].feedback.encode()
