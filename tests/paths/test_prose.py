"""Calculations without annotation: right and wrong ones are found, and prose is not judged."""

import json
import re

import pytest

from pad_ray.paths.equations import check
from pad_ray.paths.rationale import judge_rationale
from pad_ray.schema import AnswerKind, Outcome

RIGHT = [
    "She has 16 - 3 = 13 eggs.",
    "3 apples + 4 apples = 7 apples",
    "5 + 3 = 8 - 2 = 6",
    "3 * 4 = 2 * 6 = 12",
    "He pays $1,250 x 4 = $5,000.",
    "20% of 50 = 10",
    "1/4 cup + 1 and 1/4 cup = 1 1/2 cups",
    "10/3 = 3.33...",
    "100 / 6 = 16 remainder 4",
    "17/3 = 5 and 2/3",
    "20/3 = 7 (rounded up)",
    "12/48 = 25%",
    "$2000 / 2/3 = $3000",
    "32 / 2 = $16 million",
    "14,5 + 1 = 15,5 and 2 + 2 = 4",
    "16 − 3 ＝ 13",
    "١٢ + ٣ = ١٥",
    "小明有3个苹果 + 4个苹果 = 7个苹果。",
    "\\frac{3}{4} \\times 8 = 6",
    "\\(3 \\cdot 4 = 12\\)",
    "**3 + 4 = 7**",
    "- 3 + 4 = 7",
    "\\[ 2\\frac{1}{2} \\times 4 = 10 \\]",
    "10 \\div 2\\frac{1}{2} = 4",
    "3 + 4 = \\boxed{7}",
    "3 + 4 = \\boxed{\\text{7 apples}}",
    "1500-10-20 = 1470",
    "1. 3 + 4 = 7",
    "Total eggs\n= 3 * 4\n= 12",
    "24 (3 x 8 = 24)",
    "12 ÷ 4 = 3!",
    "3 times 4 = 12",
    "7 eggs/day * 2 days = 14 eggs",
    "5 - -3 = 8",
]
WRONG = [
    ("She has 16 - 3 = 14 eggs.", "16 - 3 is 13, not 14"),
    ("3 apples + 4 apples = 8 apples", "3 apples + 4 apples is 7, not 8"),
    ("5 + 3 = 8 - 2 = 7", "8 - 2 is 6, not 7"),
    ("3 * 4 = 2 * 5 = 10", "3 * 4 is 12, not 2"),
    ("He pays $1,250 x 4 = $4,000.", "$1,250 * 4 is 5000, not $4,000."),
    ("20% of 50 = 15", "20% * 50 is 10, not 15"),
    ("100 / 6 = 17", "100 / 6 is 16.67, not 17"),
    ("16 − 3 ＝ 14", "16 - 3 is 13, not 14"),
    ("١٢ + ٣ = ١٦", "12 + 3 is 15, not 16"),
    ("小明有3个苹果 + 4个苹果 = 8个苹果。", "3个苹果 + 4个苹果 is 7, not 8"),
    ("Осталось 16 - 3 = 14 яиц.", "16 - 3 is 13, not 14"),
    ("16 - 3 = 14 अंडे", "16 - 3 is 13, not 14"),
    ("\\frac{3}{4} \\times 8 = 7", "((3)/(4)) * 8 is 6, not 7"),
    ("**3 + 4 = 8**", "3 + 4 is 7, not 8"),
    ("- 3 + 4 = 8", "3 + 4 is 7, not 8"),
    ("\\[ 2\\frac{1}{2} \\times 4 = 4 \\]", "2 1/2 * 4 is 10, not 4"),
    ("3 + 4 = \\boxed{8}", "3 + 4 is 7, not 8"),
    ("$3 + 4 = \\boxed{\\$8}", "$3 + 4 is 7, not $8"),
    ("Total eggs\n= 3 * 4\n= 13", "3 * 4 is 12, not 13"),
    ("24 (3 x 8 = 25)", "3 * 8 is 24, not 25"),
    ("In all that is a total of 15-3 = 19 cougars.", "15-3 is 12, not 19"),
    ("He runs 5*12= 67 miles a week", "5*12 is 60, not 67"),
    ("It increased to 3*60 = 187.", "3*60 is 180, not 187."),
    ("2(3+4)=15", "2(3+4) is 14, not 15"),
    ("3 times 4 = 13", "3 * 4 is 12, not 13"),
]
NOT_JUDGED = [
    "x = 3",
    "Step 1 = add",
    "On 5/6 = a Tuesday",
    "2x + 3 = 7",
    "3x - 5 = 16",
    "4K - 4 = 92",
    "2B - 14 = 112",
    "a1 + 3 = 9",
    "x + 3 = 9",
    "3 + y = 9",
    "2(4x-7)=8x-14",
    "10/3 ≈ 3",
    "3 + 4 == 8",
    "3 + 4 != 8",
    "3 + 4 >= 2",
    "pages 5-10 = 6 pages",
    "Day 1 - 3 + 4 = 7",
    "day 1 * 2 = 20",
    "half of 20 + 4 = 14",
    "He adds 5 to 3 + 4 = 12",
    "$5 + 50 cents = $5.50",
    "2 hours + 30 minutes = 150 minutes",
    "2 hours * 30 = 50 minutes and 1 hour - 20 = 40 minutes",
    "3 dozen + 4 = 40",
    "5! = 120",
    "√16 + 2 = 6",
    "|3 - 5| = 2",
    "3:30 + 2:00 = 5:30",
    "0900-0130 = 0730",
    "2021-05-03 + 7 days = 2021-05-10",
    "05/03/2021 + 7 days = 05/10/2021",
    "17 mod 5 = 2",
    "3,5 + 1,5 = 5",
    "1/3 of Ann = 22",
    "150 minutes / 5 minutes/100 metres = 3 times",
    "100 - 20% + 5 = 85 people",
    "14, 400 / 80 = 180",
    "f(3) + 4 = 9",
    "9 because - 18/-2 = 9",
    "3 + 4 = about 7.2",
    "половина от 20 + 4 = 14",
    "3万 + 5000 = 35000",
    "3 + 4 =",
    "= 3 + 4",
]


