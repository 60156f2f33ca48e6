import pytest

from pad_ray.evaluation.scores import CLUSTERED, WILSON, score
from pad_ray.evaluation.taxonomy import MEMBERS, ErrorClass, taxonomy
from pad_ray.schema import AnswerKind, Outcome
from tests.evaluation.conftest import CRASH, RIGHT, WRONG, question, run, solution


def scored(solutions, **fields):
    names = dict.fromkeys(one.question_id for one in solutions)
    return score(solutions, [question(name, **fields) for name in names])


def test_a_score_counts_correct_answers_and_programs_that_ran():
    result = scored([solution(n, outcome) for n, outcome in enumerate([RIGHT, WRONG, CRASH, RIGHT])])
    assert (result.accuracy, result.executable_rate, result.completion_tokens) == (0.5, 0.75, 40)
    assert result.outcomes == {"accepted": 2, "wrong_answer": 1, "name_error": 1}
    assert (result.questions, result.samples, result.correct, result.interval_method) == (4, 4, 2, WILSON)


def test_a_score_has_exact_and_rounded_accuracies():
    answers = [("1", RIGHT), ("1.0004", RIGHT), ("1.3", WRONG), ("7", WRONG), (None, CRASH)]
    result = scored([solution(n, outcome, answer) for n, (answer, outcome) in enumerate(answers)])
    assert (result.exact, result.accuracy, result.pad_rounded) == (0.2, 0.4, 0.6)


def test_all_questions_weigh_the_same_whatever_their_number_of_samples():
    result = scored(run([[1, 1, 1, 1], [0]]))
    assert (result.accuracy, result.correct, result.samples) == (0.5, 4, 5)
    assert result.interval_method == CLUSTERED


def test_samples_of_one_question_do_not_narrow_the_interval():
    once, often = scored(run([1] * 20 + [0] * 20)), scored(run([[1] * 50] * 20 + [[0] * 50] * 20))
    assert often.interval == pytest.approx(once.interval, abs=0.03)


def test_a_score_has_the_costs_per_question():
    result = scored([solution(n, RIGHT, tokens=n, seconds=n / 10) for n in range(101)])
    cost = result.tokens_per_question
    assert (cost.mean, cost.median, cost.percentile_95) == (50, 50, 95)
    assert result.seconds_per_question.median == pytest.approx(5.0)


@pytest.mark.parametrize(
    ("task", "split", "protocol"),
    [
        ("svamp", "test", "SVAMP-1000 transfer, 2 of 1000 questions"),
        ("svamp", "indomain_test", "SVAMP-200 in-domain, 2 of 200 questions"),
        ("strategyqa_with_facts", "test", "StrategyQA-229 dev, with facts, 2 of 229 questions"),
        ("arithmetic", "test", "arithmetic test (generated), 2 questions"),
        ("bbh/navigate", "test", "BBH navigate, 2 questions"),
    ],
)
def test_a_score_names_its_protocol(task, split, protocol):
    assert scored(run([1, 0]), task=task, split=split).protocol == protocol


def test_a_score_of_all_questions_has_the_plain_protocol_name():
    assert scored(run([1, 0] * 100), split="indomain_test").protocol == "SVAMP-200 in-domain"


def test_no_solutions_have_no_score():
    with pytest.raises(ValueError, match="0 solved, 0 asked"):
        score([], [])


def test_unsolved_questions_are_rejected():
    with pytest.raises(ValueError, match="1 solved, 2 asked"):
        score(run([1]), [question(0), question(1)])


def test_each_kind_of_answer_has_its_rule():
    solutions = [solution(0, RIGHT, "True", gold="yes"), solution(1, WRONG, "no", gold="yes")]
    assert scored(solutions, kind=AnswerKind.YES_NO).exact == 0.5


def test_every_outcome_is_in_exactly_one_class():
    members = [outcome for outcomes in MEMBERS.values() for outcome in outcomes]
    assert sorted(members) == sorted(Outcome)


def test_errors_are_sorted_into_classes():
    sorted_ = taxonomy([RIGHT] * 5 + [CRASH] * 3 + [Outcome.SYNTAX_ERROR] + [Outcome.ENGINE_FAULT])
    crash = next(one for one in sorted_.classes if one.error is ErrorClass.CRASH)
    assert (crash.count, crash.share, crash.outcomes) == (4, 0.4, {"name_error": 3, "syntax_error": 1})
    assert sum(one.count for one in sorted_.classes) == sorted_.solutions == 10


def test_faults_and_few_questions_cause_warnings():
    warning = scored([solution(n, Outcome.ENGINE_FAULT if n < 2 else RIGHT) for n in range(20)]).warning
    assert "2 solutions are faults of the infrastructure" in warning
    assert "fewer than 30 questions" in warning


def test_the_warning_of_a_wide_interval_gives_the_number_of_questions_needed():
    # 1.96² · 0.25 / 0.05² = 384.1
    assert "100 questions determine the accuracy only to ±9.6 points; about 385" in scored(run([1, 0] * 50)).warning


def test_a_narrow_interval_causes_no_warning():
    assert scored(run([1, 0] * 500)).warning == ""
