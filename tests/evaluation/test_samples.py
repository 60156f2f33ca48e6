import asyncio
from itertools import combinations

import pytest

from pad_ray.decoding.base import Tools, solve_question
from pad_ray.decoding.sampling import Vote
from pad_ray.decoding.votes import majority
from pad_ray.evaluation.samples import each_sample, maj_at_k, pass_at_k, unbiased_pass
from pad_ray.schema import AnswerKind, PathKind
from tests.decoding.engines import WrittenEngine, make_question
from tests.evaluation.conftest import RIGHT, WRONG, question, run, solution

NUMBER = AnswerKind.NUMBER


def answered(name, answers, gold="1"):
    return [solution(name, RIGHT if answer == gold else WRONG, answer, gold) for answer in answers]


@pytest.mark.parametrize(("samples", "correct", "k"), [(5, 2, 1), (5, 2, 3), (6, 0, 2), (6, 5, 2), (4, 4, 4)])
def test_pass_at_k_is_the_share_of_subsets_with_a_correct_solution(samples, correct, k):
    subsets = list(combinations([True] * correct + [False] * (samples - correct), k))
    assert unbiased_pass(samples, correct, k) == pytest.approx(sum(map(any, subsets)) / len(subsets))


def test_pass_at_1_is_the_accuracy():
    result = pass_at_k(run([[1, 0, 0, 0], [1, 1, 1, 1], [0, 0, 0, 0]]), k=1)
    assert (result.value, result.questions, result.samples) == (pytest.approx(5 / 12), 3, 12)


def test_pass_at_k_is_a_mean_over_questions():
    # 1 - C(3,2)/C(4,2) = 0.5 for one correct of four.
    assert pass_at_k(run([[1, 0, 0, 0], [1, 1, 1, 1]]), k=2).value == 0.75


def test_pass_at_k_of_thousands_of_samples_is_exact():
    assert unbiased_pass(10_000, 1, 100) == pytest.approx(0.01)


@pytest.mark.parametrize("k", [0, 3])
def test_k_must_not_exceed_the_solutions(k):
    with pytest.raises(ValueError, match=r"has to be at least 1|sample more or use a lower k"):
        pass_at_k(run([[1, 0], [1, 0]]), k=k)


def majority_of(values):
    """The index of the winner if all samples are equally probable."""
    return majority(NUMBER, values, [-1.0] * len(values))


@pytest.mark.parametrize(
    ("samples", "answer"),
    [
        ([("7", -0.5), ("12", -0.1)], "12"),
        ([("7", -0.1), ("12", -0.5)], "7"),
        ([("7", -0.4), ("12", -0.1), ("12.0", -0.9), ("7", -0.4)], "7"),
        ([("7", None), ("12", -3.0)], "12"),
        ([("7", None), ("12", None)], "7"),
        ([("", -0.1), ("12", -3.0)], "12"),
    ],
)
def test_maj_at_k_of_all_samples_of_a_vote_equals_its_accuracy_in_ties_too(samples, answer):
    left = [(f"#### {value}" if value else "I do not know", logprob) for value, logprob in samples]
    engine = WrittenEngine(lambda request: left.pop(0))
    questions = make_question(gold="12")
    vote = Vote(path=PathKind.RATIONALE, samples=len(samples))
    solved = asyncio.run(solve_question(questions, vote, Tools(engine, execute=None)))
    assert solved.answer == answer
    result = maj_at_k(each_sample(solved, questions), [questions], k=len(samples))
    assert result.value == solved.correct == (answer == "12")


def test_equal_numbers_are_counted_together():
    assert majority_of(["7", "0.5", "1/2", "$0.50", "7"]) == 1


@pytest.mark.parametrize(
    ("answers", "place"),
    [
        (["14", "13", "13.0", "14"], 0),
        (["14", "13", "13.0", "$13"], 1),
        (["1e50", "1e50"], 0),
        (["7", "1e50", "1.0e50"], 1),
        (["1000000", "1000090", "1000090"], 1),
    ],
)
def test_numbers_vote_by_their_value(answers, place):
    assert majority_of(answers) == place


def test_in_a_tie_the_earlier_answer_wins():
    assert majority_of(["3", "4", "4", "3"]) == 0


def test_unreadable_answers_do_not_vote():
    assert majority_of([None, "no", "no", "9**9**9", "5"]) == 4
    assert majority_of([None, "none"]) is None


def test_maj_at_k_splits_many_samples_into_several_votes():
    solutions = answered(0, ["1", "2", "1", "2", "2", "1", "1"]) + answered(1, ["1", "1", "9"])
    # Question 0: (1, 2, 1) is correct, (2, 2, 1) is wrong, the seventh is not used; question 1 is correct.
    result = maj_at_k(solutions, [question(0), question(1)], k=3)
    assert (result.value, result.questions) == (0.75, 2)


def test_maj_at_1_counts_every_sample():
    assert maj_at_k(answered(0, ["1", "1", "2", None]), [question(0)], k=1).value == 0.5


def test_solutions_of_unknown_questions_are_rejected():
    with pytest.raises(ValueError, match="1 of 2 solved questions are not among"):
        maj_at_k(answered(0, ["1"]) + answered(7, ["1"]), [question(0)], k=1)
