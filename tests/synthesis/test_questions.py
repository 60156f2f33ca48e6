"""Questions that nobody foresaw: each is refused with its reason or ends with its outcome, and harms no other."""

import json
from dataclasses import replace

import pyarrow.parquet as pq

from pad_ray.schema import Draft, Outcome, Question, Verdict, content_id
from pad_ray.synthesis import questions as store
from tests.synthesis.conftest import QUESTIONS


def odd(name, text, gold="5"):
    return Question(content_id("odd", name), "arithmetic", "train", text, gold, QUESTIONS[0].answer_kind, [])


def test_questions_that_cannot_be_asked_stand_apart_with_their_reason(synthesis):
    bad = [odd("surrogate", "How many \ud800?"), odd("empty", "  \n"), QUESTIONS[0]]
    made = synthesis(questions=[*QUESTIONS, *bad])
    assert (made.stored.asked, made.stored.kept) == (27, 24)
    assert made.stored.unusable == {"not valid Unicode": 1, "empty text": 1, "id seen before": 1}
    table = pq.read_table(made.run.path(f"{store.UNUSABLE}/part-000000.parquet"))
    assert table["reason"].to_pylist() == ["not valid Unicode", "empty text", "id seen before"]


def test_odd_questions_end_with_their_outcome_and_harm_no_other(synthesis, tmp_path):
    huge, nul, no_gold = (
        odd("huge", "apples " * 15_000),
        odd("nul", "How many\0apples?"),
        odd("no gold", "How?", gold=""),
    )
    script = tmp_path / "script.json"
    script.write_text(
        json.dumps({"*": ["def solution():\n    return 2 + 3\n"], " ".join(huge.text.split()): [{"error": "too long"}]})
    )
    made = synthesis(script=str(script), questions=[*QUESTIONS[:4], huge, nul, no_gold], samples=2)
    made.go()
    built = made.corpus()
    assert (built.planned, built.verified.total()) == (14, 14)
    assert built.verified[Outcome.ENGINE_FAULT] == 2
    draft_of = {draft.draft_id: draft.question_id for draft in made.run.read_records("drafts", Draft)}
    final = {
        draft_of[v.draft_id]: v.outcome for v in made.run.read_records("rejected", Verdict) if v.draft_id in draft_of
    }
    assert final[no_gold.question_id] is Outcome.NOT_COMPARABLE
    assert nul.question_id in draft_of.values()
    assert sum(draft_of[draft_id] in {q.question_id for q in QUESTIONS[:4]} for draft_id in draft_of) == 8


def test_blocks_cover_every_question_once(synthesis, monkeypatch):
    monkeypatch.setattr(store, "QUESTIONS_PER_PART", 10)
    made = synthesis()
    assert [block.questions for block in store.blocks(made.run, 4)] == [4, 4, 2, 4, 4, 2, 4]
    found = [question for block in store.blocks(made.run, 4) for question in store.read_block(made.run, block)]
    assert found == QUESTIONS


def test_a_changed_question_is_new_work(synthesis, script, tmp_path):
    changed = replace(QUESTIONS[0], text=QUESTIONS[0].text + " Really?")
    made = synthesis(questions=[QUESTIONS[0]], samples=2)
    other = {draft.request.request_id for draft in made.plan.drafts(changed)}
    assert other.isdisjoint(draft.request.request_id for draft in made.plan.drafts(QUESTIONS[0]))
