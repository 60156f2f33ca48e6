"""A student's strategies on Ray: actors, parts, resume."""

import json
from dataclasses import replace

import pytest
import torch
from safetensors.torch import save_file

from pad_ray.decoding import solver as solvers
from pad_ray.decoding.config import strategy
from pad_ray.decoding.solver import BLOCK_QUESTIONS, Solver
from pad_ray.decoding.stored import SolveSettings, StoredSolutions
from pad_ray.engines.config import EngineConfig
from pad_ray.errors import InputError
from pad_ray.paths import PATHS, Program
from pad_ray.run.folder import RunDir
from pad_ray.run.progress import Progress
from pad_ray.sandbox import SandboxConfig
from pad_ray.schema import Outcome, PathKind, Solution, from_table
from tests.decoding.engines import make_question

RIGHT = "def solution():\n    apples = 3 * 4\n    return apples\n"
WRONG = "def solution():\n    apples = 3 + 4\n    return apples\n"
CRASHES = "def solution():\n    return apples\n"
QUESTIONS = [make_question(f"How many, {number}?") for number in range(BLOCK_QUESTIONS + 8)]


@pytest.fixture
def engine(tmp_path):
    """A scripted engine that writes its log to `log`."""

    def build(*completions, **script):
        path = tmp_path / "script.json"
        path.write_text(json.dumps({"*": list(completions), "@": {"log": str(tmp_path / "log")}, **script}))
        return EngineConfig(kind="scripted", script=str(path))

    return build


@pytest.fixture
def solver(local_ray, tmp_path):
    """Opens a solver on this test's run."""
    opened = []

    def build(engine, max_tokens=64):
        paths = {kind: PATHS[kind]() for kind in PATHS}
        opened.append(
            Solver(
                RunDir(str(tmp_path / "run")), engine, SandboxConfig(), SolveSettings(paths, max_tokens, 8), Progress()
            )
        )
        return opened[-1]

    yield build
    for one in opened:
        one.close()


def calls(folder):
    return len((folder / "log").read_text().splitlines()) if (folder / "log").exists() else 0


def test_every_strategy_runs_on_one_engine_and_nothing_is_solved_twice(engine, solver, tmp_path):
    solving = solver(engine(RIGHT, RIGHT, WRONG, CRASHES))
    for given in ("greedy", "vote", "step_beam", "refine", "mixed", "socratic"):
        solved = solving.solve("toy", given, QUESTIONS, strategy(given))
        assert [solution.question_id for solution in solved.solutions] == [q.question_id for q in QUESTIONS]
        assert {solution.strategy for solution in solved.solutions} == {given}
    asked = calls(tmp_path)
    again = solving.solve("toy", "vote", QUESTIONS, strategy("vote"))
    assert again.seconds == 0
    assert calls(tmp_path) == asked
    assert solving.solve("toy", "vote", QUESTIONS, strategy({"kind": "vote", "samples": 9})).seconds > 0
    assert calls(tmp_path) > asked


def test_a_stored_block_is_kept_unless_another_model_wrote_it(engine, solver, tmp_path):
    run, faulty = RunDir(str(tmp_path / "run")), {QUESTIONS[0].text: [{"error": "no"}]}
    solving = solver(engine(RIGHT, **faulty))
    whole = solving.solve("toy", "greedy", QUESTIONS, strategy("greedy")).solutions
    assert (whole[0].outcome, whole[0].feedback) == (Outcome.ENGINE_FAULT, "no")
    assert all(solution.correct for solution in whole[1:])
    parts = run.parts("solutions/toy/greedy")
    assert len(parts) == 2
    run.filesystem.delete_file(run.path(parts[0]))
    asked = calls(tmp_path)
    resumed = solving.solve("toy", "greedy", QUESTIONS, strategy("greedy")).solutions
    assert 0 < calls(tmp_path) - asked < len(QUESTIONS)
    assert [(s.question_id, s.answer) for s in resumed] == [(s.question_id, s.answer) for s in whole]
    other = solver(engine(WRONG).model_copy(update={"model": "other"}))
    replaced = other.solve("toy", "greedy", QUESTIONS, strategy("greedy")).solutions
    assert not any(solution.correct for solution in replaced)


