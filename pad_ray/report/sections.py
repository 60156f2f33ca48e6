"""The content of the sections of a run's page; `page.html.j2` only lays it out."""

from dataclasses import dataclass

from pad_ray.report import text
from pad_ray.report.bars import OutcomeBar, bars, share_bars
from pad_ray.report.counts import TAKEN
from pad_ray.report.data import RunData
from pad_ray.report.yields import MOST_STATED, Share
from pad_ray.run.ledger import StageEntry
from pad_ray.run.records import GREEDY, Score, StudentRole, evaluation_stage


@dataclass(frozen=True)
class FunnelStep:
    """One step of the funnel; `number` is a dash if the run has not reached it."""

    name: str
    number: str
    unit: str
    note: str


@dataclass(frozen=True)
class CountCheck:
    """A number from the ledger or the metrics, and the same number counted in the files."""

    what: str
    said: int
    files: int


def funnel(data: RunData) -> list[FunnelStep]:
    """question -> draft -> verdict -> corpus -> student -> score, with numbers from the ledger.

    Except the score: its ledger entry counts only the last evaluation, which may be of another task.
    """
    questions, synthesis = _stage(data, "questions"), _stage(data, "synthesis")
    corpus, training = _stage(data, "corpus"), _stage(data, "training")
    right, total = _answers(data)
    return [
        _step("Question", _out(questions), "read", _by_split(data)),
        _step("Draft", synthesis.rows_in if synthesis else None, "sampled", _each(data, synthesis)),
        _step("Verdict", _out(synthesis), "accepted", _share(synthesis, "of the drafts")),
        _step("Corpus", _rows(data) if corpus else None, "rows written", _share(corpus, "of the accepted")),
        _step("Student", _out(training), "rows trained on", _steps(data)),
        _step(
            "Score",
            right if total else None,
            "answers correct",
            _of(right, total, "of the questions"),
        ),
    ]


def _stage(data: RunData, name: str) -> StageEntry | None:
    return data.ledger.stage(name) if data.ledger else None


def _out(stage: StageEntry | None) -> int | None:
    return stage.rows_out if stage else None


def _rows(data: RunData) -> int | None:
    """Rows of the corpus. The ledger does not have this number: it counts drafts, and a draft may give several rows."""
    corpus = data.metrics.corpus
    return corpus.train_rows + corpus.validation_rows if corpus else None


def _step(name: str, number: int | None, unit: str, note: str) -> FunnelStep:
    return FunnelStep(name, text.count(number), unit, "not reached" if number is None else note)


def _by_split(data: RunData) -> str:
    return ", ".join(f"{text.count(number)} {split}" for split, number in sorted(data.questions.items(), reverse=True))


def _each(data: RunData, stage: StageEntry | None) -> str:
    """Drafts per training question; test questions, which the ledger also counts, get no drafts."""
    count = data.questions.get("train", 0)
    return f"{stage.rows_in / count:.1f} per training question" if stage and count else ""


def _share(stage: StageEntry | None, of: str) -> str:
    return _of(stage.rows_out, stage.rows_in, of) if stage else ""


def _of(part: int, whole: int, of: str) -> str:
    return f"{text.percent(part / whole)} {of}" if whole else ""


def _answers(data: RunData) -> tuple[int, int]:
    """Correct answers of the trained student and number of questions, on the recipe's own test tasks."""
    of_student = evaluation_stage(StudentRole.AFTER, GREEDY)
    own = data.own_tests or {score.task for score in data.metrics.evaluation}
    scores = [score for score in data.metrics.evaluation if score.task in own and score.stage == of_student]
    return sum(score.correct for score in scores), sum(score.questions for score in scores)


def _steps(data: RunData) -> str:
    return f"{text.count(data.metrics.training.steps)} steps" if data.metrics.training else ""


@dataclass(frozen=True)
class BarGroup:
    """The outcomes of the rows that one stage read."""

    title: str
    total: str
    bars: list[OutcomeBar]


def outcomes(data: RunData) -> list[BarGroup]:
    """The drafts by verdict, and the corpus' rejections; counted from the verdicts if the ledger has no entry yet."""
    synthesis, corpus = _stage(data, "synthesis"), _stage(data, "corpus")
    so_far = _so_far(data)
    groups = []
    if synthesis:
        groups.append(_bar_group("Drafts by verdict", "accepted", synthesis))
    elif so_far.rows_in:
        groups.append(_bar_group("Drafts by verdict, so far", "accepted", so_far))
    if corpus and (corpus.rejected or corpus.failed):
        groups.append(_bar_group("Accepted drafts by use in the corpus", TAKEN, corpus))
    return groups


def _so_far(data: RunData) -> StageEntry:
    rejected = {name: tally.count for name, tally in data.outcomes.thrown.items()}
    accepted = data.outcomes.kept.count
    total = accepted + sum(rejected.values())
    return StageEntry(stage="synthesis", unit="drafts", rows_in=total, rows_out=accepted, rejected=rejected)


