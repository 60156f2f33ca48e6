"""Completions designed to break an evaluation: each must end with an outcome and not affect other questions."""

import asyncio

import pytest

from pad_ray.decoding.actor import solve_block
from pad_ray.decoding.config import strategy
from pad_ray.run.folder import RunDir
from pad_ray.schema import Outcome, Solution
from tests.decoding.engines import WrittenEngine, make_question, tools

HEAD = "def solution():\n"
HOSTILE = {
    "10 MB line": HEAD + "    a = " + "9" * 10_000_000 + "\n    return a\n",
    "10 MB of lines": HEAD + "    a = 1\n" * 1_000_000,
    "unbalanced brackets": HEAD + "    a = " + "(" * 50_000 + "\n    return a\n",
    "deep nesting": HEAD + "    a = " + "(" * 5_000 + "1" + ")" * 5_000 + "\n    return a\n",
    "a tower": HEAD + "    a = 9**9**9\n    return a\n",
    "no end": HEAD + "    while True:\n        pass\n",
    "control characters": HEAD + "    a = '\x00\x07\x1b[2J\u2028'\n    return a\n",
    "surrogates": HEAD + "    a = '\ud800'\n    return a\n",
    "calculations": "<<9**9**9=" * 1_000 + "<<" * 100_000 + "=" * 1_000 + "\n#### <<",
    "half a character that answers": "\ud800\n#### 5",
    "nothing": "",
    "blank": "\n" * 10_000,
}
STRATEGIES = [
    "greedy",
    {"kind": "greedy", "path": "rationale"},
    {"kind": "vote", "samples": 2},
    {"kind": "mixed", "samples": 2},
    {"kind": "step_beam", "beams": 2, "proposals": 2},
    {"kind": "step_beam", "beams": 2, "proposals": 2, "path": "rationale", "verifiers": ["faithfulness"]},
    {"kind": "best_of_n", "samples": 2},
    {"kind": "best_of_n", "samples": 2, "path": "rationale"},
    {"kind": "resample", "like": "refine"},
    {"kind": "refine", "rounds": 2},
    "socratic",
    {"kind": "socratic", "variant": "unified"},
]
BEGINS = ("Solution:\n", "Answer:\n", "Steps:\n", "Sub-questions:\n", "Step:\n")


def text_of(request):
    """The rest of a text after the end of a prompt."""
    name = next((name for name in HOSTILE if f"Question: {name}\n" in request.prompt), None)
    if name is None:
        return "def solution():\n    return 12\n"[len(request.prompt.rpartition("Solution:\n")[2]) :]
    begun = next((request.prompt.rpartition(cue)[2] for cue in BEGINS if cue in request.prompt), "")
    return HOSTILE[name][len(begun) :] if HOSTILE[name].startswith(begun) else HOSTILE[name]


@pytest.mark.parametrize("given", STRATEGIES, ids=str)
def test_every_question_gets_an_outcome_that_can_be_stored(sandbox, tmp_path, given):
    questions = [make_question(name) for name in HOSTILE]

    async def run():
        return await solve_block(
            questions, strategy(given), tools(WrittenEngine(text_of), sandbox), asyncio.Semaphore(8)
        )

    solutions = asyncio.run(run())
    run_dir = RunDir(str(tmp_path))
    run_dir.write_records("solutions/part.parquet", Solution, solutions)
    read = {solution.question_id: solution for solution in run_dir.read_records("solutions", Solution)}
    assert len(read) == len(HOSTILE)
    assert not any(solution.correct or solution.outcome.is_fault for solution in read.values())


@pytest.mark.parametrize("given", ["greedy", {"kind": "step_beam", "beams": 2, "proposals": 2}], ids=str)
def test_concurrent_questions_are_answered(sandbox, given):
    questions = [make_question(name) for name in HOSTILE]
    plain = [make_question(f"How many, {number}?") for number in range(3)]

    async def run():
        mixed = [*questions[:5], *plain, *questions[5:]]
        return await solve_block(mixed, strategy(given), tools(WrittenEngine(text_of), sandbox), asyncio.Semaphore(8))

    solutions = asyncio.run(run())
    assert [solution.outcome for solution in solutions[5:8]] == [Outcome.ACCEPTED] * 3
