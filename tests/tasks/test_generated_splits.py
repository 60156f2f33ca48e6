"""Coin flip and last letters: the splits generated from a seed."""

import pytest

from pad_ray.errors import InputError
from pad_ray.tasks import get_task
from pad_ray.tasks.answers import extract_final_answer

NAMES = ["coin_flip", "last_letters"]


@pytest.mark.parametrize("name", NAMES)
def test_a_larger_request_begins_with_the_smaller_one(name):
    task = get_task(name)
    assert task.load("train", limit=200)[:50] == task.load("train", limit=50)


@pytest.mark.parametrize("name", NAMES)
def test_seeds_differ(name):
    task = get_task(name)
    assert task.load("train", limit=20, seed=0) != task.load("train", limit=20, seed=1)


@pytest.mark.parametrize("name", NAMES)
def test_train_and_validation_never_share_a_text(name):
    task = get_task(name)
    train = {row.text for seed in (0, 1) for row in task.load("train", limit=5_000, seed=seed)}
    assert not train & {row.text for row in task.load("validation", limit=2_000)}


@pytest.mark.parametrize("name", NAMES)
def test_texts_are_unique(name):
    assert len({row.text for row in get_task(name).load("train", limit=5_000)}) == 5_000


@pytest.mark.parametrize("name", NAMES)
def test_train_needs_a_limit_and_validation_has_a_default(name):
    with pytest.raises(InputError, match="train split is generated without end; give a limit"):
        get_task(name).load("train")
    assert len(get_task(name).load("validation")) == 1_000


def test_a_coin_is_heads_up_after_an_even_number_of_flips():
    for row in get_task("coin_flip").load("train", limit=500):
        flips = row.text.count(" flips the coin.")
        assert row.gold == ("yes" if flips % 2 == 0 else "no")


def test_last_letters_are_those_of_the_quoted_names():
    for row in get_task("last_letters").load("train", limit=500):
        quoted = extract_final_answer(row.answer_kind, row.text)
        assert quoted is not None
        assert row.gold == "".join(name[-1] for name in quoted.split())