def test_solutions_of_other_questions_are_kept(engine, solver, tmp_path):
    solving = solver(engine(RIGHT))
    for asked, new in ((QUESTIONS[:4], 4), (QUESTIONS[2:6], 2), (QUESTIONS[:6], 0)):
        before = calls(tmp_path)
        solved = solving.solve("toy", "greedy", asked, strategy("greedy"))
        assert [solution.question_id for solution in solved.solutions] == [question.question_id for question in asked]
        assert calls(tmp_path) - before == new


def test_a_changed_gold_answer_is_compared_again_and_a_changed_budget_is_solved_again(engine, solver, tmp_path):
    solving, resample = solver(engine(RIGHT)), strategy({"kind": "resample", "like": "greedy"})
    first, second, third = QUESTIONS[:3]
    budgets = {question.question_id: 1 for question in QUESTIONS[:3]}
    solving.solve("toy", "more", [first, second, third], resample, budgets)
    corrected, before = replace(first, gold="13"), calls(tmp_path)
    solved = solving.solve("toy", "more", [corrected, second, third], resample, budgets | {third.question_id: 2})
    assert [solution.gold for solution in solved.solutions] == ["13", second.gold, third.gold]
    assert [solution.outcome.value for solution in solved.solutions] == ["wrong_answer", "accepted", "accepted"]
    assert not solved.solutions[0].correct
    assert calls(tmp_path) - before == 1


def under_earlier_rules(run, place):
    """Solutions with a manifest without rules, and with an answer that differs from the current reading of the texts."""
    (part,) = run.parts(place)
    solutions = from_table(Solution, run.read_part(part))
    spoiled = [replace(one, answer="1", outcome=Outcome.WRONG_ANSWER, correct=False) for one in solutions]
    run.write_records(part, Solution, spoiled)
    manifest = run.read_json(f"{place}/manifest.json")
    del manifest["rules"]
    run.write_json(f"{place}/manifest.json", manifest)


@pytest.mark.parametrize(("given", "asked_again"), [("greedy", False), ("vote", True)])
def test_solutions_of_earlier_rules_are_read_again_if_greedy_and_else_solved_again(
    engine, solver, tmp_path, given, asked_again
):
    run, solving = RunDir(str(tmp_path / "run")), solver(engine(RIGHT, CRASHES))
    whole = solving.solve("toy", given, QUESTIONS[:6], strategy(given))
    under_earlier_rules(run, f"solutions/toy/{given}")
    before = calls(tmp_path)
    again = solving.solve("toy", given, QUESTIONS[:6], strategy(given))
    assert (calls(tmp_path) > before) == asked_again
    assert [(one.outcome, one.answer, one.feedback) for one in again.solutions] == [
        (one.outcome, one.answer, one.feedback) for one in whole.solutions
    ]
    assert solving.solve("toy", given, QUESTIONS[:6], strategy(given)).seconds == 0


def test_a_manifest_with_the_sandbox_in_its_key_is_recognised(engine, solver, tmp_path):
    run, solving = RunDir(str(tmp_path / "run")), solver(engine(RIGHT))
    solving.solve("toy", "greedy", QUESTIONS[:6], strategy("greedy"))
    manifest, before = run.read_json("solutions/toy/greedy/manifest.json"), calls(tmp_path)
    stored = StoredSolutions(
        run, "solutions/toy/greedy", solving.engine, SandboxConfig(), solving.settings, strategy("greedy")
    )
    del manifest["rules"]
    run.write_json("solutions/toy/greedy/manifest.json", {**manifest, "key": stored._keys(QUESTIONS[0])[1]})
    assert all(one.correct for one in solving.solve("toy", "greedy", QUESTIONS[:6], strategy("greedy")).solutions)
    assert calls(tmp_path) == before


def test_a_text_that_crashes_its_parser_costs_one_question(engine, solver):
    class Breaks(Program):
        def parse(self, completion):
            if "* 4" in completion:
                raise KeyError("no such thing")
            return super().parse(completion)

    solving = solver(engine(WRONG, **{QUESTIONS[1].text: [RIGHT]}))
    solving.settings = replace(solving.settings, paths={**solving.settings.paths, PathKind.PROGRAM: Breaks()})
    solved = solving.solve("toy", "greedy", QUESTIONS[:3], strategy("greedy")).solutions
    assert [one.outcome for one in solved] == [Outcome.WRONG_ANSWER, Outcome.SANDBOX_FAULT, Outcome.WRONG_ANSWER]
    assert solved[1].feedback == "judging failed: KeyError: 'no such thing'"


