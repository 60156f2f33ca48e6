"""Several runs beside each other: paired comparisons on the same test questions, the answers that changed, the recipes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import pyarrow as pa
from markupsafe import Markup

from pad_ray.decoding.greedy import Greedy
from pad_ray.decoding.stage import SOLUTIONS, solutions_folder
from pad_ray.errors import InputError
from pad_ray.evaluation.paired import compare
from pad_ray.evaluation.seeds import pool
from pad_ray.report import asked, charts, headline, text
from pad_ray.report.data import Papers, open_run, read_papers
from pad_ray.report.filters import Filter
from pad_ray.report.samples import FRAME_BYTES, MOST_BYTES, failing_line, shown
from pad_ray.report.scores import pooled_evidence
from pad_ray.report.shapes import Paired, Pooled, Score
from pad_ray.rundir import RunDir
from pad_ray.schema import PathKind, Question, Solution, from_table
from pad_ray.synthesis.questions import TEST

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
GREEDY = Greedy().label


@dataclass(frozen=True)
class Side:
    """One of the runs; `label` is its letter and name, which other runs may have too."""

    label: str
    run: RunDir
    papers: Papers

    @property
    def facts(self) -> list[asked.Setting]:
        return [asked.Setting("Folder", self.papers.location), *asked.facts(self.papers)]

    def score(self, task: str, student: str, strategy: str) -> Score | None:
        scores = self.papers.metrics.evaluation
        return next((s for s in scores if (s.task, s.student, s.strategy) == (task, student, strategy)), None)


@dataclass(frozen=True)
class Told:
    """One side's answer to a question."""

    answer: str | None
    outcome: str
    feedback: str
    code: Markup
    line: int | None

    @property
    def size(self) -> int:
        """Bytes on the page besides the code, at most."""
        return text.weight(self.answer or "", 200) + text.weight(self.feedback, 400) + FRAME_BYTES


@dataclass(frozen=True)
class Flip:
    """A question that one run answers and the other does not; `kind` is fixed or broken."""

    kind: str
    question: Question
    a: Told
    b: Told

    @property
    def size(self) -> int:
        """Bytes on the page, at most."""
        sides = sum(len(told.code.encode()) + told.size for told in (self.a, self.b))
        return sides + text.weight(self.question.text) + text.weight(self.question.gold, 200) + FRAME_BYTES


@dataclass(frozen=True)
class Pair:
    """Run b against run a; `what` names task, student and strategy.

    `flips` are those that there is room for, `fixed` and `broken` of `paired` count all.
    """

    id: str
    what: str
    sentence: str
    evidence: str
    verdict: str
    alike: bool
    paired: Paired
    left_out: int
    flips: list[Flip]
    filters: list[Filter]

    @property
    def title(self) -> str:
        return f"{self.paired.b} against {self.paired.a}: {self.what}"


@dataclass(frozen=True)
class Difference:
    """A setting that is not the same in all recipes, with its value in each run."""

    key: str
    values: list[str]


@dataclass(frozen=True)
class Comparison:
    """What the page of several runs shows. `apart` says what could not be compared and why.

    `pooled` are sentences and warnings of runs that differ in their seed.
    """

    sides: list[Side]
    pairs: list[Pair]
    chart_of_pairs: charts.Chart | None
    scores: charts.Chart | None
    pooled: list[tuple[str, str]]
    differences: list[Difference]
    apart: list[str]

    @property
    def rows(self) -> list[tuple[str, Paired, str]]:
        """Title, comparison and verdict of every pair, for the table."""
        return [(pair.title, pair.paired, pair.verdict) for pair in self.pairs]

    @property
    def told(self) -> list[Pair]:
        """What is said in words: comparisons by the same strategy, or the first one where there is none."""
        return [pair for pair in self.pairs if pair.alike] or self.pairs[:1]


def compare_runs(run_dirs: Sequence[str]) -> Comparison:
    """Every run against the first, on what both answered.

    Raises:
        InputError: a folder does not exist, a file cannot be read, or there are more runs than letters.
    """
    if len(run_dirs) > len(LETTERS):
        raise InputError(f"{len(run_dirs)} runs are too many for one page: give at most {len(LETTERS)}")
    sides = [_side(letter, run_dir) for letter, run_dir in zip(LETTERS, run_dirs, strict=False)]
    room = MOST_BYTES // max(1, sum(len(side.papers.metrics.evaluation) for side in sides[1:]))
    apart: list[str] = []
    pairs: list[Pair] = []
    for other in sides[1:]:
        found = _pairs(sides[0], other, len(pairs), room, apart)
        pairs += found
        if not found:
            apart.append(f"{other.label} and {sides[0].label} have no scored answers to the same questions.")
    pooled = [line for system in _systems(sides) for line in _pooled(system)]
    return Comparison(sides, pairs, _chart(pairs), _scores(sides), pooled, _differences(sides), apart)


