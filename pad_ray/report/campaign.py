"""The page of a campaign: table of trials, parallel coordinates and Pareto front, from the files under `campaign/`."""

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue, TypeAdapter, ValidationError

from pad_ray.errors import InputError
from pad_ray.report import charts, text
from pad_ray.report.filters import Filter
from pad_ray.run.campaign import (
    SUMMARY,
    TRIALS,
    CampaignSummary,
    HeldOutAccuracy,
    HeldOutResult,
    Parameter,
    Trial,
    TuningObjective,
)
from pad_ray.run.folder import RunDir
from pad_ray.run.records import Interval, read_record

STORED_TRIAL = TypeAdapter(Trial)
MOST_TRIALS = 500
"""Maximum number of trials on the page; of more, it shows the marked ones and others evenly spaced from best to worst."""
KINDS = {"other": "others", "front": "Pareto front", "default": "default", "best": "best"}
"""The main kind of a trial, in words."""


@dataclass(frozen=True)
class TrialRow:
    """A trial as a row of the table; `mark` says whether it is best, default or on the front."""

    trial: Trial
    mark: str
    values: list[str]
    parameters: list[str]


@dataclass(frozen=True)
class Campaign:
    """The content of a campaign's page: `rows` and charts of at most `MOST_TRIALS`, `states` and `seconds` of all trials."""

    name: str
    summary: CampaignSummary
    states: dict[str, int]
    rows: list[TrialRow]
    parallel: charts.Chart | None
    front: charts.Chart | None
    test: charts.Chart | None
    seconds: float
    filters: list[Filter]

    @property
    def trials(self) -> int:
        return sum(self.states.values())

    @property
    def sampled(self) -> bool:
        return len(self.rows) < self.trials


def is_campaign(run: RunDir) -> bool:
    return run.exists(SUMMARY)


def load(run: RunDir) -> Campaign:
    """Read a campaign. Raises InputError if one of its files cannot be read."""
    summary = read_record(run, SUMMARY, CampaignSummary)
    if summary is None:
        raise InputError(f"{run.path(SUMMARY)} does not exist; give the folder that jobs/tune.py wrote")
    trials = _read_trials(run)
    selected = _select_trials(summary, trials)
    states, states_shown = (Counter(str(trial.state) for trial in some) for some in (trials, selected))
    return Campaign(
        name=summary.name,
        summary=summary,
        states=states,
        rows=[_row(summary, trial) for trial in selected],
        parallel=_parallel(summary, selected),
        front=_front(summary, selected),
        test=_test(summary.test) if summary.test else None,
        seconds=sum(trial.seconds or 0 for trial in trials),
        filters=[Filter.of("state", "State", states_shown, None if states == states_shown else states)],
    )


def _read_trials(run: RunDir) -> list[Trial]:
    """Read the trials. The last line of a trial counts, because a continued campaign writes it again."""
    trials: dict[str, Trial] = {}
    lines = run.read_bytes(TRIALS).decode().splitlines() if run.exists(TRIALS) else []
    for number, line in enumerate(lines, start=1):
        try:
            trial = STORED_TRIAL.validate_json(line)
        except ValidationError as error:
            raise InputError(f"{run.path(TRIALS)} line {number} cannot be shown: {error}; run the job again") from error
        trials[trial.trial] = trial
    return list(trials.values())


def _select_trials(summary: CampaignSummary, trials: Sequence[Trial]) -> list[Trial]:
    """At most `MOST_TRIALS` trials, best first by the first objective, trials without a value last."""
    first = summary.objectives[0]

    def rank(trial: Trial) -> tuple[bool, float]:
        value = _finite(trial.values.get(first.name))
        return value is None, 0.0 if value is None else (-value if first.upwards else value)

    ranked = sorted(trials, key=rank)
    marked = [place for place, trial in enumerate(ranked) if _mark(summary, trial.trial)]
    marked.sort(key=lambda place: _kind(summary, ranked[place].trial) == "front")
    others = sorted(set(range(len(ranked))) - set(marked))
    room = max(0, min(len(others), MOST_TRIALS - len(marked)))
    spaced = [others[number * len(others) // room] for number in range(room)]
    return [ranked[place] for place in sorted([*marked, *spaced][:MOST_TRIALS])]


def _row(summary: CampaignSummary, trial: Trial) -> TrialRow:
    return TrialRow(
        trial=trial,
        mark=_mark(summary, trial.trial),
        values=[_format(trial.values.get(objective.name)) for objective in summary.objectives],
        parameters=[_format(trial.parameters.get(parameter.name)) for parameter in summary.parameters],
    )


def _mark(summary: CampaignSummary, trial: str) -> str:
    marks = {
        "best": trial == summary.best_trial,
        "default": trial == summary.default_trial,
        "front": trial in summary.pareto,
    }
    return ", ".join(name for name, holds in marks.items() if holds)


def _kind(summary: CampaignSummary, trial: str) -> str:
    """The main kind of a trial, which gives its colour."""
    return (_mark(summary, trial) or "other").split(", ")[0]


def _format(value: JsonValue) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | dict):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _finite(value: JsonValue) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)


