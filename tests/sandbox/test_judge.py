"""The judge: from a program to a verdict."""

import json
import os
from pathlib import Path

import pytest

from pad_ray.sandbox import Candidate, judge, normalised_program_hash
from pad_ray.schema import AnswerKind, Outcome

QUESTION = "Olivia has $23. She bought five bagels for $3 each. How much money does she have left?"
RIGHT = "def solution():\n    money = 23\n    bagels = 5\n    result = money - bagels * 3\n    return result\n"


def verdict(sandbox, program, gold="8", kind=AnswerKind.NUMBER, question=QUESTION):
    return judge(sandbox, [Candidate("id", program, gold, kind, question)])[0]


def body(*lines):
    return "def solution():\n" + "".join(f"    {line}\n" for line in lines)


def test_accepted(sandbox):
    seen = verdict(sandbox, RIGHT)
    assert (seen.draft_id, seen.outcome, seen.value, seen.feedback) == ("id", Outcome.ACCEPTED, "8", "returned 8")
    assert seen.duration_ms > 0


def test_feedback_on_a_wrong_answer_gives_its_value_and_never_gold(sandbox):
    seen = verdict(sandbox, RIGHT, gold="987654")
    assert (seen.outcome, seen.value, seen.feedback) == (Outcome.WRONG_ANSWER, "8", "returned 8")


@pytest.mark.parametrize(
    ("program", "outcome"),
    [
        ("def solution(:", Outcome.SYNTAX_ERROR),
        ("def solution():\n return '\0'", Outcome.SYNTAX_ERROR),
        ("(" * 9000, Outcome.SYNTAX_ERROR),
        ("def solution():\n return " + "-" * 16000 + "1", Outcome.SYNTAX_ERROR),
        ("x = 1\n" * 9000, Outcome.SYNTAX_ERROR),
        ("def solution():\n return '\ud800'", Outcome.SYNTAX_ERROR),
        ("result = 8", Outcome.NO_ANSWER),
        ("import os\n" + RIGHT, Outcome.FORBIDDEN),
        ("from . import x\n" + RIGHT, Outcome.FORBIDDEN),
        (body("from subprocess import run", "return 8"), Outcome.FORBIDDEN),
        (body("return '8 dollars'"), Outcome.NOT_COMPARABLE),
        (body("return 23 > 5"), Outcome.NOT_COMPARABLE),
        (body("return bagels * 3"), Outcome.NAME_ERROR),
        (body("return"), Outcome.NO_ANSWER),
    ],
)
def test_rejected_with_a_reason(sandbox, program, outcome):
    seen = verdict(sandbox, program)
    assert seen.outcome is outcome and 0 < len(seen.feedback) <= 200


@pytest.mark.parametrize(
    ("program", "hard_coded"),
    [
        (body("return 8"), True),
        (body("# 23 - 5 * 3 = 8", "result = 8", "return result"), True),
        (body("money = 23", "left = money - 5 * 3", "result = 8", "return result"), True),
        (body("return 8 * 1"), True),
        (body("return int('8')"), True),
        (body("return 23 - 15"), False),
        (body("spent = 0", "for _ in range(5):", "    spent += 3", "return 23 - spent"), False),
        (body("prices = [3] * 5", "return 23 - sum(prices)"), False),
        (body("data = {'money': 23}", "data['left'] = data['money'] - 15", "return data['left']"), False),
        ("def left(money):\n    return money - 15\n" + body("return left(23)"), False),
        ("MONEY = 23\n" + body("return MONEY - 15"), False),
        ("from decimal import Decimal\n" + body("return Decimal('23') - 15"), False),
    ],
)
def test_a_stated_answer_is_hard_coded(sandbox, program, hard_coded):
    assert verdict(sandbox, program).outcome is (Outcome.HARD_CODED if hard_coded else Outcome.ACCEPTED)


