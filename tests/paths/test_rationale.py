import json
import re

import pytest

from pad_ray.paths.rationale import Rationale, judge_rationale
from pad_ray.schema import AnswerKind, Outcome

RATIONALE = "He lays 3*4 = <<3*4=12>>12 eggs.\nHe sells 12-2 = <<12-2=10>>10.\n#### 10"


def judged(text, gold="10", kind=AnswerKind.NUMBER):
    verdict = judge_rationale("d", text, gold, kind)
    return verdict.outcome, verdict.value, verdict.feedback


@pytest.mark.parametrize(
    "completion",
    [
        RATIONALE,
        f"\n{RATIONALE}\n\nQuestion: How many?",
        RATIONALE.replace("\n", "\r\n"),
        RATIONALE.replace("\n", " \n\n  "),
        f"{RATIONALE}\n#### 11",
        f"{RATIONALE}<|eot_id|>",
        f"{RATIONALE}</s>",
        f"\ufeff{RATIONALE}",
        RATIONALE.replace("He", "\u200bHe"),
        f"<think>It may be 11.\n#### 11\n</think>\n{RATIONALE}",
        f"It may be 11.\n#### 11\n</think>\n{RATIONALE}",
        f"<|im_start|>assistant\n{RATIONALE}<|im_end|>",
        f"```text\n{RATIONALE}\n```",
        RATIONALE.replace("#### 10", "**#### 10**"),
        RATIONALE.replace("#### 10", "> #### 10"),
    ],
    ids=[
        *("bare", "next question", "windows", "blank lines", "two answers", "glued end", "end of sequence", "mark"),
        *("zero width", "thought", "thought that began before", "turn", "fence", "emphasis", "quote"),
    ],
)
def test_a_rationale_ends_with_its_first_answer(completion):
    parsed = Rationale().parse(completion)
    assert (parsed.text, parsed.failure) == (RATIONALE, None)


@pytest.mark.parametrize("completion", ["", "He has 10.", "He has 10.\n####", "He has 10.\n#### \nQuestion:"])
def test_a_rationale_without_its_last_line_is_a_failure(completion):
    assert Rationale().parse(completion).failure == "the text has no line '#### answer'"


def test_a_cut_rationale_is_complete_if_its_last_line_ends():
    assert not Rationale().parse(RATIONALE).complete
    assert not Rationale().parse("He lays\n").complete
    assert Rationale().parse(f"{RATIONALE}\n").complete


def test_a_right_answer_with_right_steps_is_accepted():
    assert judged(RATIONALE) == (Outcome.ACCEPTED, "10", "")


@pytest.mark.parametrize("answer", ["#### $10.00", "The answer is 10.", "So he sells 10."])
def test_the_answer_counts_however_it_is_marked(answer):
    assert judged(RATIONALE.replace("#### 10", answer))[:2] == (Outcome.ACCEPTED, "10")


def test_feedback_on_a_wrong_answer_does_not_state_the_right_one():
    assert judged(RATIONALE, gold="17") == (Outcome.WRONG_ANSWER, "10", "the answer is 10")


def test_a_wrong_step_spoils_a_right_answer():
    text = RATIONALE.replace("<<3*4=12>>", "<<3*4=13>>")
    assert judged(text) == (Outcome.WRONG_ANSWER, "10", "step 1: 3*4 is 12, not 13")


@pytest.mark.parametrize(
    ("text", "gold", "feedback"),
    [
        ("<<3*4=13>>\n#### 13", "12", "step 1: 3*4 is not 13"),
        ("<<3*4=13>>\n#### 13", "13", "step 1 calculates wrongly"),
        ("<<3*4=13>>\n#### 13", "1", "a step calculates wrongly"),
        ("<<300*4=1300>>\n#### 1", "1200", "step 1: 300*4 is not 1300"),
        ("<<2-5=3>>\n#### 3", "-3", "step 1 calculates wrongly"),
    ],
)
def test_feedback_on_a_step_does_not_state_the_answer(text, gold, feedback):
    assert judged(text, gold)[2] == feedback


def test_a_text_without_an_answer():
    assert judged("I do not know.") == (Outcome.NO_ANSWER, None, "the text states no final answer")


def test_an_answer_of_another_kind_is_not_comparable():
    assert judged("#### " + "a" * 3000, "abc", AnswerKind.TEXT)[0] is Outcome.NOT_COMPARABLE


def test_yes_and_no():
    assert judged("Shrimp eat plastic.\n#### no", "no", AnswerKind.YES_NO) == (Outcome.ACCEPTED, "no", "")
    assert judged("#### Yes", "no", AnswerKind.YES_NO) == (Outcome.WRONG_ANSWER, "yes", "the answer is yes")


@pytest.mark.parametrize(
    "text",
    ["a" * 10**7 + "\n#### 10", "<<" * 10**6 + "10", f"<<{'(' * 300}=1>>\n#### 10", "<<1/0=\x1b>>\n#### 10"],
    ids=["long", "opened", "nested", "control"],
)
def test_hostile_text_is_not_accepted_and_feedback_stays_short(text):
    outcome, _, feedback = judged(text)
    assert outcome is Outcome.WRONG_ANSWER
    assert feedback.isprintable()
    assert len(feedback) <= 200


@pytest.mark.data
@pytest.mark.parametrize(("split", "rejected"), [("train", 21), ("test", 2)])
def test_published_rationales_are_accepted_unless_they_calculate_wrongly(data_dir, split, rejected):
    answers = [json.loads(line)["answer"] for line in (data_dir / f"gsm8k/{split}.jsonl").open()]
    parsed = [Rationale().parse(answer) for answer in answers]
    assert [one.failure for one in parsed if one.failure] == []
    outcomes = [judged(one.text, one.text.rpartition("#### ")[2])[0] for one in parsed]
    assert len(outcomes) - outcomes.count(Outcome.ACCEPTED) == rejected


@pytest.mark.data
def test_feedback_on_corrupted_published_steps_never_states_the_answer(data_dir):
    for line in (data_dir / "gsm8k/test.jsonl").open():
        text, _, gold = json.loads(line)["answer"].rpartition("#### ")
        spoilt = re.sub(r"(\d)>>", lambda digit: f"{9 - int(digit[1])}>>", text) + "#### 123456"
        outcome, _, feedback = judged(spoilt, gold)
        assert outcome is Outcome.WRONG_ANSWER
        assert gold.replace(",", "") not in re.findall(r"[\d.]+", feedback.replace(",", ""))
