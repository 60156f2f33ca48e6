"""Whether a program computes its answer from the question or hard-codes it."""

import ast
from itertools import chain
from pathlib import Path

import pytest
import yaml

from pad_ray.paths.demonstrations import load_sets
from pad_ray.sandbox.hard_coded import is_hard_coded
from pad_ray.sandbox.question_facts import question_numbers
from pad_ray.schema import AnswerKind, PathKind
from tests.sandbox.cheats import cheats, share_caught

ROWS = yaml.safe_load(Path(__file__).with_name("hard_coded.yaml").read_text())


def whole(text):
    """The program; a mere body becomes the body of `solution`."""
    if "def solution" in text:
        return text
    return "def solution():\n" + "".join(f"    {line}\n" for line in text.splitlines())


def cases(name):
    return [
        pytest.param(AnswerKind(row["kind"]), row["question"], whole(program), id=f"{row['kind']}-{number}-{place}")
        for number, row in enumerate(ROWS)
        for place, program in enumerate(row.get(name, ()))
    ]


@pytest.mark.parametrize(("kind", "question", "program"), cases("computed"))
def test_a_program_that_takes_its_answer_from_the_question_is_not_hard_coded(kind, question, program):
    assert not is_hard_coded(ast.parse(program), kind, question), program


@pytest.mark.parametrize(("kind", "question", "program"), cases("stated"))
def test_a_program_that_states_its_answer_is_hard_coded(kind, question, program):
    assert is_hard_coded(ast.parse(program), kind, question), program


@pytest.mark.parametrize("task", ["arithmetic", "coin_flip", "last_letters"])
def test_no_demonstration_is_hard_coded(task):
    for shown in chain.from_iterable(load_sets(task, PathKind.PROGRAM, None)):
        question = shown.question
        assert not is_hard_coded(ast.parse(shown.text), question.answer_kind, question.text), shown.text


def test_most_of_300_cheating_programs_are_caught():
    programs = cheats(300)
    assert len({program.text for program in programs}) == 300
    assert share_caught(programs) >= 0.9


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("3/4 cup", 0.75),
        ("2 3/4 cups", 2.75),
        ("2 and 3/4 cups", 2.75),
        ("½", 0.5),
        ("2½", 2.5),
        ("⅞ of it", 0.875),
        (r"\frac{3}{4}", 0.75),
        (r"2\dfrac{1}{4}", 2.25),
        ("3⁄4", 0.75),
        ("two hundred and fifty", 250),
        ("one hundred twenty-five", 125),
        ("three thousand two hundred and six", 3206),
        ("one million two hundred thousand", 1_200_000),
        ("Twenty-One", 21),
        ("three quarters", 0.75),
        ("two thirds", 2 / 3),
        ("a hundred", 100),
        ("1,250.5", 1250.5),
        ("20%", 0.8),
        ("小明有3个苹果", 3),
        ("１２个", 12),
        ("Сколько будет 3 и 4?", 4),
        ("٣ تفاحات", 3),
        ("१२ सेब", 12),
        ("12 + 30 = ?", 30),
        ("小明有三个苹果", 3),
        ("二百五十个", 250),
        ("三千二百零六", 3206),
        ("一万二千", 12_000),
    ],
)
def test_a_question_states_a_number(text, number):
    assert any(abs(number - one) < 1e-9 for one in question_numbers(text)[0])


@pytest.mark.parametrize(
    "text", ["", "?", "小明", "\ud800", "\0", "1" * 70_000, "/" * 70_000, "½" * 70_000, "\\frac{1}{0}"]
)
def test_no_text_makes_reading_its_numbers_fail(text):
    assert isinstance(question_numbers(text)[1], bool)
