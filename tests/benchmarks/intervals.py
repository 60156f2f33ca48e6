"""The coverage of intervals of a difference, in simulated trainings on simulated questions.

    python -m tests.benchmarks.intervals [--rounds 2000]

The first table is of two systems with several trainings each. A question has a difficulty that both systems share, and its
log-odds vary with the system and with the training; a training also shifts all questions at once. The true difference is that
of infinitely many trainings and questions. The second table is of two systems with one training each, whose answers seldom
differ.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from pad_ray.evaluation.intervals import CONFIDENCE, Numbers
from pad_ray.evaluation.paired import adjusted_error, difference_interval, question_error
from pad_ray.evaluation.systems import two_level

POINTS_A_LOGIT = 0.15
"""Change of the accuracy per unit of log-odds, on questions with this spread."""
DIFFICULTY, OWN_TO_SYSTEM, OWN_TO_TRAINING = 1.8, 0.7, 1.0
"""Standard deviations in log-odds: accuracies near 40 %; trainings of a recipe agree on four of five answers."""
RESAMPLES = 400


@dataclass(frozen=True)
class Trainings:
    """A setting: numbers of trainings of a and b, questions, and the standard deviations of accuracy between trainings."""

    a: int
    b: int
    questions: int
    spread_a: float
    spread_b: float

    def draw(self, random: np.random.Generator) -> tuple[Numbers, Numbers]:
        """Correct answers of both systems, shape (trainings, questions)."""
        difficulty = random.normal(-0.5, DIFFICULTY, self.questions)
        return (
            _answers(random, difficulty, self.a, self.spread_a),
            _answers(random, difficulty, self.b, self.spread_b),
        )

    def truth(self, random: np.random.Generator) -> float:
        """The difference of infinitely many trainings: spread shifts a mean accuracy other than 50 %."""
        if self.spread_a == self.spread_b:
            return 0.0
        many = Trainings(400, 400, 8_000, self.spread_a, self.spread_b)
        left, right = many.draw(random)
        return float(right.mean() - left.mean())


def _answers(random: np.random.Generator, difficulty: Numbers, trainings: int, spread: float) -> Numbers:
    questions = len(difficulty)
    odds = difficulty + random.normal(0, OWN_TO_SYSTEM, questions)
    odds = odds + random.normal(0, spread / POINTS_A_LOGIT, (trainings, 1))
    odds = odds + random.normal(0, OWN_TO_TRAINING, (trainings, questions))
    right: Numbers = (random.random((trainings, questions)) < 1 / (1 + np.exp(-odds))).astype(float)
    return right


def _questions(left: Numbers, right: Numbers, random: np.random.Generator) -> tuple[float, float]:
    """Only the questions are random; the trainings are treated as fixed."""
    differences = right.mean(axis=0) - left.mean(axis=0)
    return _around(float(differences.mean()), question_error(differences), len(differences) - 1)


def _two_level(left: Numbers, right: Numbers, random: np.random.Generator) -> tuple[float, float]:
    differences, error, freedom = two_level(left, right)
    return _around(float(differences.mean()), error, freedom)


def _welch(left: Numbers, right: Numbers, random: np.random.Generator) -> tuple[float, float]:
    """Only the trainings are random: the accuracies of each side as independent numbers."""
    accuracies = left.mean(axis=1), right.mean(axis=1)
    low, high = stats.ttest_ind(*accuracies[::-1], equal_var=False).confidence_interval(CONFIDENCE)
    return float(low), float(high)


def _bootstrap(left: Numbers, right: Numbers, random: np.random.Generator) -> tuple[float, float]:
    """Percentiles of differences with resampled trainings of each side and resampled questions."""
    questions = left.shape[1]
    drawn = random.multinomial(questions, [1 / questions] * questions, RESAMPLES) / questions
    means = []
    for table in (left, right):
        trainings = len(table)
        chosen = random.multinomial(trainings, [1 / trainings] * trainings, RESAMPLES) / trainings
        means.append(((chosen @ table) * drawn).sum(axis=1))
    low, high = np.quantile(means[1] - means[0], ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return float(low), float(high)


def _around(middle: float, error: float, freedom: float) -> tuple[float, float]:
    half_width = error * float(stats.t.ppf((1 + CONFIDENCE) / 2, freedom))
    return middle - half_width, middle + half_width


Method = Callable[[Numbers, Numbers, np.random.Generator], tuple[float, float]]
METHODS: dict[str, Method] = {
    "questions": _questions,
    "trainings": _welch,
    "bootstrap": _bootstrap,
    "two-level t": _two_level,
}


def coverage(
    setting: Trainings, rounds: int, seed: int = 0, methods: Sequence[str] = tuple(METHODS)
) -> dict[str, tuple[float, float]]:
    """By method: the share of intervals that cover the truth, and their mean half-width."""
    random = np.random.default_rng(seed)
    truth = setting.truth(random)
    limits: dict[str, list[tuple[float, float]]] = {name: [] for name in methods}
    for _ in range(rounds):
        tables = setting.draw(random)
        for name in methods:
            if name in ("two-level t", "questions") or min(setting.a, setting.b) > 1:
                limits[name].append(METHODS[name](*tables, random))
    found = {name: np.array(pairs) for name, pairs in limits.items() if pairs}
    return {
        name: (
            float(((pairs[:, 0] <= truth) & (truth <= pairs[:, 1])).mean()),
            float((pairs[:, 1] - pairs[:, 0]).mean()) / 2,
        )
        for name, pairs in found.items()
    }


def few_changes(
    questions: int, fixed: float, broken: float, rounds: int, seed: int = 0
) -> dict[str, tuple[float, float]]:
    """By method: coverage and mean half-width for one training each, with these probabilities of fixed and broken questions."""
    random = np.random.default_rng(seed)
    truth = fixed - broken
    held: dict[str, list[tuple[bool, float]]] = {"bootstrap": [], "adjusted": [], "as shipped": []}
    for _ in range(rounds):
        differences = random.choice([1.0, -1.0, 0.0], questions, p=[fixed, broken, 1 - fixed - broken])
        centre, error = adjusted_error(differences)
        drawn = np.quantile(random.choice(differences, (RESAMPLES, questions)).mean(axis=1), (0.025, 0.975))
        both = (centre - 1.96 * error, centre + 1.96 * error), difference_interval(differences, seed)
        for name, (low, high) in zip(held, (drawn, *both), strict=True):
            held[name].append((bool(low <= truth <= high), float(high - low) / 2))
    return {
        name: (float(np.mean([h for h, _ in one])), float(np.mean([w for _, w in one]))) for name, one in held.items()
    }


def _cells(found: dict[str, tuple[float, float]], names: Sequence[str]) -> str:
    cells = (f"{100 * found[name][0]:.1f} % ({100 * found[name][1]:.1f})" if name in found else "-" for name in names)
    return " | ".join(cells)


def main() -> None:
    """Print both tables: coverage, and in brackets the mean half-width in points."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=2_000)
    rounds = parser.parse_args().rounds
    print(f"| trainings | spread, points | {' | '.join(METHODS)} |\n|{'---|' * (2 + len(METHODS))}")
    for a, b in ((3, 3), (5, 5), (2, 2), (1, 3)):
        for spread_a, spread_b in ((0, 0), (0.01, 0.01), (0.02, 0.02), (0.04, 0.04), (0.06, 0.06), (0, 0.04)):
            found = coverage(Trainings(a, b, 500, spread_a, spread_b), rounds)
            spread = f"{100 * spread_a:g}" if spread_a == spread_b else f"{100 * spread_a:g} and {100 * spread_b:g}"
            print(f"| {a} and {b} | {spread} | {_cells(found, tuple(METHODS))} |", flush=True)
    names = ("bootstrap", "adjusted", "as shipped")
    print(f"\n| questions | fixed, broken | {' | '.join(names)} |\n|{'---|' * 5}")
    for questions, fixed, broken in (
        (100, 0.005, 0.005),
        (100, 0.02, 0.02),
        (200, 0.03, 0),
        (200, 0.1, 0.05),
        (500, 0.06, 0.04),
    ):
        found = few_changes(questions, fixed, broken, rounds // 4)
        print(f"| {questions} | {100 * fixed:g} %, {100 * broken:g} % | {_cells(found, names)} |", flush=True)


if __name__ == "__main__":
    main()