def _side(letter: str, run_dir: str) -> Side:
    run = open_run(run_dir)
    papers = read_papers(run)
    return Side(f"{letter}: {papers.name}", run, papers)


def _pairs(first: Side, other: Side, number: int, room: int, apart: list[str]) -> list[Pair]:
    """The same student and strategy where both runs have it; a strategy of the other run alone, against the first's greedy.

    What stays without a partner on either side is said in `apart`. Students before training are not compared.
    """
    pairs: list[Pair] = []
    mates: list[Score] = []
    alone: list[Score] = []
    for score in _trained(other):
        mate = first.score(score.task, score.student, score.strategy) or first.score(score.task, score.student, GREEDY)
        if mate is None:
            alone.append(score)
            continue
        mates.append(mate)
        pair = _pair(first, mate, other, score, f"pair-{number + len(pairs)}", room)
        if pair is None:
            apart.append(f"{other.label}: {_named(score)}: no question is in both runs.")
        else:
            pairs.append(pair)
    apart += _alone(other, alone, first)
    apart += _alone(first, [score for score in _trained(first) if score not in mates], other)
    return pairs


def _trained(side: Side) -> list[Score]:
    return [score for score in side.papers.metrics.evaluation if score.student != "before"]


def _named(score: Score) -> str:
    return f"{score.task}, {score.student}, {score.strategy}"


def _alone(side: Side, scores: Sequence[Score], against: Side) -> list[str]:
    strategies: dict[tuple[str, str], list[str]] = {}
    for score in scores:
        strategies.setdefault((score.task, score.student), []).append(score.strategy)
    return [
        f"{side.label}: {task}, {student}, {', '.join(named)}: {against.label} has no score to compare it with."
        for (task, student), named in strategies.items()
    ]


def _pair(first: Side, mate: Score, other: Side, score: Score, pair_id: str, room: int) -> Pair | None:
    left, right = _solutions(first, mate), _solutions(other, score)
    shared = [question_id for question_id in left if question_id in right]
    if not shared:
        return None
    a, b = ([solutions[question_id] for question_id in shared] for solutions in (left, right))
    seed = first.papers.recipe.get("seed")
    found = compare(a, b, seed if isinstance(seed, int) else 0)
    paired = Paired(task=score.task, a=first.label, b=other.label, **asdict(found))
    how = score.strategy if score.strategy == mate.strategy else f"{score.strategy} against {mate.strategy}"
    verdict = headline.verdict_of(paired)
    flips = _flips(other.run, left, right, shared, room)
    return Pair(
        id=pair_id,
        what=f"{score.task}, {score.student}, {how}",
        sentence=_sentence(
            verdict, other.label, first.label, f"{text.count(len(shared))} {score.task} questions, by {how}"
        ),
        evidence=f"{_accuracy(a)} in {first.label}, {_accuracy(b)} in {other.label}. {headline.evidence_of(paired)}",
        verdict=verdict,
        alike=score.strategy == mate.strategy,
        paired=paired,
        left_out=len(left.keys() ^ right.keys()),
        flips=flips,
        filters=[Filter.of("kind", "Change", Counter(flip.kind for flip in flips))],
    )


def _sentence(verdict: str, b: str, a: str, asked_of: str) -> str:
    return {
        "better": f"{b} is better than {a} at {asked_of}.",
        "worse": f"{b} is worse than {a} at {asked_of}.",
        "open": f"There is no difference between {b} and {a} that can be seen at {asked_of}.",
    }[verdict]


def _accuracy(solutions: Sequence[Solution]) -> str:
    return text.percent(sum(solution.correct for solution in solutions) / len(solutions))


def _solutions(side: Side, score: Score) -> dict[str, Solution]:
    """One solution a question. Raises InputError where a part cannot be read."""
    folder = f"{SOLUTIONS}/{score.task}/{solutions_folder(score.student, score.strategy)}"
    try:
        return {solution.question_id: solution for solution in side.run.iter_records(folder, Solution)}
    except pa.ArrowInvalid as error:
        raise InputError(f"{side.run.path(folder)} cannot be read: {error}; run jobs/evaluate.py again") from error


