"""Verdicts from other rules or another gold answer: only the stored drafts concerned are judged again."""

from dataclasses import replace

import pytest

from pad_ray.paths import Program, Rationale
from pad_ray.sandbox import SandboxConfig, judgement
from pad_ray.sandbox.judgement import judged_by, rules_of
from pad_ray.schema import AnswerKind, Draft, PathKind, Question, Verdict, from_table
from pad_ray.synthesis import outdated
from pad_ray.synthesis.finished import DRAFTS, VERDICTS
from pad_ray.synthesis.outdated import OutdatedPart, outdated_parts
from pad_ray.synthesis.pipeline import synthesize
from pad_ray.synthesis.questions import Block
from tests.synthesis.conftest import QUESTIONS, make_synthesis

ASKED = QUESTIONS[:8]
SAMPLES = 4


def by_id(run, folder, record):
    return {item.draft_id: item for item in run.read_records(folder, record)}


def without_names(run):
    """Remove `judged_by` from all verdicts, as in runs of an earlier version."""
    for part in run.parts(VERDICTS):
        run.write_table(part, run.read_part(part).drop_columns(["judged_by"]))


@pytest.fixture
def stages(local_ray, tmp_path, script):
    stages = make_synthesis(tmp_path / "run", script, questions=ASKED, samples=SAMPLES)
    stages.go()
    return stages


def test_stored_drafts_with_verdicts_of_unknown_rules_are_judged_again(stages):
    verdicts, parts, hashed = by_id(stages.run, VERDICTS, Verdict), stages.run.parts(DRAFTS), stages.corpus().hash
    without_names(stages.run)
    assert {verdict.judged_by for verdict in stages.run.read_records(VERDICTS, Verdict)} == {""}
    assert stages.corpus().hash == hashed
    tally = stages.go()
    assert (tally.made, tally.engines, tally.judged_again, tally.changed) == (0, 0, len(verdicts), 0)
    assert stages.run.parts(DRAFTS) == parts
    again = by_id(stages.run, VERDICTS, Verdict)
    assert {name: (one.outcome, one.judged_by) for name, one in again.items()} == {
        name: (one.outcome, one.judged_by) for name, one in verdicts.items()
    }
    assert stages.go().judged_again == 0


def test_a_corrected_gold_answer_changes_only_the_verdicts_of_its_question(stages, script):
    before = by_id(stages.run, VERDICTS, Verdict)
    corrected = [replace(ASKED[0], gold=str(int(ASKED[0].gold) + 1)), *ASKED[1:]]
    again = make_synthesis(stages.run.location, script, questions=corrected, samples=SAMPLES)
    tally = again.go()
    assert (tally.made, tally.judged_again) == (0, SAMPLES)
    after, drafts = by_id(stages.run, VERDICTS, Verdict), by_id(stages.run, DRAFTS, Draft)
    changed = {name for name, verdict in after.items() if verdict.outcome is not before[name].outcome}
    assert len(changed) == tally.changed > 0
    assert {drafts[name].question_id for name in changed} == {ASKED[0].question_id}
    assert {before[name].outcome.value for name in changed} == {"accepted"}
    assert {after[name].outcome.value for name in changed} == {"wrong_answer"}
    corpus = again.corpus()
    assert corpus.verified.total() == corpus.planned == len(after)


def test_old_drafts_are_judged_again_together_with_new_ones(stages, script):
    for part in stages.run.parts(VERDICTS):
        verdicts = from_table(Verdict, stages.run.read_part(part))
        stages.run.write_records(part, Verdict, [replace(one, judged_by="0123456789abcdef") for one in verdicts])
    more = make_synthesis(stages.run.location, script, questions=QUESTIONS[:9], samples=SAMPLES)
    tally = more.go()
    assert (tally.made, tally.judged_again) == (SAMPLES, SAMPLES * len(ASKED))
    assert more.corpus().verified.total() == SAMPLES * 9


def test_a_call_killed_between_two_parts_leaves_the_rest_to_the_next_call(stages, monkeypatch):
    without_names(stages.run)

    def die_after_one(run, parts, *rest):
        yield from outdated.judge_again(run, parts[:1], *rest)
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setitem(synthesize.__globals__, "judge_again", die_after_one)
        with pytest.raises(RuntimeError, match="killed"):
            stages.go()
    corpus = stages.corpus()
    assert corpus.verified.total() == corpus.planned
    tally = stages.go()
    assert 0 < tally.judged_again < SAMPLES * len(ASKED)
    assert stages.go().judged_again == 0


def test_an_outdated_part_names_the_blocks_of_all_its_questions():
    first, second = Block("a", 0, 4), Block("a", 4, 4)
    assert outdated_parts({first: {"x": 2, "y": 1}, second: {"x": 3}}) == [
        OutdatedPart("x", 5, (first, second)),
        OutdatedPart("y", 1, (first,)),
    ]


QUESTION = Question("0" * 32, "arithmetic", "train", "How many?", "5", AnswerKind.NUMBER, [])


@pytest.mark.parametrize(
    ("sandbox", "question", "path", "same"),
    [
        ({}, {}, PathKind.PROGRAM, True),
        ({"workers": 4}, {}, PathKind.PROGRAM, True),
        ({"minimum": "none"}, {}, PathKind.PROGRAM, True),
        ({}, {"facts": ["Ann is tall."]}, PathKind.PROGRAM, True),
        ({"cpu_s": 1.0}, {}, PathKind.PROGRAM, False),
        ({"memory_mib": 100}, {}, PathKind.PROGRAM, False),
        ({"allowed_imports": ("math",)}, {}, PathKind.PROGRAM, False),
        ({}, {"gold": "6"}, PathKind.PROGRAM, False),
        ({}, {"answer_kind": AnswerKind.TEXT}, PathKind.PROGRAM, False),
        ({}, {"text": "How many are 5?"}, PathKind.PROGRAM, False),
        ({}, {}, PathKind.RATIONALE, False),
    ],
)
def test_the_hash_of_a_verdict_covers_everything_that_can_change_it(sandbox, question, path, same):
    name = judged_by(rules_of(SandboxConfig()), QUESTION, PathKind.PROGRAM)
    assert len(name) == 16
    assert (judged_by(rules_of(SandboxConfig(**sandbox)), replace(QUESTION, **question), path) == name) == same


def test_a_new_version_of_the_rules_gives_a_new_hash(monkeypatch):
    name = rules_of(SandboxConfig())
    monkeypatch.setattr(judgement, "JUDGEMENT_VERSION", judgement.JUDGEMENT_VERSION + 1)
    assert rules_of(SandboxConfig()) != name


def test_a_users_reader_is_named_by_its_source(monkeypatch):
    from pad_ray.paths import PATHS

    class Own(Program):
        pass

    judgement.reader_of.cache_clear()
    assert judgement.reader_of(PathKind.PROGRAM) == "pad_ray.paths.program:Program"
    judgement.reader_of.cache_clear()
    monkeypatch.setitem(PATHS, PathKind.PROGRAM, Own)
    own = judgement.reader_of(PathKind.PROGRAM)
    judgement.reader_of.cache_clear()
    assert own.startswith(f"{__name__}:")
    assert len(own.rpartition(":")[2]) == 32
    assert judgement.reader_of(PathKind.RATIONALE) == f"{Rationale.__module__}:Rationale"
