"""Pool the scores of a system that was trained or sampled with several seeds: one accuracy, and the spread between seeds.

The answers are a table of seeds by questions, both random. The variance of its mean has three sources, separated by the
analysis of variance of a two-way random-effects layout with one value per cell (Searle, Casella and McCulloch 1992,
chapter 4; degrees of freedom by Satterthwaite 1946). Pooling all answers as independent would count each question once per
seed, and ignore the seeds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from pad_ray.evaluation.claims import pool_warning, score_warning
from pad_ray.evaluation.intervals import CONFIDENCE, Numbers, question_means, wilson
from pad_ray.run.records import Interval, Pooled
from pad_ray.schema import Solution


@dataclass(frozen=True)
class Spread:
    """Mean squares of a table of seeds by questions."""

    seeds: int
    questions: int
    between_seeds: float
    between_questions: float
    rest: float

    @property
    def seed_variance(self) -> float:
        """Variance of the accuracy between seeds; 0 if chance explains all of it."""
        return max(0.0, (self.between_seeds - self.rest) / self.questions)

    @property
    def question_variance(self) -> float:
        """Variance between questions of the share of correct answers; 0 if chance explains all of it."""
        return max(0.0, (self.between_questions - self.rest) / self.seeds)


def pool(runs: Sequence[Sequence[Solution]]) -> Pooled:
    """One score of a system's runs with several seeds, each with one or more solutions of the same questions.

    Raises:
        ValueError: there are fewer than two runs or two questions, or the runs answer different questions.
    """
    if len(runs) < 2:
        raise ValueError(f"{len(runs)} runs have no spread between seeds; give at least two of the same questions")
    table = answer_table(runs)
    spread = mean_squares(table)
    accuracy, error, freedom = float(table.mean()), *standard_error(spread)
    interval = mean_interval(accuracy, error, freedom, spread.questions)
    faults = sum(solution.outcome.is_fault for run in runs for solution in run)
    return Pooled(
        seeds=spread.seeds,
        questions=spread.questions,
        by_seed=tuple(table.mean(axis=1).tolist()),
        accuracy=accuracy,
        interval=interval,
        standard_error=error,
        degrees_of_freedom=freedom,
        question_deviation=math.sqrt(spread.question_variance),
        seed_deviation=math.sqrt(spread.seed_variance),
        rest_deviation=math.sqrt(spread.rest),
        warning=" ".join(
            filter(None, (score_warning(spread.questions, accuracy, interval, faults), pool_warning(spread.seeds)))
        ),
    )


def answer_table(runs: Sequence[Sequence[Solution]], names: Sequence[str] | None = None) -> Numbers:
    """Shares of correct solutions, shape (seeds, questions); questions are in the order of `names`, else of the first run.

    Raises:
        ValueError: there is no run, there are fewer than two questions, or the runs answer different questions.
    """
    means = [question_means(run) for run in runs]
    order = list(means[0] if means else ()) if names is None else list(names)
    if not means or len(order) < 2 or any(run.keys() != set(order) for run in means):
        raise ValueError(
            f"runs are pooled over the same questions, at least two; they answer {[len(run) for run in means]}"
        )
    return np.array([[run[name] for name in order] for run in means])


def mean_squares(table: Numbers) -> Spread:
    """The analysis of variance of a table of shape (seeds, questions)."""
    seeds, questions = table.shape
    of_seeds, of_questions = table.mean(axis=1, keepdims=True), table.mean(axis=0, keepdims=True)
    rest = table - of_seeds - of_questions + table.mean()
    return Spread(
        seeds=seeds,
        questions=questions,
        between_seeds=questions * float(of_seeds.var(ddof=1)),
        between_questions=seeds * float(of_questions.var(ddof=1)),
        rest=float((rest**2).sum()) / ((seeds - 1) * (questions - 1)),
    )


def standard_error(spread: Spread) -> tuple[float, float]:
    """Standard error of the mean of a table, and its degrees of freedom; negative variance components count as 0."""
    seeds, questions = spread.seeds, spread.questions
    cells = seeds * questions
    variance = spread.seed_variance / seeds + spread.question_variance / questions + spread.rest / cells
    parts = [(spread.rest / cells, (seeds - 1) * (questions - 1))]
    if spread.seed_variance:
        parts.append((spread.between_seeds / cells, seeds - 1))
    if spread.question_variance:
        parts.append((spread.between_questions / cells, questions - 1))
    return math.sqrt(variance), satterthwaite(parts, variance)


def mean_interval(mean: float, error: float, freedom: float, questions: int) -> Interval:
    """Student's t interval of an accuracy; Wilson's interval over the questions if all answers are alike."""
    if error == 0:
        return wilson(round(mean * questions), questions)
    half_width = error * float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom))
    return max(0.0, mean - half_width), min(1.0, mean + half_width)


def satterthwaite(parts: Sequence[tuple[float, int]], variance: float | None = None) -> float:
    """Degrees of freedom of a sum of mean squares, given those of each part (Satterthwaite 1946)."""
    total = sum(part for part, _ in parts) if variance is None else variance
    squares = sum(part**2 / freedom for part, freedom in parts)
    return total**2 / squares if squares else 1.0
