"""The pipeline on a real Ray and the real sandbox; completions are scripted, since the teacher is not the point here."""

import json
from collections import Counter

import pytest

from pad_ray.paths import Program, Rationale, Socratic
from pad_ray.schema import Draft, Outcome, Verdict
from pad_ray.synthesis.finished import DRAFTS, FAULTS, VERDICTS
from tests.synthesis.conftest import QUESTIONS, make_synthesis


@pytest.fixture(scope="module")
def finished(local_ray, tmp_path_factory, script):
    made = make_synthesis(tmp_path_factory.mktemp("finished"), script)
    return made, made.go()


def wanted_ids(made, questions=QUESTIONS):
    return sorted(draft.request.request_id for question in questions for draft in made.plan.drafts(question))


def committed_ids(made):
    return sorted(draft.draft_id for draft in made.run.read_records(DRAFTS, Draft))


def test_every_planned_draft_is_committed_once_with_a_verdict(finished):
    made, tally = finished
    assert committed_ids(made) == wanted_ids(made)
    assert sorted(verdict.draft_id for verdict in made.run.read_records(VERDICTS, Verdict)) == wanted_ids(made)
    assert tally.made == tally.planned == len(wanted_ids(made))


def test_drafts_are_executed_for_their_outcome(finished):
    made, tally = finished
    texts = {draft.draft_id: draft.text for draft in made.run.read_records(DRAFTS, Draft)}
    expected = {"- 7000": Outcome.WRONG_ANSWER, "apples * 2\n    return result\n": Outcome.NAME_ERROR}
    for verdict in made.run.read_records(VERDICTS, Verdict):
        text = texts[verdict.draft_id]
        wanted = next((o for end, o in expected.items() if end in text and "apples = 3\n    res" in text), None)
        if wanted:
            assert verdict.outcome is wanted
    assert set(tally.outcomes) == {"accepted", "wrong_answer", "name_error"}


def test_the_manifest_names_every_part_and_its_drafts(finished):
    made, tally = finished
    manifest = made.run.read_json("drafts/manifest.json")
    assert manifest["drafts"] == sum(manifest["parts"].values()) == tally.made
    assert list(manifest["parts"]) == made.run.parts(DRAFTS)


def test_a_second_run_makes_nothing(finished):
    made, _ = finished
    before = made.run.parts(DRAFTS)
    tally = made.go()
    assert (tally.made, tally.found, tally.engines) == (0, tally.planned, 0)
    assert made.run.parts(DRAFTS) == before


def test_a_run_that_lost_parts_makes_just_those_and_ends_with_the_same_corpus(finished, synthesis):
    whole, _ = finished
    wanted = whole.corpus().hash
    made = synthesis()
    for folder in (DRAFTS, VERDICTS):
        made.run.put_folder(whole.run.local_path(folder), folder)
    for name in made.run.parts(DRAFTS)[:3]:
        made.run.local_path(name).unlink()
    assert made.go().made == 3 * 4 * 6
    assert committed_ids(made) == wanted_ids(made)
    assert made.corpus().hash == wanted
    assert any("is in the manifest and gone" in line for line in made.said)


def test_more_samples_make_only_the_further_ones(synthesis, script, tmp_path):
    first = synthesis(samples=4)
    first.go()
    more = make_synthesis(tmp_path / "run", script, samples=8)
    tally = more.go()
    assert (tally.found, tally.made) == (24 * 4, 24 * 4)
    assert committed_ids(more) == wanted_ids(more)


@pytest.mark.parametrize("damage", ["torn drafts", "no verdicts", "torn verdicts"])
def test_a_damaged_part_is_set_aside_and_made_again(synthesis, damage):
    made = synthesis(samples=2)
    made.go()
    victim = made.run.parts(DRAFTS)[0]
    verdicts = victim.replace(DRAFTS, VERDICTS, 1)
    if damage == "no verdicts":
        made.run.local_path(verdicts).unlink()
    else:
        path = made.run.local_path(victim if damage == "torn drafts" else verdicts)
        path.write_bytes(path.read_bytes()[:-40])
    tally = made.go()
    assert tally.made == 8
    assert committed_ids(made) == wanted_ids(made)
    assert any(victim in line and "set aside" in line for line in made.said)
    assert made.run.exists(f"torn/{victim}") or made.run.exists(f"torn/{verdicts}")


