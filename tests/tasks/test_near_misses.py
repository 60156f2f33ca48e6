"""The table of near misses: each must get the verdict that a person would give."""

import re
from pathlib import Path

import pytest

from pad_ray.schema import AnswerKind
from pad_ray.tasks.answers import equal, extract_final_answer

TABLE = Path(__file__).parent / "near_misses.tsv"
VERDICTS = {True: "right", False: "wrong", None: "unreadable"}
ESCAPE = re.compile(r"\\u([0-9a-f]{4})|\\n(?![a-z])")


def near_misses():
    lines = TABLE.read_text(encoding="utf-8").splitlines()
    return [line.split("\t") for line in lines if line and not line.startswith("# ")][1:]


def unescaped(text):
    return ESCAPE.sub(lambda match: chr(int(match[1], 16)) if match[1] else "\n", text)


def graded(kind, source, answer, gold):
    stated = extract_final_answer(kind, answer) if source == "text" else answer
    return VERDICTS[None if stated is None else equal(kind, stated, gold)]


@pytest.mark.parametrize(
    ("kind", "source", "answer", "gold", "verdict", "reason"), [pytest.param(*row, id=row[5]) for row in near_misses()]
)
def test_a_near_miss_gets_the_verdict_of_a_person(kind, source, answer, gold, verdict, reason):
    assert graded(AnswerKind(kind), source, unescaped(answer), gold) == verdict, reason


def test_the_table_holds_three_hundred_cases_of_every_kind_and_verdict():
    rows = near_misses()
    assert len({tuple(row[:4]) for row in rows}) == len(rows) >= 300
    assert {row[0] for row in rows} == set(AnswerKind)
    assert {row[4] for row in rows} == set(VERDICTS.values())
