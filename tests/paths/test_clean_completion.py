"""Text around a path in a completion is removed before the path is read."""

import time

import pytest

from pad_ray.paths.base import clean_completion

PATH = "def solution():\n    return 3 * 4\n"


@pytest.mark.parametrize(
    "completion",
    [
        PATH,
        f"\ufeff{PATH}",
        PATH.replace("3 *", "3\u200b *").replace("return", "\u2060return"),
        PATH.replace(" * ", " \u200d*\u200e "),
        PATH.replace("\n", "\r\n"),
        f"{PATH.rstrip()}<|eot_id|>",
        f"{PATH.rstrip()}<|im_end|>\n<|im_start|>user\nThanks",
        f"{PATH.rstrip()}</s>",
        f"{PATH.rstrip()}<end_of_turn><eos>",
        f"{PATH.rstrip()}<｜end▁of▁sentence｜>",
        f"<|im_start|>assistant\n{PATH}",
        f"<|start_header_id|>assistant<|end_header_id|>\n\n{PATH}",
        f"<s> {PATH}",
        f"<think>def solution(): return 1</think>{PATH}",
        f"def solution(): return 1\n</think>\n{PATH}",
        f"<THINK>a <think>b</think> c</THINK>\n{PATH}",
        f"{PATH}<think>Is it right?</think>",
        f"{PATH}<thought>Is it",
    ],
)
def test_a_path_keeps_its_text_whatever_is_around_it(completion):
    assert clean_completion(completion).strip() == PATH.strip()


def test_a_text_with_thoughts_only_keeps_their_words():
    assert clean_completion("<think>It is 4.</think>") == "It is 4."
    assert clean_completion("<think>It is 4.") == "It is 4."


@pytest.mark.parametrize("text", ["a <b> c", "x < y <= z", '"<s>" in text', "<<3*4=12>>12", "</s>ome", "क्‍ष में हैं", ""])
def test_text_that_only_resembles_a_wrapping_is_kept(text):
    assert clean_completion(text) == text


def test_the_line_before_the_end_of_a_turn_is_whole():
    assert clean_completion("#### 13<|eot_id|>") == "#### 13\n"


@pytest.mark.parametrize(
    "part", ["<think>", "</think>", "<think></think>", "\u200b", "\u200d", "<s>", "</s>", " ", "\r", "<|"]
)
def test_hostile_text_is_cleaned_in_linear_time(part):
    started = time.monotonic()
    clean_completion(part * (1_000_000 // len(part)))
    assert time.monotonic() - started < 5