def test_drafts_of_another_recipe_are_left_out(finished, script):
    made, _ = finished
    fewer = make_synthesis(made.run.location, script, questions=QUESTIONS[:5])
    assert fewer.corpus().drafts == 5 * 6
    make_synthesis(made.run.location, script)


def test_a_prompt_that_kills_the_engine_is_given_up_and_the_others_are_served(synthesis, tmp_path):
    script = tmp_path / "poison.json"
    poison = QUESTIONS[5].text
    script.write_text(json.dumps({"*": ["def solution():\n    return 3 + 4"], poison: [{"crash": True}]}))
    made = synthesis(script=str(script), samples=1, block_questions=3)
    tally = made.go()
    assert tally.outcomes[Outcome.ENGINE_FAULT] == 1
    assert tally.made == 24
    (fault,) = made.run.read_records(FAULTS, Draft)
    assert fault.question_id == QUESTIONS[5].question_id
    assert "died 2 times on this prompt" in fault.text
    assert made.go().made == 0
    corpus = made.corpus()
    assert corpus.verified[Outcome.ENGINE_FAULT] == 1
    assert corpus.verified.total() == corpus.planned


def test_faults_are_asked_for_again_on_request_and_replaced(synthesis, tmp_path):
    script = tmp_path / "script.json"
    failing = {"*": ["def solution():\n    return 3 + 4"], QUESTIONS[2].text: [{"error": "the server is away"}]}
    script.write_text(json.dumps(failing))
    made = synthesis(script=str(script), samples=2)
    assert made.go().outcomes[Outcome.ENGINE_FAULT] == 2
    script.write_text(json.dumps({"*": failing["*"]}))
    assert made.go().made == 0
    tally = made.go(retry_faults=True)
    assert (tally.made, tally.outcomes[Outcome.ENGINE_FAULT]) == (2, 0)
    assert made.corpus().verified[Outcome.ENGINE_FAULT] == 0


def test_all_kinds_of_paths_are_made_and_judged_side_by_side(synthesis, tmp_path):
    question = QUESTIONS[0]
    gold = question.gold
    script = tmp_path / "script.json"
    script.write_text(
        json.dumps(
            {
                question.text: [
                    f"def solution():\n    return {gold}\n",
                    f"It is <<{gold}+0={gold}>>{gold}.\n#### {gold}",
                    f"How many? ** It is <<{gold}*1={gold}>>{gold}.\n#### {gold}",
                ]
            }
        )
    )
    made = synthesis(script=str(script), questions=[question], paths=(Program(), Rationale(), Socratic()), samples=30)
    made.go()
    outcomes = Counter()
    verdicts = {verdict.draft_id: verdict for verdict in made.run.read_records(VERDICTS, Verdict)}
    for draft in made.run.read_records(DRAFTS, Draft):
        kind = "program" if "def" in draft.text else "socratic" if "**" in draft.text else "rationale"
        outcomes[kind, draft.path.value, verdicts[draft.draft_id].outcome.value] += 1
    assert {key[2] for key in outcomes if key[0] == key[1] != "program"} == {"accepted"}
    # A program that states its answer is found out; a rationale is no list of sub-questions.
    assert {key[2] for key in outcomes if key[:2] == ("program", "program")} == {"hard_coded"}
    assert {key[2] for key in outcomes if key[:2] == ("rationale", "socratic")} == {"no_answer"}
    assert {key[2] for key in outcomes if key[1] == "program" and key[0] != "program"} == {"syntax_error"}
