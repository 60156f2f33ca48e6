"""The comparison of several runs: paired comparisons on the same test questions, changed answers, and recipes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup

from pad_ray.errors import InputError
from pad_ray.evaluation.systems import compare_systems
from pad_ray.report import asked, charts, headline, text
from pad_ray.report.filters import Filter
from pad_ray.report.samples import FRAME_BYTES, MOST_BYTES, failing_line, shown
from pad_ray.report.scores import kind_of
from pad_ray.report.systems import Answers, Name, Side, System, pooled, read_side, shared_questions, systems_of
from pad_ray.run.folder import RunDir
from pad_ray.run.records import GREEDY, Paired
from pad_ray.schema import PathKind, Question, Solution, from_table
from pad_ray.synthesis.questions import TEST

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class SideAnswer:
    """One side's answer to a question."""

    answer: str | None
    outcome: str
    feedback: str
    code: Markup
    line: int | None

    @property
    def size(self) -> int:
        """Maximum bytes on the page, without the code."""
        return text.weight(self.answer or "", 200) + text.weight(self.feedback, 400) + FRAME_BYTES


@dataclass(frozen=True)
class Flip:
    """A question that only one of the runs answers correctly; `kind` is fixed or broken."""

    kind: str
    question: Question
    a: SideAnswer
    b: SideAnswer

    @property
    def size(self) -> int:
        """Maximum bytes on the page."""
        sides = sum(len(side.code.encode()) + side.size for side in (self.a, self.b))
        return sides + text.weight(self.question.text) + text.weight(self.question.gold, 200) + FRAME_BYTES


@dataclass(frozen=True)
class Pair:
    """System b compared with system a; `what` names task, student and strategy, `how` the strategy or both strategies.

    `flips` holds as many flips as fit on the page; `fixed` and `broken` of `paired` count all. `accuracies` are of a and b.
    """

    id: str
    what: str
    how: str
    letters: str
    alike: bool
    paired: Paired
    accuracies: tuple[float, float]
    left_out: int
    flips: list[Flip]
    filters: list[Filter]

    @property
    def title(self) -> str:
        return f"{self.paired.b} against {self.paired.a}: {self.what}"

    @property
    def verdict(self) -> str:
        return headline.verdict_of(self.paired)

    @property
    def sentence(self) -> str:
        a, b = self.paired.a, self.paired.b
        asked_of = f"{text.count(self.paired.questions)} {self.paired.task} questions, by {self.how}"
        return {
            "better": f"{b} is better than {a} at {asked_of}.",
            "worse": f"{b} is worse than {a} at {asked_of}.",
            "open": f"There is no detectable difference between {b} and {a} at {asked_of}.",
        }[self.verdict]

    @property
    def evidence(self) -> str:
        a, b = map(text.percent, self.accuracies)
        return f"{a} in {self.paired.a}, {b} in {self.paired.b}. {headline.evidence_of(self.paired)}"

    @property
    def pools(self) -> bool:
        """Whether one side has several trainings."""
        return self.paired.seeds != (1, 1)


@dataclass(frozen=True)
class Difference:
    """A setting that differs between recipes, with its value in each run."""

    key: str
    values: list[str]