# --- parallel coordinates


@dataclass(frozen=True)
class _Scale:
    """Maps a value to a position on an axis, from 0 at the bottom to 1; None if the axis does not have it."""

    choices: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0
    log: bool = False
    down: bool = False

    def place(self, value: JsonValue) -> float | None:
        if self.choices:
            text = _format(value)
            return _of(self.choices.index(text), len(self.choices)) if text in self.choices else None
        number = _finite(value)
        if number is None or (self.log and number <= 0):
            return None
        low, high, at = (math.log(x) if self.log else x for x in (self.low, self.high, number))
        share = (at - low) / (high - low) if high > low else 0.5
        return 1 - share if self.down else share

    def ticks(self) -> list[tuple[float, str]]:
        if self.choices:
            return [(_of(index, len(self.choices)), name) for index, name in enumerate(self.choices)]
        ends = (self.low, self.high) if self.high > self.low else (self.low,)
        return [(place, _format(end)) for end in ends if (place := self.place(end)) is not None]


def _of(index: int, count: int) -> float:
    """The position of a choice; the first of `count` choices is at the top."""
    return 1 - (index + 0.5) / count


def _parallel(summary: CampaignSummary, trials: Sequence[Trial]) -> charts.Chart | None:
    """Axes of the parameters, then of the objectives, on which better is always up; None without a finished trial."""
    done = [t for t in trials if all(_finite(t.values.get(o.name)) is not None for o in summary.objectives)]
    if not done or not summary.parameters:
        return None
    scales = {p.name: _parameter_scale(p, [t.parameters.get(p.name) for t in done]) for p in summary.parameters}
    scales |= {o.name: _objective_scale(o, [t.values.get(o.name) for t in done]) for o in summary.objectives}
    notes = {p.name: "log" if p.log else "" for p in summary.parameters} | {
        o.name: "better is up" for o in summary.objectives
    }
    axes = [charts.Axis(_short(name), notes[name], scale.ticks()) for name, scale in scales.items()]
    return charts.parallel(axes, [_strand(summary, trial, scales) for trial in done], KINDS)


def _strand(summary: CampaignSummary, trial: Trial, scales: Mapping[str, _Scale]) -> charts.Strand:
    values: dict[str, JsonValue] = {**trial.parameters, **trial.values}
    places = [scale.place(values.get(name)) for name, scale in scales.items()]
    described = ", ".join(f"{_short(name)} {_format(values.get(name))}" for name in scales)
    return charts.Strand(trial.trial, _kind(summary, trial.trial), places, f"trial {trial.trial}: {described}")


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def _parameter_scale(parameter: Parameter, found: Sequence[JsonValue]) -> _Scale:
    if parameter.kind == "choice":
        return _Scale(choices=tuple(dict.fromkeys(map(_format, [*(parameter.values or ()), *found]))))
    ends = [parameter.low, parameter.high, *map(_finite, found)]
    numbers = [end for end in ends if end is not None and (end > 0 or not parameter.log)]
    return _Scale(low=min(numbers, default=0.0), high=max(numbers, default=1.0), log=bool(parameter.log))


def _objective_scale(objective: TuningObjective, found: Sequence[JsonValue]) -> _Scale:
    numbers = [number for value in found if (number := _finite(value)) is not None]
    return _Scale(low=min(numbers), high=max(numbers), down=not objective.upwards)


# --- front and test


def _front(summary: CampaignSummary, trials: Sequence[Trial]) -> charts.Chart | None:
    """The first objective by the second, with the front joined; None if there is only one objective or no trial."""
    if len(summary.objectives) < 2:
        return None
    up, across = summary.objectives[:2]
    spots = []
    for trial in trials:
        value, cost = _finite(trial.values.get(up.name)), _finite(trial.values.get(across.name))
        if value is not None and cost is not None:
            kind = _kind(summary, trial.trial)
            mark = charts.Mark(f"trial {trial.trial}", kind, value, None, _format(value), "", kind)
            spots.append(charts.Spot(trial.trial, mark, cost))
    on_front = set(summary.pareto)
    return charts.scatter(spots, [s for s in spots if s.name in on_front], per_cent=False) if spots else None


def _test(test: HeldOutResult) -> charts.Chart:
    return charts.whiskers([_score("default", "before", test.default), _score("best", "after", test.best)])


def _score(label: str, kind: str, score: HeldOutAccuracy) -> charts.Mark:
    interval: Interval = (score.low, score.high)
    spread = f" ({text.percent_interval(interval)})"
    note = f"{text.count(score.correct)} of {text.count(score.n)}"
    return charts.Mark(label, note, score.accuracy, interval, text.percent(score.accuracy), spread, kind)
