"""Which accepted drafts become the corpus; tests of the choice use handwritten drafts."""

from collections import Counter
from dataclasses import replace

import pytest

from pad_ray.paths import Program, Rationale, Socratic
from pad_ray.schema import CorpusRow, Draft, Objective, Outcome, Question, Verdict
from pad_ray.synthesis import corpus as corpora
from pad_ray.synthesis.pipeline import commit
from tests.synthesis.conftest import QUESTIONS, make_synthesis

PROGRAMS = [f"def solution():\n    total = 2 {sign} 3\n    return total\n" for sign in ("+", "-", "*", "//")]


def write_drafts(stages, question, texts, outcome=Outcome.ACCEPTED, values=None):
    """Commit the planned drafts of a question with these texts, in the order of the plan."""
    planned = list(stages.plan.drafts(question))
    drafts = [
        Draft(d.request.request_id, question.question_id, d.path, text, d.sample_index, "stop", 1, 1, None, "e")
        for d, text in zip(planned, texts, strict=True)
    ]
    values = values or ["5"] * len(drafts)
    commit(stages.run, drafts, [Verdict(d.draft_id, outcome, v, "", 1.0) for d, v in zip(drafts, values, strict=True)])
    return drafts


def rows(stages):
    return [row for side in (corpora.TRAIN, corpora.VALIDATION) for row in stages.run.read_records(side, CorpusRow)]


@pytest.fixture(scope="module")
def finished(local_ray, tmp_path_factory, script):
    stages = make_synthesis(tmp_path_factory.mktemp("finished"), script)
    stages.go()
    return stages, stages.corpus()


def test_the_corpus_holds_distinct_right_programs_split_by_question(finished):
    stages, built = finished
    train, validation = (stages.run.read_records(folder, CorpusRow) for folder in (corpora.TRAIN, corpora.VALIDATION))
    # The two right completions of a question are the same program.
    assert len(train) + len(validation) == built.questions == len({row.question_id for row in [*train, *validation]})
    assert {row.question_id for row in train}.isdisjoint({row.question_id for row in validation})
    assert built.final["duplicate"] > 0


def test_every_draft_is_in_the_corpus_or_rejected_with_its_reason(finished):
    stages, built = finished
    rejected = Counter(verdict.outcome.value for verdict in stages.run.read_records(corpora.REJECTED, Verdict))
    assert rejected == {name: n for name, n in built.final.items() if name != "accepted"}
    assert rejected.total() + built.train_rows + built.validation_rows == built.drafts == built.planned


def test_buckets_change_only_the_order(finished, monkeypatch):
    stages, built = finished
    before = {row.row_id for row in rows(stages)}
    monkeypatch.setattr(corpora, "DRAFTS_PER_BUCKET", 20)
    monkeypatch.setattr(corpora, "ROWS_PER_GROUP", 50)
    again = stages.corpus()
    assert {row.row_id for row in rows(stages)} == before
    assert len(stages.run.parts(corpora.TRAIN)) > 1
    assert (again.verified, again.final, again.questions) == (built.verified, built.final, built.questions)
    assert not stages.run.exists(corpora.SCRATCH)


def test_the_cap_keeps_the_first_programs_of_a_question(synthesis):
    stages = synthesis(questions=QUESTIONS[:1], samples=4)
    drafts = write_drafts(stages, QUESTIONS[0], PROGRAMS)
    assert stages.corpus(max_per_question=2).final == {"accepted": 2, "over_cap": 2}
    assert {v.draft_id for v in stages.run.read_records(corpora.REJECTED, Verdict)} == {d.draft_id for d in drafts[2:]}


def test_every_kind_is_capped_at_the_count_of_the_rarest(synthesis):
    stages = synthesis(questions=QUESTIONS[:1], samples=4, paths=(Program(), Rationale()))
    words = [f"It is <<{n}+0={n}>>{n}.\n#### 5" for n in (1, 2)] * 2
    write_drafts(stages, QUESTIONS[0], [*PROGRAMS, *words])
    built = stages.corpus()
    assert built.final == {"accepted": 4, "duplicate": 2, "over_cap": 2}
    assert Counter(row.objective for row in rows(stages)) == {Objective.PROGRAM: 2, Objective.RATIONALE: 2}
    assert stages.corpus(balance=False).final == {"accepted": 6, "duplicate": 2}


def test_the_sources_of_different_kinds_differ(synthesis):
    stages = synthesis(questions=QUESTIONS[:1], samples=1, paths=(Program(), Rationale()))
    write_drafts(stages, QUESTIONS[0], [PROGRAMS[0], "It is 5.\n#### 5"])
    stages.corpus()
    sources = {row.objective: row.source for row in rows(stages)}
    assert sources[Objective.PROGRAM] != sources[Objective.RATIONALE]


