"""The pipeline on a real Ray and the real sandbox; completions are scripted, because these tests do not concern the teacher."""

import json
from collections import Counter

import pytest

from pad_ray.paths import Program, Rationale, Socratic
from pad_ray.schema import Draft, Outcome, Verdict
from pad_ray.synthesis.finished import DRAFTS, FAULTS, VERDICTS
from tests.synthesis.conftest import QUESTIONS, make_synthesis


@pytest.fixture(scope="module")
def finished(local_ray, tmp_path_factory, script):
    stages = make_synthesis(tmp_path_factory.mktemp("finished"), script)
    return stages, stages.go()


def wanted_ids(stages, questions=QUESTIONS):
    return sorted(draft.request.request_id for question in questions for draft in stages.plan.drafts(question))


def committed_ids(stages):
    return sorted(draft.draft_id for draft in stages.run.read_records(DRAFTS, Draft))


def test_every_planned_draft_is_committed_once_with_a_verdict(finished):
    stages, tally = finished
    assert committed_ids(stages) == wanted_ids(stages)
    assert sorted(verdict.draft_id for verdict in stages.run.read_records(VERDICTS, Verdict)) == wanted_ids(stages)
    assert tally.made == tally.planned == len(wanted_ids(stages))


def test_outcomes_come_from_execution(finished):
    stages, tally = finished
    texts = {draft.draft_id: draft.text for draft in stages.run.read_records(DRAFTS, Draft)}
    expected = {"- 7000": Outcome.WRONG_ANSWER, "apples * 2\n    return result\n": Outcome.NAME_ERROR}
    for verdict in stages.run.read_records(VERDICTS, Verdict):
        text = texts[verdict.draft_id]
        wanted = next((o for end, o in expected.items() if end in text and "apples = 3\n    res" in text), None)
        if wanted:
            assert verdict.outcome is wanted
    assert set(tally.outcomes) == {"accepted", "wrong_answer", "name_error"}


def test_the_manifest_names_every_part_and_its_drafts(finished):
    stages, tally = finished
    manifest = stages.run.read_json("drafts/manifest.json")
    assert manifest["drafts"] == sum(manifest["parts"].values()) == tally.made
    assert list(manifest["parts"]) == stages.run.parts(DRAFTS)


def test_a_second_run_generates_nothing(finished):
    stages, _ = finished
    before = stages.run.parts(DRAFTS)
    tally = stages.go()
    assert (tally.made, tally.found, tally.engines) == (0, tally.planned, 0)
    assert stages.run.parts(DRAFTS) == before


def test_a_run_with_lost_parts_generates_only_those_and_ends_with_the_same_corpus(finished, synthesis):
    whole, _ = finished
    wanted = whole.corpus().hash
    stages = synthesis()
    for folder in (DRAFTS, VERDICTS):
        stages.run.put_folder(whole.run.local_path(folder), folder)
    for name in stages.run.parts(DRAFTS)[:3]:
        stages.run.local_path(name).unlink()
    assert stages.go().made == 3 * 4 * 6
    assert committed_ids(stages) == wanted_ids(stages)
    assert stages.corpus().hash == wanted
    assert any("is in the manifest, but missing" in line for line in stages.messages)


def test_more_samples_generate_only_the_additional_ones(synthesis, script, tmp_path):
    first = synthesis(samples=4)
    first.go()
    more = make_synthesis(tmp_path / "run", script, samples=8)
    tally = more.go()
    assert (tally.found, tally.made) == (24 * 4, 24 * 4)
    assert committed_ids(more) == wanted_ids(more)


@pytest.mark.parametrize("damage", ["torn drafts", "no verdicts", "torn verdicts"])
def test_a_damaged_part_is_set_aside_and_generated_again(synthesis, damage):
    stages = synthesis(samples=2)
    stages.go()
    victim = stages.run.parts(DRAFTS)[0]
    verdicts = victim.replace(DRAFTS, VERDICTS, 1)
    if damage == "no verdicts":
        stages.run.local_path(verdicts).unlink()
    else:
        path = stages.run.local_path(victim if damage == "torn drafts" else verdicts)
        path.write_bytes(path.read_bytes()[:-40])
    tally = stages.go()
    assert tally.made == 8
    assert committed_ids(stages) == wanted_ids(stages)
    assert any(victim in line and "set aside" in line for line in stages.messages)
    assert stages.run.exists(f"torn/{victim}") or stages.run.exists(f"torn/{verdicts}")


def test_drafts_of_another_recipe_are_left_out(finished, script):
    stages, _ = finished
    fewer = make_synthesis(stages.run.location, script, questions=QUESTIONS[:5])
    assert fewer.corpus().drafts == 5 * 6
    make_synthesis(stages.run.location, script)


def test_a_prompt_that_kills_the_engine_is_abandoned_and_the_others_are_served(synthesis, tmp_path):
    script = tmp_path / "poison.json"
    poison = QUESTIONS[5].text
    script.write_text(json.dumps({"*": ["def solution():\n    return 3 + 4"], poison: [{"crash": True}]}))
    stages = synthesis(script=str(script), samples=1, block_questions=3)
    tally = stages.go()
    assert tally.outcomes[Outcome.ENGINE_FAULT] == 1
    assert tally.made == 24
    (fault,) = stages.run.read_records(FAULTS, Draft)
    assert fault.question_id == QUESTIONS[5].question_id
    assert "died 2 times on this prompt" in fault.text
    assert stages.go().made == 0
    corpus = stages.corpus()
    assert corpus.verified[Outcome.ENGINE_FAULT] == 1
    assert corpus.verified.total() == corpus.planned


def test_faults_are_requested_again_on_demand_and_replaced(synthesis, tmp_path):
    script = tmp_path / "script.json"
    failing = {"*": ["def solution():\n    return 3 + 4"], QUESTIONS[2].text: [{"error": "the server is away"}]}
    script.write_text(json.dumps(failing))
    stages = synthesis(script=str(script), samples=2)
    assert stages.go().outcomes[Outcome.ENGINE_FAULT] == 2
    script.write_text(json.dumps({"*": failing["*"]}))
    assert stages.go().made == 0
    tally = stages.go(retry_faults=True)
    assert (tally.made, tally.outcomes[Outcome.ENGINE_FAULT]) == (2, 0)
    assert stages.corpus().verified[Outcome.ENGINE_FAULT] == 0


def test_all_kinds_of_paths_are_generated_and_judged_together(synthesis, tmp_path):
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
    stages = synthesis(script=str(script), questions=[question], paths=(Program(), Rationale(), Socratic()), samples=30)
    stages.go()
    outcomes = Counter()
    verdicts = {verdict.draft_id: verdict for verdict in stages.run.read_records(VERDICTS, Verdict)}
    for draft in stages.run.read_records(DRAFTS, Draft):
        kind = "program" if "def" in draft.text else "socratic" if "**" in draft.text else "rationale"
        outcomes[kind, draft.path.value, verdicts[draft.draft_id].outcome.value] += 1
    assert {key[2] for key in outcomes if key[0] == key[1] != "program"} == {"accepted"}
    # A program that states its answer is detected; a rationale is not a list of sub-questions.
    assert {key[2] for key in outcomes if key[:2] == ("program", "program")} == {"hard_coded"}
    assert {key[2] for key in outcomes if key[:2] == ("rationale", "socratic")} == {"no_answer"}
    assert {key[2] for key in outcomes if key[1] == "program" and key[0] != "program"} == {"syntax_error"}
