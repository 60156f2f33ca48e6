"""The end of a campaign: the default and the chosen recipe answer the test questions once."""

from collections.abc import Mapping, Sequence

from pad_ray.evaluation.claims import SIGNIFICANCE
from pad_ray.evaluation.intervals import wilson
from pad_ray.evaluation.paired import compare
from pad_ray.recipe import Recipe
from pad_ray.run.campaign import ChosenResult, HeldOutAccuracy, HeldOutResult
from pad_ray.run.progress import Progress
from pad_ray.run.records import Paired
from pad_ray.schema import Question, Solution
from pad_ray.tuning.measuring import CHAINS, Bench, measure_trial, strategy_of

TEST_SIDE = "test-"


def answer_tests(
    bench: Bench, recipe: Recipe, trial: str, tests: Mapping[str, Sequence[Question]], progress: Progress
) -> list[Solution]:
    """The solutions of a trial's student, with the trial's `recipe`, to the test questions of all tasks.

    Raises:
        InputError, StageError: raised by the stages of the recipe; committed work is kept.
    """
    salt = "" if recipe.tuning.share else trial
    if recipe.tuning.kind == "decode":
        solver = bench.solver(recipe, salt, progress)
    else:
        solver = bench.trained_solver(recipe, bench.shared(salt).provide(recipe, CHAINS[recipe.tuning.kind]), progress)
    try:
        strategy = strategy_of(recipe)
        solved = [measure_trial(solver, strategy, name, questions, TEST_SIDE)[1] for name, questions in tests.items()]
    finally:
        # The campaign's engines also serve the other recipe.
        if not bench.running:
            solver.close()
    return [solution for one in solved for solution in one.solutions]


def verdict(default: Sequence[Solution], chosen: Sequence[Solution], trial: str, seed: int) -> HeldOutResult:
    """The result on the test questions: both accuracies with intervals, the paired test, and a sentence."""
    paired = compare(default, chosen, seed)
    low, high = paired.interval
    beats = paired.difference > 0 and paired.p_value < SIGNIFICANCE
    return HeldOutResult(
        default=_accuracy(default),
        best=_accuracy(chosen),
        difference=paired.difference,
        difference_low=low,
        difference_high=high,
        p_value=paired.p_value,
        beats_default=beats,
        sentence=_sentence(_accuracy(default), _accuracy(chosen), paired, trial, beats=beats),
    )


def undecided(default: Sequence[Solution]) -> HeldOutResult:
    """The result if the default was best on the validation questions."""
    accuracy = _accuracy(default)
    return HeldOutResult(
        default=accuracy,
        best=accuracy,
        # Nothing was compared, so there is no interval.
        difference=0.0,
        difference_low=None,
        difference_high=None,
        p_value=None,
        beats_default=False,
        sentence=(
            "No trial beats the default on the validation questions, so the recipe stays as it is: "
            f"{accuracy.accuracy:.1%} of {accuracy.n} test questions ({accuracy.low:.1%} to {accuracy.high:.1%})."
        ),
    )


def alone(chosen: Sequence[Solution], trial: str, error: str) -> ChosenResult:
    """The result if the default failed with `error`: there is nothing to compare with."""
    accuracy = _accuracy(chosen)
    return ChosenResult(
        best=accuracy,
        sentence=(
            f"The chosen recipe, trial {trial}, is right on {accuracy.accuracy:.1%} of {accuracy.n} test questions "
            f"({accuracy.low:.1%} to {accuracy.high:.1%}). The default could not be measured: {error}."
        ),
    )


def _accuracy(solutions: Sequence[Solution]) -> HeldOutAccuracy:
    correct, count = sum(solution.correct for solution in solutions), len(solutions)
    low, high = wilson(correct, count)
    return HeldOutAccuracy(correct=correct, n=count, accuracy=correct / count, low=low, high=high)


def _sentence(default: HeldOutAccuracy, chosen: HeldOutAccuracy, paired: Paired, trial: str, *, beats: bool) -> str:
    low, high = paired.interval
    figures = (
        f"{chosen.accuracy:.1%} against {default.accuracy:.1%} of {default.n} test questions, "
        f"{100 * paired.difference:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f}), {paired.test} p = {paired.p_value:.2g}"
    )
    claim = "beats the default" if beats else "does not beat the default"
    if paired.difference < 0 and paired.p_value < SIGNIFICANCE:
        claim = "is worse than the default"
    return f"The chosen recipe, trial {trial}, {claim} on the test questions: {figures}."
