"""Compare two systems, each with one or several trainings, on the same questions.

A system is a recipe without its seed. Its answers are a table of trainings by questions, both random. The variance of the
difference of two systems is a sum of mean squares of both tables (Searle, Casella and McCulloch 1992, chapter 4), and its
degrees of freedom are Satterthwaite's (1946). Trainings of both systems are assumed to have the same variance, so their mean
squares are pooled: three trainings per side leave four degrees of freedom instead of two. A bootstrap over trainings and
questions is too narrow if three trainings differ much, and too wide if they do not; `python -m tests.benchmarks.intervals`
compares the methods.
"""

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from pad_ray.evaluation.claims import seeds_warning
from pad_ray.evaluation.intervals import CONFIDENCE, Numbers, question_means
from pad_ray.evaluation.paired import compare, paired, question_error
from pad_ray.evaluation.seeds import answer_table, mean_squares, satterthwaite
from pad_ray.run.records import Paired
from pad_ray.schema import Solution

TWO_LEVEL = "two-level t"


def compare_systems(a: Sequence[Sequence[Solution]], b: Sequence[Sequence[Solution]], seed: int = 0) -> Paired:
    """Compare two systems; `a` and `b` hold the solutions of each training. Questions are paired, trainings are not.

    With one training per side, the spread of trainings is unknown: the comparison is that of `compare`, over questions only,
    and its warning says so. With one training on one side, the other side's spread is used for both.

    Raises:
        ValueError: the systems answer different questions, none, or only one question in several trainings.
    """
    if len(a) == len(b) == 1:
        comparison = compare(a[0], b[0], seed)
    else:
        names = list(question_means(a[0])) if a else []
        left, right = answer_table(a, names), answer_table(b, names)
        differences, error, freedom = two_level(left, right)
        comparison = _by_t(differences, error, freedom)
    warning = " ".join(filter(None, (comparison.warning, seeds_warning(len(a), len(b)))))
    return comparison.model_copy(update={"seeds": (len(a), len(b)), "warning": warning})


def two_level(left: Numbers, right: Numbers) -> tuple[Numbers, float, float]:
    """Per-question differences of two tables (trainings, questions), the standard error of their mean, its degrees of freedom.

    At least one table has several trainings. If trainings differ no more than by chance, only the questions' error remains.
    """
    differences: Numbers = right.mean(axis=0) - left.mean(axis=0)
    questions, of_questions = len(differences), question_error(differences) ** 2
    spreads = [mean_squares(table) for table in (left, right) if len(table) > 1]
    freedom = sum(spread.seeds - 1 for spread in spreads)
    between = sum(spread.between_seeds * (spread.seeds - 1) for spread in spreads) / freedom
    rest = sum(spread.rest * (spread.seeds - 1) for spread in spreads) / freedom
    share = (1 / len(left) + 1 / len(right)) / questions
    parts = [
        (of_questions, questions - 1),
        (between * share, freedom),
        (-rest * share, freedom * (questions - 1)),
    ]
    variance = sum(part for part, _ in parts)
    if variance <= of_questions:
        return differences, math.sqrt(of_questions), questions - 1
    return differences, math.sqrt(variance), satterthwaite(parts, variance)


def _by_t(differences: Numbers, error: float, freedom: float) -> Paired:
    difference = float(differences.mean())
    half_width = error * float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom))
    low, high = np.clip((difference - half_width, difference + half_width), -1, 1)
    p_value = 2 * float(stats.t.sf(abs(difference) / error, freedom))
    return paired(differences, (float(low), float(high)), p_value, TWO_LEVEL, error)
