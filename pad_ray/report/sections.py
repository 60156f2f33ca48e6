"""What each section of the page says, from the run's own numbers; `page.html.j2` only sets it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pad_ray.report import charts, text
from pad_ray.report.data import RunData
from pad_ray.report.shapes import Corpus, Environment, Paired, Score, Stage
from pad_ray.schema import Outcome

SIGNIFICANT = 0.05
REFINED = "refined"
"""What the scores call a student after self-refinement."""
_SECRET = re.compile(r"(api_key|password|secret|access_token|auth_token)$", re.IGNORECASE)


@dataclass(frozen=True)
class Headline:
    """What one comparison shows. `verdict` is better, worse or open; the scores are those that it compares."""

    sentence: str
    evidence: str
    verdict: str
    before: Score | None = None
    after: Score | None = None
    paired: Paired | None = None


@dataclass(frozen=True)
class Step:
    """One step of the funnel; `number` is a dash where the run has not come that far."""

    name: str
    number: str
    unit: str
    note: str


@dataclass(frozen=True)
class Check:
    """A number of the ledger beside the same number counted in the files."""

    what: str
    ledger: int
    files: int


@dataclass(frozen=True)
class Setting:
    key: str
    value: str


# --- the result


def headlines(data: RunData) -> list[Headline]:
    """One for each paired comparison, or the best that can be said without one."""
    compared = [_compare(data, paired) for paired in data.metrics.paired]
    return compared or [_untested(data)]


def score_of(data: RunData, task: str | None, student: str) -> Score | None:
    """The score of a student on a task, with the greedy strategy where there are several."""
    scores = [score for score in data.metrics.evaluation if score.student == student and task in (None, score.task)]
    return min(scores, key=lambda score: score.strategy != "greedy", default=None)


def _compare(data: RunData, paired: Paired) -> Headline:
    before, after = score_of(data, paired.task, paired.a), score_of(data, paired.task, paired.b)
    verdict = _verdict(paired)
    asked = _asked(after) if after else f"{paired.task} questions"
    what = "Self-refinement" if paired.b == REFINED else "Distillation"
    opening = {
        "better": f"{what} made the student better at {asked}",
        "worse": f"{what} made the student worse at {asked}",
        "open": f"{what} made no difference that {asked} can show",
    }[verdict]
    return Headline(
        sentence=f"{opening}{_accuracies(before, after)}.",
        evidence=" ".join(filter(None, (_intervals(before, after), _test(paired), _prompts(before, after)))),
        verdict=verdict,
        before=before,
        after=after,
        paired=paired,
    )


def _asked(score: Score) -> str:
    return " ".join(filter(None, (text.count(score.questions), score.task, score.split, "questions")))


def _accuracies(before: Score | None, after: Score | None) -> str:
    if not (before and after):
        return ""
    return f": {text.percent(before.accuracy)} before, {text.percent(after.accuracy)} after"


def _verdict(paired: Paired) -> str:
    """A difference counts where the test finds it; without a p-value the interval decides."""
    low, high = paired.interval or (0.0, 0.0)
    found = low > 0 or high < 0 if paired.p_value is None else paired.p_value < SIGNIFICANT
    if not found:
        return "open"
    return "better" if paired.difference > 0 else "worse"


def _intervals(before: Score | None, after: Score | None) -> str:
    if not (before and after and before.interval and after.interval):
        return ""
    return (
        f"95\u00a0% intervals: {text.percent_interval(before.interval)} before, "
        f"{text.percent_interval(after.interval)} after."
    )


def _test(paired: Paired) -> str:
    spread = f" (95\u00a0% interval {text.points_interval(paired.interval)})" if paired.interval else ""
    test = f" by the {paired.test} test" if paired.test else ""
    difference = f"Paired difference: {text.points(paired.difference)} points{spread}"
    return f"{difference}, {text.p_value(paired.p_value)}{test}{_flips(paired)}."


def _flips(paired: Paired) -> str:
    if paired.fixed is None or paired.broken is None:
        return ""
    return f"; {text.count(paired.fixed)} answers fixed, {text.count(paired.broken)} broken"


def _prompts(before: Score | None, after: Score | None) -> str:
    if not (before and after) or before.prompt == after.prompt:
        return ""
    return f"The student read a {before.prompt} prompt before and a {after.prompt} prompt after."


def _untested(data: RunData) -> Headline:
    before, after = score_of(data, None, "before"), score_of(data, None, "after")
    if after:
        return _alone(after, "After", "before", before)
    if before:
        return _alone(before, "Before", "after", after)
    synthesis = data.metrics.synthesis
    if synthesis is None or synthesis.accepted is None:
        return Headline("Nothing has been measured in this run yet.", "", "open")
    spread = f" (95\u00a0% interval {text.percent_interval(synthesis.interval)})" if synthesis.interval else ""
    return Headline(
        sentence=f"{text.count(synthesis.accepted)} of {text.count(synthesis.drafts)} drafts were accepted.",
        evidence=f"Yield {text.percent(synthesis.accepted_share)}{spread}. No student has been scored.",
        verdict="open",
    )


def _alone(score: Score, when: str, other: str, compared: Score | None) -> Headline:
    spread = f"95\u00a0% interval: {text.percent_interval(score.interval)}. " if score.interval else ""
    missing = "No test compares the two." if compared else f"There is no score of the student {other} to compare with."
    sentence = f"{when} distillation the student answers {text.percent(score.accuracy)} of {_asked(score)} correctly."
    return Headline(sentence, f"{spread}{missing}", "open")


def missing(data: RunData) -> list[str]:
    """The parts that the run does not have, in the order in which a run makes them."""
    metrics = data.metrics
    parts = {
        "the recipe": data.recipe,
        "the environment": data.environment,
        "the ledger": data.ledger,
        "questions": data.questions,
        "drafts": data.outcomes.kept.count or data.outcomes.thrown,
        "the corpus": data.corpus_rows,
        "the training record": metrics.training,
        "the student's score before": score_of(data, None, "before"),
        "the student's score after": score_of(data, None, "after"),
        "the paired comparison": metrics.paired,
        "the sandbox's protections": metrics.sandbox,
    }
    return [name for name, part in parts.items() if not part]


# --- the way of a question


def funnel(data: RunData) -> list[Step]:
    """question -> draft -> verdict -> corpus -> student -> score, every number from the ledger."""
    questions, synthesis = _stage(data, "questions"), _stage(data, "synthesis")
    corpus, training, after = _stage(data, "corpus"), _stage(data, "training"), _stage(data, "evaluation.after")
    return [
        _step("Question", _out(questions), "read", _by_split(data)),
        _step("Draft", synthesis.rows_in if synthesis else None, "sampled", _each(data, synthesis)),
        _step("Verdict", _out(synthesis), "accepted", _share(synthesis, "of the drafts")),
        _step("Corpus", _rows(data) if corpus else None, "rows written", _share(corpus, "of the accepted")),
        _step("Student", _out(training), "rows trained on", _steps(data)),
        _step("Score", _out(after), "answers correct", _share(after, "of the questions")),
    ]


def _stage(data: RunData, name: str) -> Stage | None:
    return data.ledger.stage(name) if data.ledger else None


def _out(stage: Stage | None) -> int | None:
    return stage.rows_out if stage else None


def _rows(data: RunData) -> int | None:
    """A kept draft may give several rows, so the ledger, which counts drafts there, does not say."""
    corpus = data.metrics.corpus
    return corpus.train_rows + corpus.validation_rows if corpus else None


def _step(name: str, number: int | None, unit: str, note: str) -> Step:
    return Step(name, text.count(number), unit, "not reached" if number is None else note)


def _by_split(data: RunData) -> str:
    return ", ".join(f"{text.count(number)} {split}" for split, number in sorted(data.questions.items(), reverse=True))


def _each(data: RunData, stage: Stage | None) -> str:
    """Only training questions are drafted, so the test questions that the same ledger counts do not count here."""
    asked = data.questions.get("train", 0)
    return f"{stage.rows_in / asked:.1f} a training question" if stage and asked else ""


def _share(stage: Stage | None, of: str) -> str:
    return f"{text.percent(stage.rows_out / stage.rows_in)} {of}" if stage and stage.rows_in else ""


def _steps(data: RunData) -> str:
    return f"{text.count(data.metrics.training.steps)} steps" if data.metrics.training else ""


@dataclass(frozen=True)
class BarGroup:
    """What became of the rows that one stage read."""

    title: str
    total: str
    bars: list[charts.Bar]


def outcomes(data: RunData) -> list[BarGroup]:
    """The drafts by verdict, and what the corpus left out; from the verdicts themselves while no ledger counts them."""
    synthesis, corpus = _stage(data, "synthesis"), _stage(data, "corpus")
    so_far = _so_far(data)
    groups = []
    if synthesis:
        groups.append(_bar_group("Drafts by verdict", "accepted", synthesis))
    elif so_far.rows_in:
        groups.append(_bar_group("Drafts by verdict, so far", "accepted", so_far))
    if corpus and (corpus.rejected or corpus.failed):
        groups.append(_bar_group("Accepted drafts that the corpus took", "taken", corpus))
    return groups


def _so_far(data: RunData) -> Stage:
    rejected = {name: tally.count for name, tally in data.outcomes.thrown.items()}
    accepted = data.outcomes.kept.count
    total = accepted + sum(rejected.values())
    return Stage(stage="synthesis", unit="drafts", rows_in=total, rows_out=accepted, rejected=rejected)


def _bar_group(title: str, kept: str, stage: Stage) -> BarGroup:
    rejected = dict(sorted(stage.rejected.items(), key=lambda item: (-item[1], item[0])))
    numbers = {kept: float(stage.rows_out), **rejected}
    if stage.failed:
        numbers["failed (infrastructure)"] = stage.failed
    kinds = {kept: "kept", **dict.fromkeys(rejected, "rejected")}
    return BarGroup(title, f"{text.count(stage.rows_in)} {stage.unit}", charts.bars(numbers, stage.rows_in, kinds))


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


def times(data: RunData) -> list[charts.Bar]:
    stages = data.ledger.stages if data.ledger else []
    seconds = {stage.stage: stage.seconds for stage in stages if stage.seconds is not None}
    return charts.bars(seconds, sum(seconds.values()), {}, write="duration")


def checks(data: RunData) -> list[Check]:
    """Where the ledger and the tables speak about the same rows: accepted are those taken and those left out later."""
    questions, synthesis, corpus = (_stage(data, name) for name in ("questions", "synthesis", "corpus"))
    found = [Check("questions", questions.rows_out, sum(data.questions.values()))] if questions else []
    if not (synthesis and corpus and data.outcomes.final):
        return found
    kept, thrown = data.outcomes.kept.count, {name: tally.count for name, tally in data.outcomes.thrown.items()}
    left_out = sum(thrown.get(name, 0) for name in corpus.rejected)
    return [
        *found,
        Check("drafts", synthesis.rows_in, kept + data.outcomes.thrown_count),
        Check("drafts accepted", synthesis.rows_out, kept + left_out),
        Check("drafts in the corpus", corpus.rows_out, kept),
    ]


# --- what was asked


def recipe(data: RunData) -> list[tuple[str, list[Setting]]]:
    """The settings of the recipe under their top-level name; plain top-level values come first, under no name."""
    plain = {key: value for key, value in data.recipe.items() if not isinstance(value, dict)}
    nested = [(str(key), value) for key, value in data.recipe.items() if isinstance(value, dict)]
    groups = [("", plain), *nested]
    return [(name, list(_settings(values))) for name, values in groups if values]


def protections(data: RunData) -> list[Setting]:
    return list(_settings(data.metrics.sandbox.protections)) if data.metrics.sandbox else []


def versions(data: RunData) -> list[Setting]:
    installed = data.environment.versions if data.environment else {}
    return [Setting(name, version) for name, version in sorted(installed.items())]


def facts(data: RunData) -> list[Setting]:
    """The line under the title: enough to know which run this is."""
    environment, corpus = data.environment or Environment(), data.metrics.corpus or Corpus()
    found = {
        "Task": _setting(data.recipe, "questions", "task"),
        "Teacher": _setting(data.recipe, "teacher", "model"),
        "Student": _setting(data.recipe, "training", "student"),
        "Seed": _setting(data.recipe, "seed"),
        "Started": text.moment(environment.started),
        "Commit": (environment.commit or "")[:20],
        "Python": environment.python,
        "Corpus": corpus.hash[:12],
    }
    return [Setting(name, value) for name, value in found.items() if value]


def _setting(recipe: Any, *path: str) -> str:
    """A plain value of the recipe as text; empty where there is none."""
    for name in path:
        recipe = recipe.get(name) if isinstance(recipe, dict) else None
    return "" if recipe is None or isinstance(recipe, dict | list) else text.shorten(str(recipe), 80)


def _settings(values: Mapping[Any, Any], prefix: str = "") -> Iterator[Setting]:
    for name, value in values.items():
        key = f"{prefix}{name}"
        if isinstance(value, dict) and value:
            yield from _settings(value, f"{key}.")
        else:
            yield Setting(key, _written(key, value))


def _written(key: str, value: Any) -> str:
    """A page is made to be passed on, so a key or password that stands in a recipe is not shown."""
    if value is None or value in ("", [], {}):
        return "none"
    if _SECRET.search(key):
        return "(hidden)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return text.shorten(", ".join(str(item) for item in value), 400)
    return text.shorten(str(value), 400)
