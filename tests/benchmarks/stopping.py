"""The cost of stopping trials early: simulated campaigns of 24 configurations with the scheduler of real campaigns.

    python -m tests.benchmarks.stopping [--campaigns 1000]

True accuracies are normal around 40 %. A question is hard or easy for all configurations, so that their answers are alike, as
those of one student are. Trials run four at a time in random order, ask the same questions in the same order, report after each
rung, and are stopped by `pad_ray.tuning.search.Halving`. The choice is the trial of the highest accuracy among those that were
not stopped. A table's figures are: how often the best configuration is chosen, the mean rank of the choice (1 is the best),
points of true accuracy that the choice is behind the best, and answers as a share of those without stopping.
"""

import argparse
import tempfile
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray
from ray.tune.schedulers import TrialScheduler

from pad_ray.run.folder import RunDir
from pad_ray.tuning.config import CONCURRENT_DECODES, TuningConfig
from pad_ray.tuning.search import Halving
from pad_ray.tuning.trials import MEASURED, Trials

Numbers = NDArray[np.float64]
CONFIGURATIONS = 24
MEAN = 0.40
DIFFICULTY, OWN = 1.8, 0.8
"""Standard deviations of a question's log-odds: common to all configurations, and of each configuration."""
POINTS_A_LOGIT = 0.155
SETTINGS = {
    "no stopping": TuningConfig(stopping=False),
    "8, 3": TuningConfig(first_rung=8, reduction=3),
    "25, 2": TuningConfig(first_rung=25, reduction=2),
    "25, 3": TuningConfig(first_rung=25, reduction=3),
    "50, 2": TuningConfig(first_rung=50, reduction=2),
    "50, 3": TuningConfig(first_rung=50, reduction=3),
    "100, 2": TuningConfig(first_rung=100, reduction=2),
}
"""By `first_rung` and `reduction`."""


@dataclass(frozen=True)
class Outcome:
    """One campaign: rank of the chosen trial, points behind the best, share of all answers that were needed."""

    rank: int
    behind: float
    cost: float


@dataclass(frozen=True)
class Summary:
    """Means over many campaigns."""

    kept: float
    rank: float
    behind: float
    cost: float


def draw(random: np.random.Generator, questions: int, spread: float) -> tuple[Numbers, Numbers]:
    """True accuracies of all configurations, and their answers, shape (configurations, questions)."""
    accuracies = random.normal(MEAN, spread, CONFIGURATIONS)
    odds = (accuracies[:, None] - MEAN) / POINTS_A_LOGIT + random.normal(-0.6, DIFFICULTY, questions)
    odds = odds + random.normal(0, OWN, (CONFIGURATIONS, questions))
    right: Numbers = (random.random(odds.shape) < 1 / (1 + np.exp(-odds))).astype(float)
    return accuracies, right


def campaign(config: TuningConfig, accuracies: Numbers, right: Numbers, folder: str) -> Outcome:
    """One campaign with the rungs and the scheduler of a configuration."""
    questions = right.shape[1]
    rungs = config.rungs(questions)
    scheduler = Halving(rungs[0], rungs[-1], config.reduction, Trials(RunDir(folder)))
    waiting, running, asked, done = list(range(len(right))), [], 0, []
    while waiting or running:
        while waiting and len(running) < CONCURRENT_DECODES:
            trial = SimpleNamespace(trial_id=str(waiting[0]), number=waiting.pop(0), level=0)
            scheduler.on_trial_add(None, trial)
            running.append(trial)
        trial = running.pop(0)
        rung = rungs[trial.level]
        asked += rung - (rungs[trial.level - 1] if trial.level else 0)
        accuracy = float(right[trial.number, :rung].mean())
        if rung == rungs[-1]:
            done.append((accuracy, -trial.number))
        elif _goes_on(scheduler, trial, rung, accuracy):
            trial.level += 1
            running.append(trial)
    chosen = -max(done)[1]
    rank = 1 + int((accuracies > accuracies[chosen]).sum())
    return Outcome(rank, 100 * float(accuracies.max() - accuracies[chosen]), asked / right.size)


def _goes_on(scheduler: object, trial: SimpleNamespace, rung: int, accuracy: float) -> bool:
    report = {MEASURED: rung, "accuracy": accuracy}
    return scheduler.on_trial_result(None, trial, report) == TrialScheduler.CONTINUE  # type: ignore[attr-defined, no-any-return]


def simulate(config: TuningConfig, questions: int, spread: float, campaigns: int, seed: int = 0) -> Summary:
    """Means over campaigns; every configuration uses the same campaigns."""
    random = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as folder:
        found = [campaign(config, *draw(random, questions, spread), folder) for _ in range(campaigns)]
    return Summary(
        float(np.mean([one.rank == 1 for one in found])),
        float(np.mean([one.rank for one in found])),
        float(np.mean([one.behind for one in found])),
        float(np.mean([one.cost for one in found])),
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--campaigns", type=int, default=1_000)
    campaigns = parser.parse_args().campaigns
    print("| questions | spread, points | first_rung, reduction | best chosen | mean rank | behind, points | answers |")
    print("|---|---|---|---|---|---|---|")
    for questions in (50, 100, 200, 400):
        for spread in (0.03, 0.05):
            for name, config in SETTINGS.items():
                one = simulate(config, questions, spread, campaigns)
                cells = f"{100 * one.kept:.0f} % | {one.rank:.1f} | {one.behind:.2f} | {100 * one.cost:.0f} %"
                print(f"| {questions} | {100 * spread:.0f} | {name} | {cells} |", flush=True)


if __name__ == "__main__":
    main()
