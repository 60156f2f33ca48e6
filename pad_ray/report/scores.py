"""The sections about students: scores by task and strategy, costs, errors, and the effect of refinement."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pad_ray.report import charts, text
from pad_ray.report.data import RunData
from pad_ray.report.headline import as_family, verdict_of
from pad_ray.report.subtasks import Ability, ability
from pad_ray.run.records import GREEDY, TRAINED_ROLES, Paired, Pooled, Score, StudentRole, TrainingSummary
from pad_ray.schema import Outcome


@dataclass(frozen=True)
class TaskScores:
    """The scores on one task. `spent` is a chart of accuracy by tokens, if there is something to compare.

    `sampled` are the scores with pass@k; `pooled` holds sentences and warnings of strategies that differ only in their seed.
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
    """One entry per task, in the order of measurement."""
    tasks = dict.fromkeys(score.task for score in data.metrics.evaluation)
    return [_task_scores(data, task) for task in tasks]


def _task_scores(data: RunData, task: str) -> TaskScores:
    scores = [score for score in data.metrics.evaluation if score.task == task]
    marks = [mark(score) for score in scores]
    spots = [
        charts.Spot(str(number), one, score.tokens)
        for number, (one, score) in enumerate(zip(marks, scores, strict=True), start=1)
        if score.tokens is not None
    ]
    return TaskScores(
        task=task,
        protocols=list(dict.fromkeys(score.protocol for score in scores if score.protocol)),
        scores=scores,
        accuracy=charts.whiskers(marks),
        spent=charts.scatter(spots) if len(spots) > 1 else None,
        spots=spots,
        warnings=[f"{one.label}: {score.warning}" for one, score in zip(marks, scores, strict=True) if score.warning],
        sampled=[score for score in scores if score.at_k],
        ability=ability(data, task),
        pooled=[
            (f"{one.student}, {', '.join(one.strategies)}: {pooled_evidence(one)}", one.warning)
            for one in data.metrics.pooled
            if one.task == task
        ],
    )


def pooled_evidence(pooled: Pooled) -> str:
    """The accuracy over seeds with its interval, and the deviation between seeds."""
    each = ", ".join(text.percent(accuracy) for accuracy in pooled.by_seed)
    return (
        f"{text.percent(pooled.accuracy)} of {text.count(pooled.questions)} questions over {pooled.seeds} seeds "
        f"(95\u00a0% interval {text.percent_interval(pooled.interval)}). By seed {each}; standard deviation between seeds, "
        f"corrected for chance: {100 * pooled.seed_deviation:.1f} points."
    )


def mark(score: Score) -> charts.Mark:
    """A score with its interval, for a chart."""
    return charts.Mark(
        label=", ".join(part for part in (score.student, score.strategy) if part) or score.task,
        note=score.prompt,
        value=score.accuracy,
        interval=score.interval,
        number=text.percent(score.accuracy),
        spread=f" ({text.percent_interval(score.interval)})",
        kind=kind_of(score.student),
    )


def kind_of(student: str) -> str:
    """The kind of mark of a student in a chart."""
    return "before" if student == StudentRole.BEFORE else "after"


def strategy_pairs(data: RunData) -> list[tuple[str, Paired, str]]:
    """Title, comparison and verdict of each paired test between strategies of a student."""
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


def curves(training: TrainingSummary | None, name: str) -> list[Curve]:
    """Loss by step, and the accuracy on validation questions if it was measured."""
    if training is None:
        return []
    loss = charts.lines(
        [(point.step, point.loss) for point in training.curve],
        [(point.step, point.loss) for point in training.validation],
    )
    accuracies = [(point.step, 100 * point.accuracy) for point in training.validation if point.accuracy is not None]
    charts_by_id = {
        f"{name}-loss": ("Loss by step, in nats per token", loss),
        f"{name}-accuracy": ("Accuracy on validation questions, in per cent", charts.lines([], accuracies, "accuracy")),
    }
    return [Curve(key, title, chart) for key, (title, chart) in charts_by_id.items() if chart]


@dataclass(frozen=True)
class OutcomeRow:
    """One outcome; the columns are in the order of the scores."""

    name: str
    numbers: list[str]


def student_outcomes(data: RunData) -> list[OutcomeRow]:
    """Outcomes of the students' answers: accepted first, then by frequency."""
    scores = data.metrics.evaluation
    total: dict[str, int] = {}
    for score in scores:
        for name, number in score.outcomes.items():
            total[name] = total.get(name, 0) + number
    names = sorted(total, key=lambda name: (name != Outcome.ACCEPTED, -total[name], name))
    counts = [[text.count(score.outcomes.get(name, 0)) for score in scores] for name in names]
    return [OutcomeRow(text.words(name), numbers) for name, numbers in zip(names, counts, strict=True)]


@dataclass(frozen=True)
class ErrorHistograms:
    """The data of self-refinement: its size, and each error's share in the student's failures and in the injected errors."""

    lead: str
    errors: list[OutcomeRow]


def refinement(data: RunData) -> ErrorHistograms | None:
    """Both histograms of errors, in descending order of the student's."""
    figures = data.metrics.refinement
    if figures is None:
        return None
    rows = ", ".join(
        f"{text.count(count)} {text.words(name)}" for name, count in _origins(figures.rows).items() if count
    )
    lead = (
        f"The student failed in {text.count(figures.student_failures)} of {text.count(figures.drafts)} drafts for train "
        f"questions; errors in the same proportions were injected into the corpus, in {text.count(figures.injected_variants)} "
        f"variants of its programs. The total variation distance of the histograms is {text.percent(figures.total_variation)}."
    )
    errors = [
        OutcomeRow(text.words(share.outcome), [text.percent(share.student), text.percent(share.injected)])
        for share in figures.shares
    ]
    return ErrorHistograms(f"{lead} Training rows: {rows}." if rows else lead, errors)


def _origins(rows: Mapping[str, int]) -> dict[str, int]:
    return {name.removeprefix("train/"): count for name, count in rows.items() if name.startswith("train/")}


@dataclass(frozen=True)
class ErrorPair:
    """One kind of error before and after refinement: its share of the answers, and bar widths in per cent of the longest."""

    name: str
    before: str
    after: str
    before_width: float
    after_width: float


def error_pairs(data: RunData) -> list[ErrorPair]:
    """The student's errors before and after self-refinement, on the tasks that both answered greedily."""
    before, after = (_greedy(data.metrics.evaluation, student) for student in TRAINED_ROLES)
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
    """Shares of failed answers, by outcome."""
    counts: Counter[str] = Counter()
    for score in scores:
        counts.update(score.outcomes)
    answers = counts.total()
    counts.pop(Outcome.ACCEPTED.value, None)
    return {name: count / answers for name, count in counts.items()}