def _flips(
    run: RunDir, left: dict[str, Solution], right: dict[str, Solution], shared: Sequence[str], room: int
) -> list[Flip]:
    """Fixed and broken questions in turns, as many as there is room for, then fixed ones first."""
    changed = sorted(key for key in shared if left[key].correct != right[key].correct)
    questions = {q.question_id: q for q in from_table(Question, run.select(TEST, Question, "question_id", changed))}
    fixed = [key for key in changed if right[key].correct and key in questions]
    broken = [key for key in changed if left[key].correct and key in questions]
    turns = [queue[turn] for turn in range(len(changed)) for queue in (fixed, broken) if turn < len(queue)]
    chosen = []
    for key in turns:
        flip = Flip("fixed" if right[key].correct else "broken", questions[key], _told(left[key]), _told(right[key]))
        if flip.size > room:
            break
        room -= flip.size
        chosen.append(flip)
    return sorted(chosen, key=lambda flip: flip.kind, reverse=True)


def _told(solution: Solution) -> Told:
    """The path whose answer it is; where none is named, the last one that the strategy looked at, of which feedback need not
    speak.
    """
    path = solution.chosen or (solution.paths[-1] if solution.paths else "")
    line = failing_line(path, solution.feedback) if solution.chosen and not solution.correct else None
    kind = PathKind.PROGRAM if "def solution" in path else PathKind.RATIONALE
    return Told(solution.answer, solution.outcome.value, solution.feedback, shown(kind, path, line), line)


def _chart(pairs: Sequence[Pair]) -> charts.Chart | None:
    marks = [
        charts.Mark(
            label=f"{pair.paired.b[0]} against {pair.paired.a[0]}",
            note=pair.what,
            value=pair.paired.difference,
            interval=pair.paired.interval,
            number=text.points(pair.paired.difference),
            spread=f" ({text.points_interval(pair.paired.interval)})",
            kind=pair.verdict,
        )
        for pair in pairs
    ]
    return charts.whiskers(marks, unit="") if marks else None


def _scores(sides: Sequence[Side]) -> charts.Chart | None:
    """Every score of every run, task by task."""
    found = [(score, side) for side in sides for score in side.papers.metrics.evaluation]
    marks = [
        charts.Mark(
            label=f"{side.label[0]}, {score.task}",
            note=" · ".join(part for part in (score.student, score.strategy, score.prompt) if part),
            value=score.accuracy,
            interval=score.interval,
            number=text.percent(score.accuracy),
            spread=f" ({text.percent_interval(score.interval)})" if score.interval else "",
            kind="before" if score.student == "before" else "after",
        )
        for score, side in sorted(found, key=lambda item: item[0].task)
    ]
    return charts.whiskers(marks) if marks else None


def _systems(sides: Sequence[Side]) -> list[list[Side]]:
    """Runs under several seeds whose recipes are else the same, but for where they are."""
    systems: list[list[Side]] = []
    for side in sides:
        own = next((system for system in systems if all(_other_seed(side, other) for other in system)), None)
        if own is None:
            systems.append([side])
        else:
            own.append(side)
    return [system for system in systems if len(system) > 1]


def _other_seed(one: Side, other: Side) -> bool:
    recipes = [side.papers.recipe for side in (one, other)]
    rest, others_rest = ({k: v for k, v in recipe.items() if k not in ("seed", "run_dir")} for recipe in recipes)
    return rest == others_rest and recipes[0].get("seed") != recipes[1].get("seed")


def _pooled(system: Sequence[Side]) -> list[tuple[str, str]]:
    """Every score that at least two runs of a system have, over the questions that all of these answered."""
    found = []
    for name in dict.fromkeys((one.task, one.student, one.strategy) for side in system for one in _trained(side)):
        scored = [(side, score) for side in system if (score := side.score(*name))]
        runs = [_solutions(side, score) for side, score in scored]
        shared = [key for key in runs[0] if all(key in run for run in runs)]
        if len(runs) < 2 or len(shared) < 2:
            continue
        measured = asdict(pool([[run[key] for key in shared] for run in runs]))
        pooled = Pooled(task=name[0], student=name[1], strategies=[name[2]], **measured)
        who = ", ".join(side.label for side, _ in scored)
        found.append((f"{who}: {', '.join(name)}: {pooled_evidence(pooled)}", pooled.warning))
    return found


def _differences(sides: Sequence[Side]) -> list[Difference]:
    recipes = [asked.flat_recipe(side.papers) for side in sides]
    keys = dict.fromkeys(key for recipe in recipes for key in recipe if key != "run_dir")
    rows = [Difference(key, [recipe.get(key, "not there") for recipe in recipes]) for key in keys]
    return [row for row in rows if len(set(row.values)) > 1]
