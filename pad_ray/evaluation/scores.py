"""The score of one student with one strategy on the questions of one task."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from pad_ray.evaluation.claims import score_warning
from pad_ray.evaluation.intervals import clustered, means_by_question, question_means, wilson
from pad_ray.evaluation.taxonomy import taxonomy
from pad_ray.run.records import Cost, ErrorClass, Interval, Score
from pad_ray.schema import AnswerKind, Outcome, Question, Solution
from pad_ray.tasks import protocol_label
from pad_ray.tasks.answers import exact_equal, pad_rounded_equal

# Outcomes of programs that finished and returned a value.
EXECUTED = (Outcome.ACCEPTED, Outcome.WRONG_ANSWER, Outcome.NOT_COMPARABLE, Outcome.HARD_CODED)
WILSON = "Wilson"
CLUSTERED = "bootstrap over questions"

Rule = Callable[[AnswerKind, str, str], bool | None]


def score(solutions: Sequence[Solution], questions: Sequence[Question], seed: int = 0) -> Score:
    """The score of one or more solutions per question; all questions are from one task and split.

    `accuracy` uses the strategy's verdicts. `exact` and `pad_rounded` use only answer and gold, so they can be higher if a
    verdict also depends on the steps. `seed` is the seed of the bootstrap.

    Raises:
        ValueError: there are no solutions, or they do not match the questions.
    """
    by_id = {question.question_id: question for question in questions}
    means = question_means(solutions)
    if not means or means.keys() != by_id.keys():
        raise ValueError(f"a score needs solutions of exactly these questions: {len(means)} solved, {len(by_id)} asked")
    accuracy, errors = _mean(means), taxonomy(solution.outcome for solution in solutions)
    interval, method = accuracy_interval(solutions, means, seed)
    return Score(
        protocol=_protocol(questions),
        questions=len(means),
        samples=len(solutions),
        correct=sum(solution.correct for solution in solutions),
        accuracy=accuracy,
        interval=interval,
        interval_method=method,
        exact=_rate((s, _same(exact_equal, s, by_id)) for s in solutions),
        pad_rounded=_rate((s, _same(pad_rounded_equal, s, by_id)) for s in solutions),
        executable_rate=_rate((s, s.outcome in EXECUTED) for s in solutions),
        outcomes=dict(Counter(solution.outcome.value for solution in solutions)),
        errors=errors,
        completion_tokens=sum(solution.completion_tokens for solution in solutions),
        tokens_per_question=cost([solution.completion_tokens for solution in solutions]),
        seconds_per_question=cost([solution.latency_s for solution in solutions]),
        warning=score_warning(len(means), accuracy, interval, errors.count(ErrorClass.FAULT)),
    )


def _protocol(questions: Sequence[Question]) -> str:
    sets = {question.task for question in questions}
    if len(sets) > 1:
        return f"{len(sets)} sub-tasks of {questions[0].task.partition('/')[0].upper()} together, {len(questions)} questions"
    return protocol_label(questions[0].task, questions[0].split, len(questions))


def accuracy_interval(solutions: Sequence[Solution], means: Mapping[str, float], seed: int) -> tuple[Interval, str]:
    """The interval of an accuracy and the name of its method, from the solutions and their means by question."""
    if len(solutions) == len(means):
        return wilson(sum(solution.correct for solution in solutions), len(solutions)), WILSON
    return clustered(means, seed), CLUSTERED


def cost(amounts: Sequence[float]) -> Cost:
    """Mean, median and 95th percentile of the costs of solutions. Raises ValueError without any."""
    if not amounts:
        raise ValueError("the cost of no solutions is undefined")
    return Cost(
        mean=float(np.mean(amounts)),
        median=float(np.median(amounts)),
        percentile_95=float(np.percentile(amounts, 95)),
    )


def _same(rule: Rule, solution: Solution, by_id: Mapping[str, Question]) -> bool:
    kind = by_id[solution.question_id].answer_kind
    return solution.answer is not None and rule(kind, solution.answer, solution.gold) is True


def _rate(held: Iterable[tuple[Solution, bool]]) -> float:
    return _mean(means_by_question((solution.question_id, value) for solution, value in held))


def _mean(means: Mapping[str, float]) -> float:
    return sum(means.values()) / len(means)
