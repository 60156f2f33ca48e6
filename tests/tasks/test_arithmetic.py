"""The generated word problems: correct, disjoint, reproducible, balanced and well formed."""

import ast
import re
from collections import Counter
from itertools import islice
from string import Formatter

import pytest

from pad_ray.errors import InputError
from pad_ray.schema import AnswerKind
from pad_ray.tasks import arithmetic, get_task
from pad_ray.tasks.answers import equal, parse_number
from pad_ray.tasks.word_problems import TEMPLATES
from pad_ray.tasks.word_problems.template import Family

SPLITS = ("train", "validation", "test")


def first(split, count, seed=0):
    return list(islice(arithmetic.generate(split, seed), count))


@pytest.fixture(scope="module")
def problems():
    return {split: first(split, count) for split, count in zip(SPLITS, (20_000, 4_000, 4_000), strict=True)}


def placeholders(text):
    return {name for _, name, _, _ in Formatter().parse(text) if name}


def test_there_are_48_templates_with_different_names():
    assert len({template.name for template in TEMPLATES}) == len(TEMPLATES) == 48


def test_every_family_has_six_templates():
    assert Counter(template.family for template in TEMPLATES) == dict.fromkeys(Family, 6)


def test_templates_have_one_to_five_steps():
    assert {template.steps for template in TEMPLATES} == {1, 2, 3, 4, 5}


@pytest.mark.parametrize("split", SPLITS)
def test_the_reference_program_gives_the_gold_answer(problems, split):
    for problem in problems[split]:
        scope = {}
        exec(problem.reference_program, scope)
        assert equal(AnswerKind.NUMBER, str(scope["solution"]()), problem.question.gold) is True, problem


def test_steps_are_the_calculating_statements_of_the_reference_program(problems):
    for problem in problems["train"][:480]:
        statements = ast.parse(problem.reference_program).body[0].body
        assert problem.steps == sum(isinstance(getattr(line, "value", None), ast.BinOp) for line in statements)


def test_answers_are_positive_and_have_at_most_two_decimals(problems):
    for problem in problems["train"]:
        answer = parse_number(problem.question.gold)
        assert answer is not None
        assert answer > 0
        assert (answer * 100).denominator == 1


def test_the_text_contains_every_number(problems):
    for problem in problems["train"][:4_800]:
        shown = {float(number) for number in re.findall(r"\d+(?:\.\d+)?", problem.question.text)}
        assert shown >= set(map(float, problem.numbers.values())), problem


def test_unused_numbers_are_those_that_the_program_omits():
    distracting = {template.name for template in TEMPLATES if template.unused}
    assert distracting == {template.name for template in TEMPLATES if template.family is Family.DISTRACTORS}
    for template in TEMPLATES:
        numbers = set(template.draw(lambda low, high: high))
        assert placeholders(template.program) == numbers - set(template.unused), template.name


@pytest.mark.parametrize("split", SPLITS)
def test_texts_have_20_to_60_words(problems, split):
    assert all(20 <= len(problem.question.text.split()) <= 60 for problem in problems[split])


@pytest.mark.parametrize("split", SPLITS)
def test_texts_and_ids_are_unique(problems, split):
    rows = [problem.question for problem in problems[split]]
    assert len({row.text for row in rows}) == len({row.question_id for row in rows}) == len(rows)


@pytest.mark.parametrize("seed", [0, 1])
def test_splits_never_share_the_numbers_of_a_template(problems, seed):
    seen = {}
    for split in SPLITS:
        for problem in problems[split] if seed == 0 else first(split, 4_000, seed):
            key = (problem.template, tuple(problem.numbers.items()))
            assert seen.setdefault(key, split) == split


def test_splits_never_share_a_text(problems):
    texts = [{problem.question.text for problem in problems[split]} for split in SPLITS]
    assert len(set.union(*texts)) == sum(map(len, texts))


def test_a_larger_request_begins_with_the_smaller_one():
    task = get_task("arithmetic")
    assert task.load("train", limit=500)[:100] == task.load("train", limit=100)


def test_equal_seeds_give_equal_problems_and_different_seeds_different_ones():
    assert first("test", 300) == first("test", 300)
    assert first("test", 300) != first("test", 300, seed=1)


@pytest.mark.parametrize("count", [1, 47, 100, 1_000])
def test_every_prefix_is_balanced_over_the_templates(count):
    counts = Counter(problem.template for problem in first("train", count))
    assert max(counts.values()) - min(counts.get(template.name, 0) for template in TEMPLATES) <= 1


def test_questions_are_generated_lazily():
    assert next(arithmetic.generate("train", 7)).question.split == "train"


def test_train_needs_a_limit_and_test_has_a_default():
    with pytest.raises(InputError, match="give a limit"):
        get_task("arithmetic").load("train")
    assert len(get_task("arithmetic").load("test")) == 1_000


def test_an_unknown_split_lists_the_known_ones():
    with pytest.raises(InputError, match="no split 'dev'; it has train, validation, test"):
        get_task("arithmetic").load("dev", limit=1)


def test_the_first_question_keeps_its_text_gold_and_id():
    row = next(arithmetic.generate("test", 0)).question
    assert row.text == (
        "Olivia bakes 15 trays of 19 rolls. She puts 7 rolls into each paper bag and fills as many "
        "bags as possible for the chess club. How many rolls are left over?"
    )
    assert (row.gold, row.question_id) == ("5", "e73df0249477200dfed3b6c5079b3e2a")