def _bar_group(title: str, kept: str, stage: StageEntry) -> BarGroup:
    rejected = dict(sorted(stage.rejected.items(), key=lambda item: (-item[1], item[0])))
    numbers = {kept: stage.rows_out, **rejected}
    if stage.failed:
        numbers["failed (infrastructure)"] = stage.failed
    kinds = {kept: "kept", **dict.fromkeys(rejected, "rejected")}
    return BarGroup(title, f"{text.count(stage.rows_in)} {stage.unit}", bars(numbers, stage.rows_in, kinds))


def yields(data: RunData) -> list[BarGroup]:
    """Accepted drafts by kind of path, set of demonstrations and difficulty, if there is something to compare."""
    counted = data.yields
    several = {path: number for path, number in data.sets.items() if number > 1}
    by_path = {path: (share.accepted, share.drafts) for path, share in counted.by_path().items()}
    by_set = {
        f"{path}, set {index + 1}": (share.accepted, share.drafts)
        for (path, index), share in counted.by_set(several).items()
    }
    by_stated = {
        _stated(number, counted.unit): (share.accepted, share.drafts) for number, share in counted.by_stated().items()
    }
    groups = [
        BarGroup("By kind of path", "Path", share_bars(by_path)),
        BarGroup("By set of demonstrations", "Set", share_bars(by_set)),
        BarGroup(f"By difficulty: how many {counted.unit} a question states", "Question", share_bars(by_stated)),
    ]
    return groups[: bool(by_path)] + [group for group in groups[1:] if len(group.bars) > 1]


def _stated(number: int, unit: str) -> str:
    if number == MOST_STATED:
        return f"{number} or more {unit}"
    return f"{number} {unit.removesuffix('s') if number == 1 else unit}"


@dataclass(frozen=True)
class CostRow:
    """The cost of one stage; `each` is the tokens per result. `width` is in per cent of the longest stage."""

    stage: str
    seconds: str
    width: float
    tokens_in: str
    tokens_out: str
    each: str


def costs(data: RunData) -> list[CostRow]:
    """Seconds of every stage, and tokens of stages that generate.

    The costs of an evaluation are summed over its scores, because its ledger entry counts only the last test sets.
    """
    stages = data.ledger.stages if data.ledger else []
    scores = [[score for score in data.metrics.evaluation if score.stage == stage.stage] for stage in stages]
    seconds = [
        sum(score.seconds for score in own) if own else stage.seconds for stage, own in zip(stages, scores, strict=True)
    ]
    longest = max((one or 0 for one in seconds), default=0) or 1
    return [
        _cost(data, stage, own, one, 100 * (one or 0) / longest)
        for stage, own, one in zip(stages, scores, seconds, strict=True)
    ]


def _cost(data: RunData, stage: StageEntry, scores: list[Score], seconds: float | None, width: float) -> CostRow:
    tokens_in, tokens_out, bought, unit = None, None, stage.rows_out, ""
    if stage.stage == "synthesis" and data.metrics.synthesis:
        metrics = data.metrics.synthesis
        tokens_in, tokens_out, unit = metrics.prompt_tokens, metrics.completion_tokens, "per accepted draft"
    elif scores:
        tokens_out = sum(score.completion_tokens for score in scores) or None
        bought, unit = sum(score.correct for score in scores), "per correct answer"
    return CostRow(
        stage=text.words(stage.stage),
        seconds=text.duration(seconds),
        width=round(width, 2),
        tokens_in=text.count(tokens_in),
        tokens_out=text.count(tokens_out),
        each=f"{tokens_out / bought:,.0f} {unit}" if tokens_out and bought else "",
    )


def checks(data: RunData) -> list[CountCheck]:
    """Numbers that the ledger or the metrics share with the tables; accepted drafts include those left out later."""
    questions, synthesis, corpus = (_stage(data, name) for name in ("questions", "synthesis", "corpus"))
    first = [CountCheck("questions", questions.rows_out, sum(data.questions.values()))] if questions else []
    if not (synthesis and corpus and data.outcomes.final):
        return first
    kept = data.outcomes.kept.count
    # An outcome can be both a verdict and a reason to leave out an accepted draft.
    left_out = sum(
        tally.count - synthesis.rejected.get(name, 0)
        for name, tally in data.outcomes.thrown.items()
        if name in corpus.rejected
    )
    return [
        *first,
        CountCheck("drafts", synthesis.rows_in, kept + data.outcomes.thrown_count),
        CountCheck("drafts accepted", synthesis.rows_out, kept + left_out),
        CountCheck("drafts in the corpus", corpus.rows_out, kept),
        *_path_checks(data),
    ]


def _path_checks(data: RunData) -> list[CountCheck]:
    recorded = data.metrics.synthesis.by_path if data.metrics.synthesis else {}
    counted = data.yields.by_path()
    pairs = [(path, recorded[path], counted.get(path, Share(0, 0))) for path in sorted(recorded)]
    return [
        check
        for path, one, other in pairs
        for check in (
            CountCheck(f"{path} drafts", one.drafts, other.drafts),
            CountCheck(f"{path} drafts accepted", one.accepted, other.accepted),
        )
    ]
