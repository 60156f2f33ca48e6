"""The trials of a campaign with their parameters and results, stored in the run, and the choice of the best."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from pad_ray.run.campaign import CAMPAIGN, TRIALS, State, Trial
from pad_ray.run.folder import RunDir
from pad_ray.tuning.config import ACCURACY, DIRECTIONS, TOKENS

RUNGS = f"{CAMPAIGN}/rungs.json"
DEFAULT = "000"
"""The trial of the unchanged recipe."""

MEASURED = "measured"
"""In a report: the number of answered questions or validations that it is based on."""
ERROR = "error"
"""In a report: the reason why the trial failed."""
LAST = "last"
"""In a report: whether it is the trial's last one. A trial without a last report was stopped."""


@dataclass
class Trials:
    """The trials of a run by name, with their intermediate reports; every change is written at once.

    `rungs` holds accuracies by trial and by `measured`. The driver is the only writer.
    """

    run: RunDir
    by_name: dict[str, Trial] = field(default_factory=dict)
    rungs: dict[str, dict[int, float]] = field(default_factory=dict)

    @classmethod
    def read(cls, run: RunDir) -> "Trials":
        """Read the trials of earlier calls."""
        lines = run.read_bytes(TRIALS).decode().splitlines() if run.exists(TRIALS) else []
        stored = [Trial(**json.loads(line)) for line in lines]
        rungs = {name: {int(at): value for at, value in of.items()} for name, of in run.read_json(RUNGS, {}).items()}
        return cls(run, {trial.trial: trial for trial in stored}, rungs)

    def write(self, trial: Trial, measured: int | None = None) -> None:
        """Store a trial and replace its earlier state; `measured` is the amount that its accuracy is based on."""
        if measured is not None:
            self.rungs.setdefault(trial.trial, {})[measured] = trial.values[ACCURACY]
            self.run.write_json(RUNGS, self.rungs)
        self.by_name[trial.trial] = trial
        self._write_trials()

    def _write_trials(self) -> None:
        lines = [json.dumps(asdict(self.by_name[name])) + "\n" for name in sorted(self.by_name)]
        self.run.write_text(TRIALS, "".join(lines))

    def change(self, name: str, measured: int | None = None, **values: Any) -> None:
        """Update fields of a stored trial."""
        self.write(replace(self.by_name[name], **values), measured)

    def forget_failed(self) -> None:
        """Remove failed trials, so that they run again."""
        self.by_name = {name: trial for name, trial in self.by_name.items() if trial.state != "failed"}
        self.rungs = {name: rungs for name, rungs in self.rungs.items() if name in self.by_name}
        self.run.write_json(RUNGS, self.rungs)
        self._write_trials()

    def of(self, *states: State) -> list[Trial]:
        """The trials in these states, in the order of their names."""
        return [trial for _, trial in sorted(self.by_name.items()) if trial.state in states]


def pareto(trials: Iterable[Trial], objectives: Sequence[str]) -> list[Trial]:
    """The completed trials that no other dominates: none is at least as good in all objectives and better in one."""
    completed = [trial for trial in trials if trial.state == "completed"]
    return [one for one in completed if not any(_dominates(other, one, objectives) for other in completed)]


def _dominates(a: Trial, b: Trial, objectives: Sequence[str]) -> bool:
    gains = [_gain(a, name) - _gain(b, name) for name in objectives]
    return min(gains) >= 0 and max(gains) > 0


def _gain(trial: Trial, objective: str) -> float:
    return trial.values[objective] * (1 if DIRECTIONS[objective] == "max" else -1)


def best(trials: Iterable[Trial]) -> Trial | None:
    """The completed trial with the highest accuracy; ties go to fewer tokens, then to the earlier trial. None without any."""
    completed = [trial for trial in trials if trial.state == "completed"]
    return min(completed, key=lambda one: (-_gain(one, ACCURACY), one.values[TOKENS], one.trial), default=None)
