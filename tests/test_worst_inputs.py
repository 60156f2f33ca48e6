"""Functions that read a model's text have limits of time and memory: regression tests with inputs that once exceeded them."""

import ast
import resource
import sys

import pytest

from pad_ray.sandbox import Candidate, Sandbox, SandboxConfig, judge
from pad_ray.schema import AnswerKind, Outcome
from tests.hard_inputs import hard_inputs
from tests.readers import LONGEST_BYTES, readers
from tests.worst_inputs import costs

LIMIT_S = 5.0
"""Ten times the limit of a call on an idle machine; before the limits, these inputs took minutes or gigabytes."""
LIMIT_MB = 150
READERS = {reader.name: reader for reader in readers()}
TEXTS = hard_inputs(LONGEST_BYTES)


@pytest.mark.parametrize(
    ("name", "inputs"),
    [
        (
            "is_hard_coded, number",
            ["targets", "keys", "a display of keys", "names", "two names", "one branch", "nested ifs"],
        ),
        ("is_hard_coded, yes_no", ["augmented", "functions in a row", "nested tests", "choices", "nested keys"]),
        ("normalised_program_hash", ["a hexadecimal", "names in a line", "targets", "nested lists"]),
        ("question_numbers", ["nothing", "a number and nothing", "ratios", "numbers in words", "digits"]),
        ("mutations.join_lines", ["lines of lists"]),
        ("mutations.drop_bracket_or_colon", ["nested brackets", "spaced brackets", "wide call"]),
        ("mutations.another_variable", ["names", "a line of wide names"]),
        ("mutations.swap_operands", ["differences", "a wide line", "spaced brackets"]),
        ("execution.probe", ["finally", "nested tries"]),
        ("samples.failing_line", ["names in a line"]),
    ],
)
def test_a_call_stays_within_its_limits(name, inputs):
    found = list(costs(READERS[name], {text: TEXTS[text] for text in inputs}, LIMIT_S))
    assert [one.text for one in found] == inputs
    assert not [one for one in found if one.end or one.megabytes > LIMIT_MB]


def test_a_batch_of_long_programs_takes_no_more_memory_than_one():
    programs = [f"def solution():\n {'a;' * 7900}a{number}" for number in range(40)]
    candidates = [Candidate(str(number), text, "1", AnswerKind.NUMBER, "1?") for number, text in enumerate(programs)]
    with Sandbox(SandboxConfig(cpu_s=1, wall_s=5)) as sandbox:
        judge(sandbox, candidates[:2])
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        verdicts = judge(sandbox, candidates)
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert {one.outcome for one in verdicts} == {Outcome.NAME_ERROR}
    assert grown < LIMIT_MB


def test_a_program_that_crashes_the_checks_costs_only_itself(sandbox_config, monkeypatch):
    def broken(tree, kind, question):
        if any(isinstance(node, ast.Pow) for node in ast.walk(tree)):
            raise LookupError("no such power")
        return False

    monkeypatch.setattr(sys.modules[judge.__module__], "is_hard_coded", broken)
    bodies = ["2 + 2", "2 ** 2", "1 + 3"]
    candidates = [Candidate(one, f"def solution():\n return {one}", "4", AnswerKind.NUMBER, "2?") for one in bodies]
    with Sandbox(sandbox_config) as sandbox:
        verdicts = judge(sandbox, candidates)
    assert [one.outcome for one in verdicts] == [Outcome.ACCEPTED, Outcome.SANDBOX_FAULT, Outcome.ACCEPTED]
    assert verdicts[1].feedback == "judging failed: LookupError: no such power"


@pytest.mark.parametrize("gold", ["four", "", "4 or 5"])
def test_an_invalid_gold_answer_is_the_callers_error(sandbox_config, gold):
    candidate = Candidate("a", "def solution():\n return 2 + 2", gold, AnswerKind.NUMBER, "2?")
    with Sandbox(sandbox_config) as sandbox, pytest.raises(ValueError, match="not a number answer"):
        judge(sandbox, [candidate])


@pytest.fixture
def sandbox_config():
    return SandboxConfig(cpu_s=1, wall_s=5)
