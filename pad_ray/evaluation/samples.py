"""Metrics over several solutions per question: pass@k, an oracle that selects by gold, and maj@k, a majority vote."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

from pad_ray.decoding.votes import majority
from pad_ray.evaluation.intervals import clustered
from pad_ray.run.records import Rate
from pad_ray.schema import AnswerKind, Question, Solution
from pad_ray.tasks.answers import equal


def pass_at_k(solutions: Sequence[Solution], k: int, seed: int = 0) -> Rate:
    """pass@k: the probability that one of k solutions is correct. It needs an oracle to choose, so it is not an accuracy.

    Raises:
        ValueError: k is below 1, there are no solutions, or a question has fewer than k.
    """
    grouped = _grouped(solutions, k)
    means = {name: unbiased_pass(len(group), sum(s.correct for s in group), k) for name, group in grouped.items()}
    return _at_k(k, means, len(solutions), seed)


def maj_at_k(solutions: Sequence[Solution], questions: Sequence[Question], k: int, seed: int = 0) -> Rate:
    """maj@k: how often the most frequent answer of k solutions is correct (self-consistency, Wang et al. 2022, 2203.11171).

    Solutions without an answer do not vote; ties are broken as in the strategy `vote` (`decoding.votes.winner`). Every k
    solutions, in the given order, form one vote; a question with more solutions has several votes. Their mean is unbiased for
    maj@k, because samples of one question are exchangeable.

    Raises:
        ValueError: as in `pass_at_k`, or a solution belongs to none of the questions.
    """
    by_id = {question.question_id: question for question in questions}
    grouped = _grouped(solutions, k)
    if unknown := grouped.keys() - by_id.keys():
        raise ValueError(f"{len(unknown)} of {len(grouped)} solved questions are not among the questions given")
    means = {name: _share_of_votes(group, by_id[name].answer_kind, k) for name, group in grouped.items()}
    return _at_k(k, means, len(solutions), seed)


def each_sample(solution: Solution, question: Question) -> list[Solution]:
    """One solution for each of a strategy's samples, as if the sample had been the only one."""
    return [
        replace(
            solution,
            answer=answer or None,
            correct=equal(question.answer_kind, answer, question.gold) is True,
            sampled=[answer],
            sampled_logprobs=solution.sampled_logprobs[place : place + 1],
        )
        for place, answer in enumerate(solution.sampled)
    ]


def unbiased_pass(samples: int, correct: int, k: int) -> float:
    """1 - C(samples - correct, k) / C(samples, k), with exact integers: Chen et al. 2021 (2107.03374, section 2.1)."""
    return 1 - math.comb(samples - correct, k) / math.comb(samples, k)


def _share_of_votes(group: Sequence[Solution], kind: AnswerKind, k: int) -> float:
    votes = [group[start : start + k] for start in range(0, len(group) - k + 1, k)]
    return sum(_vote(vote, kind) for vote in votes) / len(votes)


def _vote(vote: Sequence[Solution], kind: AnswerKind) -> bool:
    winner = majority(kind, [solution.answer for solution in vote], [_logprob(solution) for solution in vote])
    return winner is not None and vote[winner].correct


def _logprob(solution: Solution) -> float:
    """The log probability of a solution with a single sample; -inf if it is unknown."""
    return solution.sampled_logprobs[0] if len(solution.sampled_logprobs) == 1 else -math.inf


def _grouped(solutions: Sequence[Solution], k: int) -> dict[str, list[Solution]]:
    if k < 1 or not solutions:
        raise ValueError(f"k is {k} and has to be at least 1, of {len(solutions)} solutions")
    grouped: dict[str, list[Solution]] = {}
    for solution in solutions:
        grouped.setdefault(solution.question_id, []).append(solution)
    fewest = min(map(len, grouped.values()))
    if fewest < k:
        raise ValueError(f"a question has {fewest} solutions, fewer than k = {k}; sample more or use a lower k")
    return grouped


def _at_k(k: int, means: Mapping[str, float], samples: int, seed: int) -> Rate:
    value = sum(means.values()) / len(means)
    return Rate(k=k, value=value, interval=clustered(means, seed), questions=len(means), samples=samples)