def test_a_draft_with_several_rows_counts_once_in_the_ledger(synthesis):
    stages = synthesis(questions=QUESTIONS[:1], samples=3, paths=(Socratic(),))
    steps = [f"How many? ** 2+{n} = <<2+{n}={n + 2}>>{n + 2}.\nAnd then? ** It is 5.\n#### 5" for n in (1, 2, 1)]
    write_drafts(stages, QUESTIONS[0], steps)
    built = stages.corpus(objectives=["answer", "decompose", "solve_step"])
    assert built.final == {"accepted": 2, "duplicate": 1}
    counts = Counter(name.split("/")[1] for name in built.rows.elements())
    assert counts == {"answer": 1, "decompose": 1, "solve_step": 4}
    assert (
        built.train_rows + built.validation_rows == len(rows(stages)) == len({row.row_id for row in rows(stages)}) == 6
    )
    assert len({row.draft_id for row in rows(stages)}) == built.final["accepted"]


def test_a_test_question_is_not_taught(synthesis):
    stages = synthesis(questions=QUESTIONS[:3], samples=1)
    for question, program in zip(QUESTIONS[:3], PROGRAMS, strict=False):
        write_drafts(stages, question, [program])
    disguised = QUESTIONS[1].text.upper() + " !"
    test = Question("ab" * 16, "gsm8k", "test", disguised, "5", QUESTIONS[1].answer_kind, [])
    built = stages.corpus(tests=[test])
    assert built.final == {"accepted": 2, "contaminated": 1}
    assert built.contaminated == {"gsm8k": 1}
    (verdict,) = stages.run.read_records(corpora.REJECTED, Verdict)
    assert "gsm8k test question" in verdict.feedback


@pytest.mark.parametrize(("share", "accepted"), [(None, 3), (0.5, 2)])
def test_near_duplicates_of_test_questions_are_counted_and_optionally_left_out(synthesis, share, accepted):
    text = "Ann has 3 red apples and buys 4 more of them. How many now?"
    questions = [replace(QUESTIONS[0], text=text), *QUESTIONS[1:3]]
    stages = synthesis(questions=questions, samples=1)
    for question, program in zip(questions, PROGRAMS, strict=False):
        write_drafts(stages, question, [program])
    disguised = text.replace("Ann", "Bob").replace("3", "15").replace("4", "70")
    test = Question("ab" * 16, "gsm8k", "test", disguised, "5", QUESTIONS[1].answer_kind, [])
    built = stages.corpus(tests=[test], masked_overlap=share)
    assert built.overlaps == {"masked": 1}
    assert built.compared == 3
    assert built.final["accepted"] == accepted
    assert built.contaminated == ({"gsm8k": 1} if share else {})


@pytest.mark.parametrize(
    ("options", "final"),
    [
        ({"max_pass_rate": 0.9}, {"over_cap": 4}),
        ({"min_pass_rate": 0.9}, {"accepted": 4}),
        ({"max_characters": 50}, {"accepted": 3, "over_cap": 1}),
    ],
    ids=str,
)
def test_questions_and_paths_can_be_filtered(synthesis, options, final):
    stages = synthesis(questions=QUESTIONS[:1], samples=4)
    write_drafts(stages, QUESTIONS[0], PROGRAMS)
    assert stages.corpus(**options).final == final


def test_without_gold_a_majority_is_required(synthesis):
    question = replace(QUESTIONS[0], gold="")
    stages = synthesis(questions=[question], samples=4)
    write_drafts(stages, question, PROGRAMS, values=["5", "5", "5", "6"])
    assert stages.corpus().final == {"not_comparable": 4}
    assert stages.corpus(majority_share=0.75).final == {"accepted": 3, "wrong_answer": 1}
    assert stages.corpus(majority_share=0.8).final == {"not_comparable": 4}


def test_without_gold_equal_numbers_count_as_one_answer(synthesis):
    question = replace(QUESTIONS[0], gold="")
    stages = synthesis(questions=[question], samples=4)
    write_drafts(stages, question, PROGRAMS, values=["13", "13.0", "14", "13.00"])
    assert stages.corpus(majority_share=0.75).final == {"accepted": 3, "wrong_answer": 1}


def test_a_missing_draft_makes_the_counts_unbalanced(synthesis):
    stages = synthesis(questions=QUESTIONS[:2], samples=1)
    write_drafts(stages, QUESTIONS[0], PROGRAMS[:1])
    built = stages.corpus()
    assert (built.planned, built.drafts, built.verified.total()) == (2, 1, 1)
