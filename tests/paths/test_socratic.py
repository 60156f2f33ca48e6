import json
import time

import pytest

from pad_ray.paths.answer import answer_source, answer_target
from pad_ray.paths.rationale import Rationale, judge_rationale
from pad_ray.paths.socratic import (
    Socratic,
    decompose_source,
    decompose_target,
    judge_socratic,
    pairs,
    read_step,
    read_sub_questions,
    socratic_shape,
    step_examples,
    step_source,
)
from pad_ray.schema import AnswerKind, Outcome, Question

STEPS = ["How many eggs? ** 3*4 = <<3*4=12>>12 eggs.", "How many are left? ** 12-2 = <<12-2=10>>10."]
SOCRATIC = "\n".join([*STEPS, "#### 10"])
EGGS = Question("q", "t", "train", "Three hens lay 4 eggs\neach. 2 break.", "10", AnswerKind.NUMBER, [])


def judged(text, gold="10"):
    verdict = judge_socratic("d", text, gold, AnswerKind.NUMBER)
    return verdict.outcome, verdict.value, verdict.feedback


def test_sub_questions_and_steps_are_pairs():
    assert pairs(SOCRATIC) == [
        ("How many eggs?", "3*4 = <<3*4=12>>12 eggs."),
        ("How many are left?", "12-2 = <<12-2=10>>10."),
    ]


def test_a_power_in_a_step_does_not_split_it():
    assert pairs("How many? ** 2 ** 3 is 8.") == [("How many?", "2 ** 3 is 8.")]


@pytest.mark.parametrize("completion", [SOCRATIC, f"\n{SOCRATIC}\n\nQuestion:", SOCRATIC.replace("\n", "\r\n\r\n")])
def test_the_path_ends_with_its_answer(completion):
    parsed = Socratic().parse(completion)
    assert (parsed.text, parsed.failure) == (SOCRATIC, None)


@pytest.mark.parametrize(
    ("completion", "failure"),
    [
        ("", "the text has no sub-question"),
        ("#### 10", "the text has no sub-question"),
        ("Q? ** 1 + 1 = 2.\n" * 101 + "#### 2", "the text has 101 sub-questions, more than 100"),
        (f"{STEPS[0]}\nHe has 10.\n#### 10", "line 2 has no ' ** ' between a sub-question and its step"),
        ("How many eggs?** 12\n#### 12", "line 1 has no ' ** ' between a sub-question and its step"),
        ("How many eggs? **\n#### 10", "line 1 has no step"),
        (" ** 12\n#### 10", "line 1 has no ' ** ' between a sub-question and its step"),
        (STEPS[0], "the text has no line '#### answer'"),
    ],
    ids=["empty", "answer only", "too many pairs", "no pair", "no space", "no step", "no sub-question", "no answer"],
)
def test_a_text_that_is_not_a_list_of_pairs_is_a_failure(completion, failure):
    assert Socratic().parse(completion).failure == failure


def test_a_cut_path_is_complete_if_its_last_line_ends():
    assert not Socratic().parse(SOCRATIC).complete
    assert Socratic().parse(f"{SOCRATIC}\n").complete


def test_different_sub_questions_make_a_different_path_even_with_equal_calculations():
    other = SOCRATIC.replace("How many eggs?", "How many do three hens lay?")
    assert socratic_shape(other) != socratic_shape(SOCRATIC)
    assert socratic_shape(SOCRATIC.replace("eggs.", "brown eggs.").replace("How", "how")) == socratic_shape(SOCRATIC)


def test_a_number_before_the_separator_is_not_the_base_of_a_power():
    assert judged("How many are 3 ** 4 + 6 = 10 of them.\n#### 10")[0] is Outcome.ACCEPTED


