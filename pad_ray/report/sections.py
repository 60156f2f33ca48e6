"""What the sections of a run's page say, from the run's own numbers; `page.html.j2` only sets it."""

from dataclasses import dataclass

from pad_ray.report import charts, text
from pad_ray.report.data import RunData
from pad_ray.report.shapes import Stage
from pad_ray.report.yields import MOST_STATED


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


def yields(data: RunData) -> list[BarGroup]:
    """Accepted drafts by kind of path, set of demonstrations and difficulty, each where there is something to compare."""
    found = data.yields
    several = {path: number for path, number in data.sets.items() if number > 1}
    by_path = {path: (share.accepted, share.drafts) for path, share in found.by_path().items()}
    by_set = {
        f"{path}, set {index + 1}": (share.accepted, share.drafts)
        for (path, index), share in found.by_set(several).items()
    }
    by_stated = {
        _stated(number, found.unit): (share.accepted, share.drafts) for number, share in found.by_stated().items()
    }
    groups = [
        BarGroup("By kind of path", "Path", charts.share_bars(by_path)),
        BarGroup("By set of demonstrations", "Set", charts.share_bars(by_set)),
        BarGroup(f"By difficulty: how many {found.unit} a question states", "Question", charts.share_bars(by_stated)),
    ]
    return groups[: bool(by_path)] + [group for group in groups[1:] if len(group.bars) > 1]


def _stated(number: int, unit: str) -> str:
    if number == MOST_STATED:
        return f"{number} or more {unit}"
    return f"{number} {unit.removesuffix('s') if number == 1 else unit}"


@dataclass(frozen=True)
class CostRow:
    """What one stage cost; `each` says what its tokens bought. `width` is per cent of the longest stage."""

    stage: str
    seconds: str
    width: float
    tokens_in: str
    tokens_out: str
    each: str


def costs(data: RunData) -> list[CostRow]:
    """Seconds of every stage, and tokens of those that generate."""
    stages = data.ledger.stages if data.ledger else []
    longest = max((stage.seconds or 0 for stage in stages), default=0) or 1
    return [_cost(data, stage, 100 * (stage.seconds or 0) / longest) for stage in stages]


def _cost(data: RunData, stage: Stage, width: float) -> CostRow:
    tokens_in, tokens_out, unit = None, None, ""
    if stage.stage == "synthesis" and data.metrics.synthesis:
        made = data.metrics.synthesis
        tokens_in, tokens_out, unit = made.prompt_tokens, made.completion_tokens, "an accepted draft"
    elif stage.stage.startswith("evaluation."):
        tokens_out, unit = _generated(data, stage.stage), "a right answer"
    each = f"{tokens_out / stage.rows_out:,.0f} {unit}" if tokens_out and stage.rows_out else ""
    return CostRow(
        stage=text.words(stage.stage),
        seconds=text.duration(stage.seconds),
        width=round(width, 2),
        tokens_in=text.count(tokens_in),
        tokens_out=text.count(tokens_out),
        each=each,
    )


def _generated(data: RunData, stage: str) -> int | None:
    """Tokens of all scores of a stage of the evaluation, which covers one student and strategy."""
    _, student, *strategy = stage.split(".", 2)
    label = strategy[0] if strategy else "greedy"
    scores = [score for score in data.metrics.evaluation if (score.student, score.strategy) == (student, label)]
    return sum(score.completion_tokens or 0 for score in scores) or None


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
