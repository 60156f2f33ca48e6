"""The end of a campaign: the test questions, asked once, for the recipe as it was and the one that was chosen."""

from collections.abc import Mapping, Sequence
from typing import Any

from pad_ray.evaluation.claims import SIGNIFICANCE
from pad_ray.evaluation.intervals import wilson
from pad_ray.evaluation.paired import Paired, compare
from pad_ray.recipe import Recipe
from pad_ray.run.progress import Progress
from pad_ray.schema import Question, Solution
from pad_ray.tuning.measuring import CHAINS, Bench, measure, strategy_of

TEST_SIDE = "test-"


def answer_tests(
    bench: Bench, recipe: Recipe, trial: str, tests: Mapping[str, Sequence[Question]], progress: Progress
) -> list[Solution]:
    """The solutions of the student of a trial, whose recipe this is, to the test questions of all tasks.

    Raises:
        InputError, StageError: as the stages of the recipe do; what is committed stays.
    """
    salt = "" if recipe.tuning.share else trial
    if recipe.tuning.kind == "decode":
        solver = bench.solver(recipe, salt, progress)
    else:
        solver = bench.trained_solver(recipe, bench.shared(salt).provide(recipe, CHAINS[recipe.tuning.kind]), progress)
    try:
        strategy = strategy_of(recipe)
        solved = [measure(solver, strategy, name, questions, TEST_SIDE)[1] for name, questions in tests.items()]
    finally:
        # Those of the campaign serve the other recipe too.
        if not bench.actors:
            solver.close()
    return [solution for one in solved for solution in one.solutions]


def verdict(default: Sequence[Solution], chosen: Sequence[Solution], trial: str, seed: int) -> dict[str, Any]:
    """What the test questions say: both accuracies with intervals, the paired test, and a sentence."""
    paired = compare(default, chosen, seed)
    low, high = paired.interval
    beats = paired.difference > 0 and paired.p_value < SIGNIFICANCE
    return {
        "default": _accuracy(default),
        "best": _accuracy(chosen),
        "difference": paired.difference,
        "difference_low": low,
        "difference_high": high,
        "p_value": paired.p_value,
        "beats_default": beats,
        "sentence": _sentence(_accuracy(default), _accuracy(chosen), paired, trial, beats=beats),
    }


def undecided(default: Sequence[Solution]) -> dict[str, Any]:
    """What is to be said where the recipe as it is did best on the validation questions."""
    found = _accuracy(default)
    return {
        "default": found,
        "best": found,
        # The same answers on both sides are no comparison, and have no interval.
        "difference": 0.0,
        "difference_low": None,
        "difference_high": None,
        "p_value": None,
        "beats_default": False,
        "sentence": (
            "No trial beats the default on the validation questions, so the recipe stays as it is: "
            f"{found['accuracy']:.1%} of {found['n']} test questions ({found['low']:.1%} to {found['high']:.1%})."
        ),
    }


def alone(chosen: Sequence[Solution], trial: str, error: str) -> dict[str, Any]:
    """What is to be said where the recipe as it is failed, for the reason in `error`: there is nothing to compare with."""
    found = _accuracy(chosen)
    return {
        "best": found,
        "sentence": (
            f"The chosen recipe, trial {trial}, is right on {found['accuracy']:.1%} of {found['n']} test questions "
            f"({found['low']:.1%} to {found['high']:.1%}). The default could not be measured: {error}."
        ),
    }


def _accuracy(solutions: Sequence[Solution]) -> dict[str, Any]:
    correct, count = sum(solution.correct for solution in solutions), len(solutions)
    low, high = wilson(correct, count)
    return {"correct": correct, "n": count, "accuracy": correct / count, "low": low, "high": high}


def _sentence(default: Mapping[str, Any], chosen: Mapping[str, Any], paired: Paired, trial: str, *, beats: bool) -> str:
    low, high = paired.interval
    figures = (
        f"{chosen['accuracy']:.1%} against {default['accuracy']:.1%} of {default['n']} test questions, "
        f"{100 * paired.difference:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f}), {paired.test} p = {paired.p_value:.2g}"
    )
    said = "beats the default" if beats else "does not beat the default"
    if paired.difference < 0 and paired.p_value < SIGNIFICANCE:
        said = "is worse than the default"
    return f"The chosen recipe, trial {trial}, {said} on the test questions: {figures}."