@dataclass(frozen=True)
class Comparison:
    """The content of the page of several runs. `apart` lists the scores that could not be compared, with the reason.

    `pooled` holds the sentences and warnings of runs that differ only in their seed.
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
        """The comparisons in words: those with the same strategy, or the first one if there are none."""
        return [pair for pair in self.pairs if pair.alike] or self.pairs[:1]


def compare_runs(run_dirs: Sequence[str]) -> Comparison:
    """Compare every system with that of the first run, on the questions that all their runs answered. A system is a recipe
    without its seed.

    Raises:
        InputError: a folder does not exist, a file cannot be read, or there are more runs than letters.
    """
    if len(run_dirs) > len(LETTERS):
        raise InputError(f"{len(run_dirs)} runs are too many for one page: give at most {len(LETTERS)}")
    sides = [read_side(letter, run_dir) for letter, run_dir in zip(LETTERS, run_dirs, strict=False)]
    first, *others = systems = systems_of(sides)
    room = MOST_BYTES // max(1, sum(len(system.names) for system in others))
    apart: list[str] = []
    pairs: list[Pair] = []
    for other in others:
        own_pairs = _pairs(first, other, len(pairs), room, apart)
        pairs += own_pairs
        if not own_pairs:
            apart.append(f"{other.label} and {first.label} have no scored answers to the same questions.")
    family = headline.as_family([pair.paired for pair in pairs])
    pairs = [replace(pair, paired=paired) for pair, paired in zip(pairs, family, strict=True)]
    seeds = [line for system in systems for line in pooled(system)]
    return Comparison(sides, pairs, _chart(pairs), _scores(sides), seeds, _differences(sides), apart)


def _pairs(first: System, other: System, number: int, room: int, apart: list[str]) -> list[Pair]:
    """Compare equal students and strategies; compare a strategy that only the other system has with the first's greedy.

    Scores without a partner are listed in `apart`. Untrained students are not compared.
    """
    pairs: list[Pair] = []
    mates: list[Name] = []
    alone: list[Name] = []
    for name in other.names:
        mate = next((one for one in (name, (*name[:2], GREEDY)) if one in first.names), None)
        if mate is None:
            alone.append(name)
            continue
        mates.append(mate)
        pair = _pair(first, mate, other, name, f"pair-{number + len(pairs)}", room)
        if pair is None:
            apart.append(f"{other.label}: {', '.join(name)}: no question is in both runs.")
        else:
            pairs.append(pair)
    apart += _alone(other, alone, first)
    apart += _alone(first, [name for name in first.names if name not in mates], other)
    return pairs


def _alone(system: System, names: Sequence[Name], against: System) -> list[str]:
    strategies: dict[tuple[str, str], list[str]] = {}
    for task, student, strategy in names:
        strategies.setdefault((task, student), []).append(strategy)
    return [
        f"{system.label}: {task}, {student}, {', '.join(named)}: {against.label} has no score to compare it with."
        for (task, student), named in strategies.items()
    ]


def _pair(first: System, mate: Name, other: System, name: Name, pair_id: str, room: int) -> Pair | None:
    left, right = first.answers(mate), other.answers(name)
    shared = shared_questions([*left, *right])
    if not shared:
        return None
    a, b = ([[run[key] for key in shared] for run in runs] for runs in (left, right))
    seed = first.sides[0].papers.recipe.get("seed")
    compared = compare_systems(a, b, seed if isinstance(seed, int) else 0)
    paired = compared.model_copy(update={"task": name[0], "a": first.label, "b": other.label})
    how = name[2] if name == mate else f"{name[2]} against {mate[2]}"
    flips = _flips(other.sides[0].run, left, right, shared, room)
    return Pair(
        id=pair_id,
        what=f"{name[0]}, {name[1]}, {how}",
        how=how,
        letters=f"{other.letters} against {first.letters}",
        alike=name == mate,
        paired=paired,
        accuracies=(_accuracy(a), _accuracy(b)),
        left_out=len({key for run in (*left, *right) for key in run}) - len(shared),
        flips=flips,
        filters=[Filter.of("kind", "Change", Counter(flip.kind for flip in flips))],
    )


def _accuracy(runs: Sequence[Sequence[Solution]]) -> float:
    return sum(solution.correct for run in runs for solution in run) / sum(map(len, runs))


def _flips(
    run: RunDir, left: Sequence[Answers], right: Sequence[Answers], shared: Sequence[str], room: int
) -> list[Flip]:
    """Fixed and broken questions, chosen in turns while there is room, and listed with the fixed ones first.

    Of several trainings, a correct and a wrong answer are shown, so that the change is visible.
    """
    gains = {key: _share(right, key) - _share(left, key) for key in sorted(shared)}
    changed = [key for key, gain in gains.items() if gain]
    questions = {q.question_id: q for q in from_table(Question, run.select(TEST, Question, "question_id", changed))}
    fixed = [key for key in changed if gains[key] > 0 and key in questions]
    broken = [key for key in changed if gains[key] < 0 and key in questions]
    turns = [queue[turn] for turn in range(len(changed)) for queue in (fixed, broken) if turn < len(queue)]
    chosen = []
    for key in turns:
        better = gains[key] > 0
        a, b = _answer(left, key, right=not better), _answer(right, key, right=better)
        flip = Flip("fixed" if better else "broken", questions[key], _side_answer(a), _side_answer(b))
        if flip.size > room:
            break
        room -= flip.size
        chosen.append(flip)
    return sorted(chosen, key=lambda flip: flip.kind, reverse=True)


def _share(runs: Sequence[Answers], key: str) -> float:
    return sum(run[key].correct for run in runs) / len(runs)


def _answer(runs: Sequence[Answers], key: str, *, right: bool) -> Solution:
    return next(run[key] for run in runs if run[key].correct is right)


def _side_answer(solution: Solution) -> SideAnswer:
    """The path that gave the answer; if unknown, the last path of the strategy, which the feedback may not refer to."""
    path = solution.chosen or (solution.paths[-1] if solution.paths else "")
    line = failing_line(path, solution.feedback) if solution.chosen and not solution.correct else None
    kind = PathKind.PROGRAM if "def solution" in path else PathKind.RATIONALE
    return SideAnswer(solution.answer, solution.outcome.value, solution.feedback, shown(kind, path, line), line)


def _chart(pairs: Sequence[Pair]) -> charts.Chart | None:
    marks = [
        charts.Mark(
            label=pair.letters,
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
    """The scores of all runs, by task."""
    scores = [(score, side) for side in sides for score in side.papers.metrics.evaluation]
    marks = [
        charts.Mark(
            label=f"{side.letter}, {score.task}",
            note=" · ".join(part for part in (score.student, score.strategy, score.prompt) if part),
            value=score.accuracy,
            interval=score.interval,
            number=text.percent(score.accuracy),
            spread=f" ({text.percent_interval(score.interval)})",
            kind=kind_of(score.student),
        )
        for score, side in sorted(scores, key=lambda item: item[0].task)
    ]
    return charts.whiskers(marks) if marks else None


def _differences(sides: Sequence[Side]) -> list[Difference]:
    recipes = [asked.flat_recipe(side.papers) for side in sides]
    keys = dict.fromkeys(key for recipe in recipes for key in recipe if key != "run_dir")
    rows = [Difference(key, [recipe.get(key, "not set") for recipe in recipes]) for key in keys]
    return [row for row in rows if len(set(row.values)) > 1]