@pytest.mark.parametrize("text", RIGHT)
def test_a_right_calculation_is_found(text):
    equations = check(text)
    assert equations
    assert {equation.right for equation in equations} == {True}


@pytest.mark.parametrize(("text", "reason"), WRONG)
def test_a_wrong_calculation_is_found_with_its_value(text, reason):
    assert [equation.reason for equation in check(text) if equation.right is False] == [reason]


@pytest.mark.parametrize("text", NOT_JUDGED)
def test_text_that_is_not_understood_is_not_judged(text):
    assert [equation for equation in check(text) if equation.right is False] == []


def test_a_right_answer_does_not_excuse_a_wrong_plain_calculation():
    text = "She has 16 - 3 = 14 eggs left.\nShe sells 13 * 2 = 26 dollars.\n#### 26"
    verdict = judge_rationale("d", text, "26", AnswerKind.NUMBER)
    assert (verdict.outcome, verdict.feedback) == (Outcome.WRONG_ANSWER, "step 1: 16 - 3 is 13, not 14")


def test_an_annotation_is_not_part_of_the_plain_calculation_around_it():
    assert [one.right for one in check("48/2 = <<48/2=24>>24 clips and 3+4 = $<<3+4=7>>7")] == [True] * 4
    assert [one.right for one in check("48/2 = <<48/2=24>>25 clips")] == [True, False]


@pytest.mark.data
def test_plain_calculations_of_published_rationales_are_right_except_for_their_authors_mistakes(data_dir):
    rows = [line for split in ("train", "test") for line in (data_dir / f"gsm8k/{split}.jsonl").open()]
    texts = [re.sub("<<.*?>>", "", json.loads(row)["answer"]) for row in rows]
    texts += [row["answer_cot"] for row in json.loads((data_dir / "mwp_reft/svamp_nl.json").read_text())]
    equations = [equation for text in texts for equation in check(text)]
    assert len(equations) > 31_000
    # Each was checked by hand: `192*100=$1920`, `2*8 = 24 hours`, `4+4+6 = 18 hot dogs`, …
    assert sum(equation.right is False for equation in equations) == 26


@pytest.mark.data
def test_most_corrupted_calculations_are_found(data_dir):
    texts = [json.loads(line)["answer"] for line in (data_dir / "gsm8k/test.jsonl").open()]
    plain = [re.sub("<<.*?>>", "", text) for text in texts]
    lines = [line for text in plain for line in text.split("\n") if [one.right for one in check(line)] == [True]]
    spoilt = [re.sub(r"= ?(\$?)(\d+)", lambda sides: f"= {sides[1]}{int(sides[2]) + 7}", line) for line in lines]
    assert sum(any(one.right is False for one in check(line)) for line in spoilt) > 0.9 * len(lines)