@pytest.mark.parametrize(
    ("question", "expression", "gold"),
    [
        ("Half of a dozen eggs break. How many are left?", "12 / 2", "6"),
        ("Ann has twenty-five pens and gives away none.", "25 + 0", "25"),
        ("It costs $1,250. What is it after 20% off?", "x * 0.8", "8"),
        ("Three million people leave.", "3000000 - 1", "2999999"),
        ("Sales rose by 15 percent.", "1.15 * 100", "115"),
        ("A triple of twins?", "2 * 3", "6"),
        ("How many are there?", "4 + 4", "8"),
    ],
)
def test_numbers_in_words_count(sandbox, question, expression, gold):
    program = body("x = 10", f"return {expression}")
    assert verdict(sandbox, program, gold, AnswerKind.NUMBER, question).outcome is Outcome.ACCEPTED


def test_yes_or_no_needs_only_an_operation(sandbox):
    question = "A coin is heads up. Ann flips it. Is it still heads up?"
    flips = body("heads = True", "heads = not heads", "for _ in range(0):", "    heads = not heads", "return heads")
    assert verdict(sandbox, flips, "no", AnswerKind.YES_NO, question).outcome is Outcome.ACCEPTED
    assert verdict(sandbox, body("return False"), "no", AnswerKind.YES_NO, question).outcome is Outcome.HARD_CODED
    assert verdict(sandbox, flips, "yes", AnswerKind.YES_NO, question).outcome is Outcome.WRONG_ANSWER


def test_without_gold_or_question_a_program_is_only_executed(sandbox):
    assert verdict(sandbox, body("return 99"), gold=None, question=None).outcome is Outcome.ACCEPTED
    assert verdict(sandbox, body("return 8"), question=None).outcome is Outcome.ACCEPTED


def test_the_order_of_candidates_is_kept_and_repeated_programs_get_their_own_verdict(sandbox):
    programs = [RIGHT, "broken(", RIGHT, body("return x"), RIGHT]
    verdicts = judge(
        sandbox,
        [Candidate(str(n), p, "8" if n else "9", AnswerKind.NUMBER, QUESTION) for n, p in enumerate(programs)],
    )
    assert [seen.draft_id for seen in verdicts] == list("01234")
    assert [seen.outcome.value for seen in verdicts] == [
        "wrong_answer", "syntax_error", "accepted", "name_error", "accepted",
    ]  # fmt: skip


def test_the_hash_ignores_names_comments_docstrings_and_layout():
    other = 'def solution():\n  """x"""\n  a=23 # dollars\n  b: int = 5\n  c = a-b*3\n  return (c)\n'
    assert normalised_program_hash(RIGHT) == normalised_program_hash(other)


@pytest.mark.parametrize(
    "other",
    [
        RIGHT.replace("5", "4"),
        RIGHT.replace("-", "+"),
        RIGHT.replace("money - bagels", "bagels - money"),
        RIGHT.replace("return result", "return money"),
        "import math\n" + RIGHT,
    ],
)
def test_the_hash_reflects_every_change_of_meaning(other):
    assert normalised_program_hash(RIGHT) != normalised_program_hash(other)


@pytest.mark.parametrize("text", ["", "def (", "\0", "\ud800", "(" * 9000, "a" + ".b" * 8000, "1" + "+1" * 8000])
def test_the_hash_accepts_any_text(text):
    assert len(normalised_program_hash(text)) == 32
    assert normalised_program_hash(text) != normalised_program_hash(text + " x")


@pytest.mark.data
@pytest.mark.skipif("PAD_RAY_DATA" not in os.environ, reason="PAD_RAY_DATA names no folder of public data sets")
def test_the_programs_of_gsm_hard(sandbox):
    """1,319 programs of Codex with their targets: exactly the six without any arithmetic are rejected."""
    lines = (Path(os.environ["PAD_RAY_DATA"]) / "gsm_hard" / "gsmhardv2.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines]
    verdicts = judge(
        sandbox,
        [Candidate(str(n), r["code"], repr(r["target"]), AnswerKind.NUMBER, r["input"]) for n, r in enumerate(rows)],
    )
    rejected = {seen.draft_id: seen.outcome for seen in verdicts if seen.outcome is not Outcome.ACCEPTED}
    assert len(verdicts) == 1319
    assert rejected == dict.fromkeys(("129", "1004", "1152", "1206", "1213", "1263"), Outcome.HARD_CODED)
