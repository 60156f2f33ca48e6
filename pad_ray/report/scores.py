"""What the page says of students: scores by task and strategy, what they cost, their errors, and what refinement changed."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pad_ray.report import charts, text
from pad_ray.report.data import RunData
from pad_ray.report.headline import REFINED, as_family, verdict_of
from pad_ray.report.shapes import GREEDY, Paired, Pooled, Score, Training
from pad_ray.report.subtasks import Ability, ability
from pad_ray.schema import Outcome


@dataclass(frozen=True)
class TaskScores:
    """The scores on one task. `spent` sets accuracy against tokens where there is something to compare.

    `sampled` are those with pass@k, `pooled` sentences and warnings of strategies that differ in their seed.
    """

    task: str
    protocols: list[str]
    scores: list[Score]
    accuracy: charts.Chart
    spent: charts.Chart | None
    spots: list[charts.Spot]
    warnings: list[str]
    sampled: list[Score]
    ability: Ability | None
    pooled: list[tuple[str, str]]


def by_task(data: RunData) -> list[TaskScores]:
    """One entry a task, in the order in which they were measured."""
    tasks = dict.fromkeys(score.task for score in data.metrics.evaluation)
    return [_task_scores(data, task) for task in tasks]


def _task_scores(data: RunData, task: str) -> TaskScores:
    scores = [score for score in data.metrics.evaluation if score.task == task]
    marks = [mark(score) for score in scores]
    spots = [
        charts.Spot(str(number), made, score.tokens)
        for number, (made, score) in enumerate(zip(marks, scores, strict=True), start=1)
        if score.tokens is not None
    ]
    return TaskScores(
        task=task,
        protocols=list(dict.fromkeys(score.protocol for score in scores if score.protocol)),
        scores=scores,
        accuracy=charts.whiskers(marks),
        spent=charts.scatter(spots) if len(spots) > 1 else None,
        spots=spots,
        warnings=[f"{made.label}: {score.warning}" for made, score in zip(marks, scores, strict=True) if score.warning],
        sampled=[score for score in scores if score.at_k],
        ability=ability(data, task),
        pooled=[
            (f"{one.student}, {', '.join(one.strategies)}: {pooled_evidence(one)}", one.warning)
            for one in data.metrics.pooled
            if one.task == task
        ],
    )


def pooled_evidence(pooled: Pooled) -> str:
    """The accuracy over seeds with its interval, and how far the seeds lie apart."""
    each = ", ".join(text.percent(accuracy) for accuracy in pooled.by_seed)
    return (
        f"{text.percent(pooled.accuracy)} of {text.count(pooled.questions)} questions over {pooled.seeds} seeds "
        f"(95\u00a0% interval {text.percent_interval(pooled.interval)}). By seed {each}; standard deviation between seeds, "
        f"what chance adds taken off: {100 * pooled.seed_deviation:.1f} points."
    )


def mark(score: Score) -> charts.Mark:
    """A score with its interval, for a chart."""
    return charts.Mark(
        label=", ".join(part for part in (score.student, score.strategy) if part) or score.task,
        note=score.prompt,
        value=score.accuracy,
        interval=score.interval,
        number=text.percent(score.accuracy),
        spread=f" ({text.percent_interval(score.interval)})" if score.interval else "",
        kind="before" if score.student == "before" else "after",
    )


def strategy_pairs(data: RunData) -> list[tuple[str, Paired, str]]:
    """Title, comparison and verdict of the paired tests between strategies of a student."""
    return [
        (f"{pair.task}, {pair.student}: {pair.b} against {pair.a}", pair, verdict_of(pair))
        for pair in as_family(data.metrics.paired_strategies)
    ]


@dataclass(frozen=True)
class Curve:
    """One training chart."""

    id: str
    title: str
    chart: charts.Chart


def curves(training: Training | None, name: str) -> list[Curve]:
    """Loss by step, and the accuracy on validation questions where the student was asked some."""
    if training is None:
        return []
    loss = charts.lines(
        [(point.step, point.loss) for point in training.curve],
        [(point.step, point.loss) for point in training.validation],
    )
    asked = [(point.step, 100 * point.accuracy) for point in training.validation if point.accuracy is not None]
    found = {
        f"{name}-loss": ("Loss by step, in nats a token", loss),
        f"{name}-accuracy": ("Right answers to validation questions, in per cent", charts.lines([], asked, "accuracy")),
    }
    return [Curve(key, title, chart) for key, (title, chart) in found.items() if chart]


@dataclass(frozen=True)
class OutcomeRow:
    """One outcome over the scores that are compared; the columns follow the scores."""

    name: str
    numbers: list[str]


def student_outcomes(data: RunData) -> list[OutcomeRow]:
    """What happened to the students' programs, most frequent first."""
    scores = data.metrics.evaluation
    total: dict[str, int] = {}
    for score in scores:
        for name, number in score.outcomes.items():
            total[name] = total.get(name, 0) + number
    names = sorted(total, key=lambda name: (name != Outcome.ACCEPTED, -total[name], name))
    counts = [[text.count(score.outcomes.get(name, 0)) for score in scores] for name in names]
    return [OutcomeRow(text.words(name), numbers) for name, numbers in zip(names, counts, strict=True)]