def test_a_fault_is_solved_again_with_retry_faults(engine, solver):
    faulty = solver(engine(RIGHT, **{QUESTIONS[0].text: [{"error": "no"}]}))
    faulty.solve("toy", "greedy", QUESTIONS[:3], strategy("greedy"))
    mended = solver(engine(RIGHT))
    kept = mended.solve("toy", "greedy", QUESTIONS[:3], strategy("greedy"))
    assert (kept.solutions[0].outcome, kept.seconds) == (Outcome.ENGINE_FAULT, 0)
    mended.settings = replace(mended.settings, retry_faults=True)
    again = mended.solve("toy", "greedy", QUESTIONS[:3], strategy("greedy"))
    assert [solution.outcome for solution in again.solutions] == [Outcome.ACCEPTED] * 3
    assert again.all_seconds > again.seconds > 0


def test_seconds_of_replaced_solutions_do_not_count(engine, solver):
    solving = solver(engine(RIGHT))
    first = solving.solve("toy", "vote", QUESTIONS, strategy({"kind": "vote", "samples": 2}))
    other = solving.solve("toy", "vote", QUESTIONS, strategy({"kind": "vote", "samples": 3}))
    assert first.all_seconds == first.seconds
    assert other.all_seconds == other.seconds


@pytest.mark.parametrize(
    "given",
    [
        "step_beam",
        {"kind": "socratic", "calculator": True},
        {"kind": "greedy", "path": "rationale", "calculator": True},
        {"kind": "refine", "first": {"kind": "step_beam"}},
    ],
    ids=str,
)
def test_an_encoder_decoder_cannot_continue_a_text(solver, tmp_path, given):
    (tmp_path / "student").mkdir()
    (tmp_path / "student/config.json").write_text('{"is_encoder_decoder": true}')
    save_file({"weight": torch.zeros(1)}, tmp_path / "student/model.safetensors")
    config = EngineConfig(kind="transformers", model=str(tmp_path / "student"))
    with pytest.raises(InputError, match="encoder-decoder"):
        solver(config).solve("toy", "given", QUESTIONS[:1], strategy(given))


def test_a_second_model_has_a_separate_engine(engine, solver):
    solving = solver(engine("How many bags?"))
    given = strategy({"kind": "socratic", "decomposer": "other"})
    solved = solving.solve("toy", "socratic", QUESTIONS[:2], given).solutions
    assert [len(actors) for actors in solving.second_models.values()] == [1]
    assert all(solution.paths[0].startswith("How many bags? **") for solution in solved)


def test_two_models_do_not_wait_for_each_others_gpus(engine, solver, monkeypatch):
    monkeypatch.setattr(solvers, "uses_gpu", lambda config: True)
    monkeypatch.setattr(solvers, "engine_count", lambda config: 3)
    monkeypatch.setattr(solvers, "gpus", lambda: 3)
    given = strategy({"kind": "socratic", "decomposer": "other"})
    with pytest.raises(InputError, match=r"the cluster has 3 GPUs: set evaluation\.engine\.actors to 1"):
        solver(engine(RIGHT)).solve("toy", "socratic", QUESTIONS[:1], given)


def test_a_question_that_kills_the_engine_fails_alone(engine, solver):
    poison = {QUESTIONS[0].text: [{"crash": True}]}
    first, *others = solver(engine(RIGHT, **poison)).solve("toy", "greedy", QUESTIONS[:4], strategy("greedy")).solutions
    assert first.outcome is Outcome.ENGINE_FAULT
    assert "died 2 times on this prompt alone" in first.feedback
    assert all(solution.correct for solution in others)


@pytest.mark.parametrize(
    "given",
    [
        "step_beam",
        {"kind": "socratic", "calculator": True},
        {"kind": "greedy", "path": "rationale", "calculator": True},
    ],
    ids=str,
)
def test_strategies_that_work_line_by_line_reject_other_engines(solver, given):
    config = EngineConfig(kind="openai", base_url="http://127.0.0.1:1/v1")
    with pytest.raises(InputError, match="line by line"):
        solver(config).solve("toy", given, QUESTIONS[:1], strategy(given))
