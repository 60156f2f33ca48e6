"""Unexpected questions: each is refused with a reason or ends with an outcome, without affecting others."""

import json
from dataclasses import replace

import pyarrow.parquet as pq

from pad_ray.schema import Draft, Outcome, Question, Verdict, content_id
from pad_ray.synthesis import questions as store
from tests.synthesis.conftest import QUESTIONS


def odd(name, text, gold="5"):
    return Question(content_id("odd", name), "arithmetic", "train", text, gold, QUESTIONS[0].answer_kind, [])


def test_unusable_questions_are_stored_separately_with_their_reason(synthesis):
    bad = [odd("surrogate", "How many \ud800?"), odd("empty", "  \n"), QUESTIONS[0]]
    stages = synthesis(questions=[*QUESTIONS, *bad])
    assert (stages.stored.asked, stages.stored.kept) == (27, 24)
    assert stages.stored.unusable == {"not valid Unicode": 1, "empty text": 1, "id seen before": 1}
    table = pq.read_table(stages.run.path(f"{store.UNUSABLE}/part-000000.parquet"))
    assert table["reason"].to_pylist() == ["not valid Unicode", "empty text", "id seen before"]


def test_odd_questions_end_with_an_outcome_and_do_not_affect_others(synthesis, tmp_path):
    huge, nul, no_gold = (
        odd("huge", "apples " * 15_000),
        odd("nul", "How many\0apples?"),
        odd("no gold", "How?", gold=""),
    )
    script = tmp_path / "script.json"
    script.write_text(
        json.dumps({"*": ["def solution():\n    return 2 + 3\n"], " ".join(huge.text.split()): [{"error": "too long"}]})
    )
    stages = synthesis(script=str(script), questions=[*QUESTIONS[:4], huge, nul, no_gold], samples=2)
    stages.go()
    built = stages.corpus()
    assert (built.planned, built.verified.total()) == (14, 14)
    assert built.verified[Outcome.ENGINE_FAULT] == 2
    draft_of = {draft.draft_id: draft.question_id for draft in stages.run.read_records("drafts", Draft)}
    final = {
        draft_of[v.draft_id]: v.outcome for v in stages.run.read_records("rejected", Verdict) if v.draft_id in draft_of
    }
    assert final[no_gold.question_id] is Outcome.NOT_COMPARABLE
    assert nul.question_id in draft_of.values()
    assert sum(draft_of[draft_id] in {q.question_id for q in QUESTIONS[:4]} for draft_id in draft_of) == 8


def test_blocks_cover_every_question_once(synthesis, monkeypatch):
    monkeypatch.setattr(store, "QUESTIONS_PER_PART", 10)
    stages = synthesis()
    assert [block.questions for block in store.blocks(stages.run, 4)] == [4, 4, 2, 4, 4, 2, 4]
    questions = [question for block in store.blocks(stages.run, 4) for question in store.read_block(stages.run, block)]
    assert questions == QUESTIONS


def test_a_changed_question_gives_new_ids(synthesis, script, tmp_path):
    changed = replace(QUESTIONS[0], text=QUESTIONS[0].text + " Really?")
    stages = synthesis(questions=[QUESTIONS[0]], samples=2)
    other = {draft.request.request_id for draft in stages.plan.drafts(changed)}
    assert other.isdisjoint(draft.request.request_id for draft in stages.plan.drafts(QUESTIONS[0]))