@dataclass(frozen=True)
class Refinement:
    """What self-refinement was made of: how much, and an error's share in the student's failures and in what it reads."""

    lead: str
    errors: list[OutcomeRow]


def refinement(data: RunData) -> Refinement | None:
    """Both histograms of errors side by side, in descending order of the student's."""
    made = data.metrics.refinement
    if made is None:
        return None
    rows = ", ".join(f"{text.count(count)} {text.words(name)}" for name, count in _origins(made.rows).items() if count)
    lead = (
        f"The student failed in {text.count(made.student_failures)} of {text.count(made.drafts)} drafts for train "
        f"questions; {text.count(made.injected_variants)} programs of the corpus were spoiled in the mix of its errors. The "
        f"histograms differ by {text.percent(made.total_variation)} of their mass."
    )
    errors = [
        OutcomeRow(text.words(share.outcome), [text.percent(share.student), text.percent(share.injected)])
        for share in made.shares
    ]
    return Refinement(f"{lead} Rows to train on: {rows}." if rows else lead, errors)


def _origins(rows: Mapping[str, int]) -> dict[str, int]:
    return {name.removeprefix("train/"): count for name, count in rows.items() if name.startswith("train/")}


@dataclass(frozen=True)
class ErrorPair:
    """One kind of error, before and after refinement: share of the answers, and a bar's width in per cent of the longest."""

    name: str
    before: str
    after: str
    before_width: float
    after_width: float


def error_pairs(data: RunData) -> list[ErrorPair]:
    """What the student's wrong answers were before and after self-refinement, on the tasks that both answered greedily."""
    before, after = (_greedy(data.metrics.evaluation, student) for student in ("after", REFINED))
    shared = before.keys() & after.keys()
    sides = [_failures([scores[task] for task in shared]) for scores in (before, after)]
    names = sorted({*sides[0], *sides[1]}, key=lambda name: (-sides[0].get(name, 0), name))
    longest = max((share for side in sides for share in side.values()), default=0) or 1
    return [_error_pair(name, sides[0].get(name, 0.0), sides[1].get(name, 0.0), longest) for name in names]


def _error_pair(name: str, before: float, after: float, longest: float) -> ErrorPair:
    widths = [round(100 * share / longest, 2) for share in (before, after)]
    return ErrorPair(text.words(name), text.percent(before), text.percent(after), *widths)


def _greedy(scores: Sequence[Score], student: str) -> dict[str, Score]:
    """A student's greedy scores by task."""
    return {score.task: score for score in scores if (score.student, score.strategy) == (student, GREEDY)}


def _failures(scores: Sequence[Score]) -> dict[str, float]:
    """Shares of answers that failed, by outcome."""
    counts: Counter[str] = Counter()
    for score in scores:
        counts.update(score.outcomes)
    asked = counts.total()
    counts.pop(Outcome.ACCEPTED.value, None)
    return {name: count / asked for name, count in counts.items()}
