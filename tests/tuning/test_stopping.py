"""The defaults of early stopping, in simulated campaigns; `python -m tests.benchmarks.stopping` prints the whole table."""

from pad_ray.tuning.config import TuningConfig
from tests.benchmarks.stopping import simulate


def test_the_default_loses_little_and_costs_half():
    # The same 150 campaigns for each setting, 200 questions, accuracies 5 points apart.
    whole, default, early = (
        simulate(config, 200, 0.05, 150)
        for config in (TuningConfig(stopping=False), TuningConfig(), TuningConfig(first_rung=8, reduction=3))
    )
    assert whole.cost == 1 and 0.4 < default.cost < 0.65
    assert default.kept > 0.85 * whole.kept and default.behind < whole.behind + 0.3
    # Rungs with few questions are cheaper and choose worse.
    assert early.cost < default.cost and early.behind > default.behind