def test_it_is_judged_as_a_rationale():
    assert judged(SOCRATIC) == (Outcome.ACCEPTED, "10", "")
    assert judged(SOCRATIC, gold="17") == (Outcome.WRONG_ANSWER, "10", "the answer is 10")
    assert judged(SOCRATIC.replace("=12>>", "=13>>"))[2] == "step 1: 3*4 is 12, not 13"


def test_a_text_that_is_not_a_list_of_pairs_has_no_answer():
    assert judged("He has 10.\n#### 10") == (
        Outcome.NO_ANSWER,
        None,
        "line 1 has no ' ** ' between a sub-question and its step",
    )


@pytest.mark.parametrize(
    "text", [" ** " * 10**6, "a ** b\n" * 10**6, "\n" * 10**7, "*" * 10**7, "\x00 ** \x00" * 10**5]
)
def test_hostile_text_is_judged_quickly_and_not_accepted(text):
    started = time.monotonic()
    Socratic().parse(text)
    assert judged(text)[0] is not Outcome.ACCEPTED
    assert time.monotonic() - started < 10


@pytest.mark.data
def test_published_paths_are_accepted_except_two_without_a_step(data_dir):
    answers = [json.loads(line)["answer"] for line in (data_dir / "gsm8k/test_socratic.jsonl").open()]
    parsed = [Socratic().parse(answer) for answer in answers]
    assert [one.failure for one in parsed if one.failure] == ["line 4 has no step", "line 2 has no step"]
    whole = [one.text for one in parsed if one.failure is None]
    wrong = [
        verdict for text in whole if (verdict := judged(text, text.rpartition("#### ")[2]))[0] is not Outcome.ACCEPTED
    ]
    # Two have wrong calculations: `364 / 4 = <<3/4*364=273>>273` and `$32 - $20 = $300`.
    assert [feedback for _, _, feedback in wrong] == ["step 3 calculates wrongly", "step 5 calculates wrongly"]


def test_a_decomposer_writes_only_the_sub_questions():
    assert decompose_source(EGGS) == "Question: Three hens lay 4 eggs each. 2 break.\nSub-questions:\n"
    written = decompose_target(SOCRATIC)
    assert written == "How many eggs?\nHow many are left?"
    assert read_sub_questions(f"\n{written}\n\n") == [question for question, _ in pairs(SOCRATIC)]


def test_a_solver_reads_the_earlier_steps_and_writes_the_next_one():
    (first, one), (second, two) = step_examples(EGGS, SOCRATIC)
    question_line = "Question: Three hens lay 4 eggs each. 2 break.\n"
    assert first == f"{question_line}Sub-question: How many eggs?\nStep:\n"
    assert one == "3*4 = <<3*4=12>>12 eggs."
    assert second == f"{question_line}{STEPS[0]}\nSub-question: How many are left?\nStep:\n"
    assert two == "12-2 = <<12-2=10>>10.\n#### 10"


def test_a_solver_that_writes_its_targets_reproduces_the_path_it_learned_from():
    history = []
    for number, (source, target) in enumerate(step_examples(EGGS, SOCRATIC)):
        question = read_sub_questions(decompose_target(SOCRATIC))[number]
        assert step_source(EGGS, history, question) == source
        step, answer = read_step(target)
        history.append((question, step))
    assert (history, answer) == (pairs(SOCRATIC), "#### 10")


def test_a_step_of_several_lines_becomes_one_line_of_the_history():
    assert read_step("\n3*4 = 12,\n so 12 eggs.\n#### 12\nQuestion: next") == ("3*4 = 12, so 12 eggs.", "#### 12")
    assert read_step("12 eggs.") == ("12 eggs.", None)


def test_a_bare_answer_is_read_as_a_rationale_but_has_its_own_cue():
    target = answer_target(EGGS.gold)
    assert judge_rationale("d", target, "10", AnswerKind.NUMBER).outcome is Outcome.ACCEPTED
    sources = {answer_source(EGGS), Rationale().source(EGGS), Socratic().source(EGGS), decompose_source(EGGS)}
    assert len(sources) == 4
