"""The stages of a run, each with its entry in `ledger.json` and its section of `metrics.json`.

Every stage can be called again on the same run: it continues, and does nothing where nothing is left to do.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import PurePath
from typing import Any

from pad_ray import ledger, metrics
from pad_ray.decoding.base import Strategy
from pad_ray.decoding.config import with_baselines
from pad_ray.decoding.greedy import Greedy
from pad_ray.decoding.sampling import Resample
from pad_ray.decoding.stage import SOLUTIONS, Asking, Solver
from pad_ray.engines import versions
from pad_ray.engines.kinds import fingerprint
from pad_ray.errors import InputError, StageError
from pad_ray.evaluation.scores import compare, score, wilson
from pad_ray.ledger import StageEntry
from pad_ray.models import resolve
from pad_ray.paths import PATHS, Program, ReasoningPath
from pad_ray.paths.demonstrations import Sets, assert_not_in_test, load_sets
from pad_ray.progress import Progress
from pad_ray.recipe import Recipe
from pad_ray.report import render
from pad_ray.rundir import RunDir
from pad_ray.schema import Outcome, PathKind, Question, Solution
from pad_ray.synthesis import corpus as corpora
from pad_ray.synthesis.card import CardFacts, write_card
from pad_ray.synthesis.contamination import KnownTests, load_tests
from pad_ray.synthesis.corpus import Corpus
from pad_ray.synthesis.pipeline import Tally, synthesize
from pad_ray.synthesis.plan import Plan
from pad_ray.synthesis.questions import TEST, store
from pad_ray.tasks import get_task
from pad_ray.tracking import Tracker
from pad_ray.training.train import Trained, train

REPORT = "report.html"


@dataclass(frozen=True)
class Run:
    """What every stage gets."""

    recipe: Recipe
    folder: RunDir
    progress: Progress


@dataclass(frozen=True)
class Inputs:
    """Everything a run reads, checked before anything is written.

    `train` is gone through once, by `store_questions`; `test` holds the test questions by task.
    """

    train: Iterator[Question]
    test: dict[str, list[Question]]
    plan: Plan


def read_inputs(recipe: Recipe) -> Inputs:
    """Read questions and demonstrations, resolve both models and plan the drafts. Writes nothing.

    Raises:
        InputError: a task, a split, a row, a demonstration, a model name or weights are not usable.
    """
    asked, seed = recipe.questions, recipe.seed
    train_questions = get_task(asked.task).stream("train", recipe.data_dir, asked.limit, seed)
    tests = read_tests(recipe)
    for name in recipe.corpus.decontaminate or []:
        get_task(name)
    recipe.tracking.check()
    versions.check(recipe.teacher)
    resolve(recipe.training.student)
    paths = teacher_paths(recipe)
    for path in paths:
        assert_not_in_test(path.sets, (question for test in tests.values() for question in test))
    return Inputs(train_questions, tests, Plan(paths, fingerprint(recipe.teacher), recipe.synthesis, seed))


def read_tests(recipe: Recipe) -> dict[str, list[Question]]:
    """The test questions by task. Raises InputError where a task or its files are not usable."""
    asked = recipe.questions
    return {
        name: get_task(name).load("test", recipe.data_dir, asked.test_limit, recipe.seed)
        for name in asked.test_tasks or [asked.task]
    }


def teacher_paths(recipe: Recipe) -> tuple[ReasoningPath, ...]:
    """How the teacher is asked for each kind of path: with demonstrations."""
    config = recipe.synthesis
    sets = {kind: load_sets(recipe.questions.task, kind, recipe.data_dir) for kind in config.paths}
    return tuple(PATHS[kind](sets[kind][: config.demonstration_sets], config.chat) for kind in config.paths)


def store_questions(run: Run, inputs: Inputs) -> None:
    """Write `questions/`: those to learn from, those that cannot be asked with their reason, and the test questions."""
    started = time.monotonic()
    stored = store(run.folder, inputs.train)
    store_tests(run, inputs.test)
    elapsed = time.monotonic() - started
    tests = sum(map(len, inputs.test.values()))
    counts = (stored.asked + tests, stored.kept + tests, stored.unusable)
    ledger.record(run.folder, StageEntry("questions", "questions", *counts, seconds=elapsed))
    if not stored.kept:
        raise StageError(f"questions: none of {stored.asked} can be asked: {dict(stored.unusable)}")


def store_tests(run: Run, tests: dict[str, list[Question]], *, keep: bool = False) -> None:
    """Write the test questions to `questions/`. With `keep`, those of a task that is there already stay as they are."""
    for task, questions in tests.items():
        if not (keep and run.folder.exists(f"{TEST}/{task}.parquet")):
            run.folder.write_records(f"{TEST}/{task}.parquet", Question, questions)


def make_drafts(run: Run, plan: Plan) -> Tally:
    """Generate, judge and commit the drafts that are missing."""
    recipe = run.recipe
    with Tracker(recipe.tracking, run.folder, "synthesis") as tracker:
        tally = synthesize(run.folder, plan, recipe.teacher, recipe.sandbox, recipe.synthesis, run.progress, tracker)
    before = metrics.read(run.folder).get("synthesis", {})
    if tally.protections is not None:
        metrics.update(run.folder, "sandbox", {"protections": asdict(tally.protections)})
    spent = {
        "seconds": before.get("seconds", 0.0) + tally.seconds,
        "device_seconds": before.get("device_seconds", 0.0) + tally.device_seconds,
    }
    metrics.update(run.folder, "synthesis", {**before, "drafts": tally.planned, **spent})
    return tally


def build_corpus(run: Run, inputs: Inputs) -> Corpus:
    """Turn the committed drafts into the corpus, and balance the ledger of synthesis and corpus."""
    recipe = run.recipe
    asked = recipe.questions
    own = [question for test in inputs.test.values() for question in test]
    tests = load_tests(recipe.corpus.decontaminate, recipe.data_dir, recipe.seed, own, asked.task, "train")
    known = KnownTests.build(tests, recipe.corpus.ngram)
    corpus = corpora.build(run.folder, inputs.plan, recipe.corpus, recipe.seed, known)
    made = metrics.read(run.folder)["synthesis"]
    accepted = corpus.verified[Outcome.ACCEPTED]
    summary = {
        "drafts": corpus.drafts,
        "accepted": accepted,
        "yield": accepted / max(1, corpus.drafts),
        "interval": wilson(accepted, corpus.drafts) if corpus.drafts else (0.0, 1.0),
        "by_path": {
            path: {"drafts": count, "accepted": corpus.accepted_by_path[path]} for path, count in corpus.by_path.items()
        },
        "prompt_tokens": corpus.prompt_tokens,
        "completion_tokens": corpus.completion_tokens,
        "outcomes": corpus.verified,
        "seconds": made["seconds"],
        "device_seconds": made["device_seconds"],
    }
    metrics.update(run.folder, "synthesis", summary)
    guarded = metrics.read(run.folder).get("sandbox", {}).get("protections")
    entry = ledger.judged("synthesis", "drafts", corpus.planned, corpus.verified, made["seconds"], guarded)
    ledger.record(run.folder, entry)
    dropped = {name: n - corpus.verified[name] for name, n in corpus.final.items() if n > corpus.verified[name]}
    dropped.pop(Outcome.ACCEPTED, None)
    rows = corpus.train_rows + corpus.validation_rows
    ledger.record(run.folder, StageEntry("corpus", "drafts", accepted, rows, dropped, seconds=corpus.seconds))
    named = ("train_rows", "validation_rows", "questions", "contaminated", "hash")
    metrics.update(run.folder, "corpus", {name: getattr(corpus, name) for name in named})
    write_card(run.folder, _card(recipe, inputs.plan, corpus, tests, guarded))
    corpora.require_rows(corpus)
    return corpus


def train_student(run: Run, corpus: Corpus) -> Trained:
    """Fine-tune the student on the corpus."""
    folders = {"train": corpora.TRAIN, "validation": corpora.VALIDATION}
    trained = train(run.folder, folders, corpus.hash, run.recipe.training, run.recipe.seed, run.progress)
    left_out = {Outcome.TRUNCATED.value: trained.left_out} if trained.left_out else {}
    ledger.record(
        run.folder,
        StageEntry("training", "rows", corpus.train_rows, trained.rows, left_out, seconds=trained.seconds),
    )
    fields = asdict(trained)
    metrics.update(run.folder, "training", {name: fields[name] for name in fields if name not in ("key", "rows")})
    return trained


def _card(
    recipe: Recipe,
    plan: Plan,
    corpus: Corpus,
    tests: Sequence[Question],
    protections: dict[str, Any] | None,
) -> CardFacts:
    teacher, _, revision = plan.engine.partition("@")
    config = plan.config
    return CardFacts(
        task=recipe.questions.task,
        split="train",
        teacher=teacher,
        teacher_revision=revision,
        corpus_hash=corpus.hash,
        planned=corpus.planned,
        accepted=corpus.verified[Outcome.ACCEPTED],
        questions=corpus.questions,
        rows={split: corpus.rows_of(split) for split in ("train", "validation")},
        dropped={name: n for name, n in corpus.final.items() if name != Outcome.ACCEPTED},
        tests=Counter(question.task for question in tests),
        contaminated=corpus.contaminated,
        ngram=recipe.corpus.ngram,
        max_overlap=recipe.corpus.max_overlap,
        samples=config.samples,
        temperature=config.temperature,
        top_p=config.top_p,
        max_tokens=config.max_tokens,
        seed=plan.seed,
        demonstrations={path.kind.value: [len(shown) for shown in path.sets] for path in plan.paths},
        protections=protections,
    )


def first_demonstrations(recipe: Recipe) -> Sets:
    """The first set of programs that the teacher is shown: a student that is not trained yet is asked with it."""
    return load_sets(recipe.questions.task, PathKind.PROGRAM, recipe.data_dir)[:1]


def evaluate_student(run: Run, student: str, tests: dict[str, list[Question]]) -> None:
    """Measure the base student (`before`) greedily with the teacher's demonstrations, or the trained one (`after`) without.

    The trained one by all strategies of the recipe, greedy first: the two are compared by it.
    """
    if student == "before":
        measure(run, student, run.recipe.training.student, [Greedy()], tests, first_demonstrations(run.recipe))
        return
    strategies = strategies_of(run)
    greedy = [] if any(one.label == Greedy().label for one in strategies) else [Greedy()]
    model = run.folder.local_path("student" if student == "after" else student)
    measure(run, student, str(model), [*greedy, *strategies], tests)


def measure(
    run: Run,
    student: str,
    model: str,
    strategies: Sequence[Strategy],
    tests: dict[str, list[Question]],
    shown: Sets = (),
) -> None:
    """Solutions and scores of a model by strategies, one after the other on the same engines; `shown` makes it few-shot."""
    config = run.recipe.evaluation
    engine = config.engine.model_copy(update={"model": model})
    paths = {kind: PATHS[kind]() for kind in PATHS} | {PathKind.PROGRAM: Program(shown)}
    asking = Asking(paths, config.max_tokens, config.live_questions)
    with Solver(run.folder, engine, run.recipe.sandbox, asking, run.progress) as solver:
        for strategy in strategies:
            _measure_one(run, student, strategy, tests, solver, len(shown[0]) if shown else 0)


def _measure_one(
    run: Run, student: str, strategy: Strategy, tests: dict[str, list[Question]], solver: Solver, shots: int
) -> None:
    outcomes: Counter[str] = Counter()
    stage = _stage(student, strategy.label)
    seconds = _seconds_so_far(run, stage)
    for task, questions in tests.items():
        budgets = _tokens(run, task, student, strategy, questions)
        solved = solver.solve(solutions_folder(student, strategy.label), questions, strategy, budgets)
        entry = {
            "task": task,
            "split": "test",
            "student": student,
            "strategy": strategy.label,
            "prompt": f"{shots}-shot",
            **asdict(score(solved.solutions)),
        }
        metrics.update_evaluation(run.folder, entry, solved.seconds)
        outcomes.update(solution.outcome.value for solution in solved.solutions)
        seconds += solved.seconds
    asked = sum(map(len, tests.values()))
    ledger.record(run.folder, ledger.judged(stage, "questions", asked, outcomes, seconds))


def student_to_measure(run: Run) -> tuple[str, str]:
    """Name and model of the student that is evaluated: `after` and the run's own, or a name of its own for another model.

    Raises:
        InputError: the run has no student, the model's name is unknown or its weights are damaged, or what the engine needs
            is not installed.
    """
    versions.check(run.recipe.evaluation.engine)
    given = run.recipe.evaluation.student
    if given is None:
        own = run.folder.local_path("student")
        if not own.is_dir():
            raise InputError(f"{own}: there is no student; run jobs/distill.py first, or give --evaluation.student")
        return "after", str(own)
    model = resolve(given)
    return f"{PurePath(given).name}-{model.revision[:8]}", given


def strategies_of(run: Run) -> Sequence[Strategy]:
    """The strategies of a recipe, with their neighbours of equal compute."""
    config = run.recipe.evaluation
    return with_baselines(config.strategies) if config.equal_compute else config.strategies


def compare_strategies(run: Run, student: str, tests: dict[str, list[Question]]) -> None:
    """Paired tests of one student's strategies on every task: each against the first, and its neighbour of equal compute."""
    first, *others = strategies_of(run)
    sides = [(first.label, other.label) for other in others]
    sides += [
        (other.label, other.like) for other in others if isinstance(other, Resample) and other.like != first.label
    ]
    pairs = []
    for task, questions in tests.items():
        for a, b in sides:
            one, other = (_solutions(run, task, solutions_folder(student, label), questions) for label in (a, b))
            paired = compare(one, other, run.recipe.seed)
            pairs.append({"task": task, "student": student, "a": a, "b": b, **asdict(paired)})
    metrics.update(run.folder, "paired_strategies", pairs)


def solutions_folder(student: str, label: str) -> str:
    """Where a student's solutions by a strategy are, below those of a task."""
    return label if student == "after" else f"{student}-{label}"


def _stage(student: str, label: str) -> str:
    return f"evaluation.{student}" if label == "greedy" else f"evaluation.{student}.{label}"


def _tokens(
    run: Run, task: str, student: str, strategy: Strategy, questions: Sequence[Question]
) -> dict[str, int] | None:
    """What the strategy that another one is to spend as much as has spent, by question."""
    if not isinstance(strategy, Resample):
        return None
    solutions = _solutions(run, task, solutions_folder(student, strategy.like), questions)
    return {solution.question_id: solution.completion_tokens for solution in solutions}


def compare_students(run: Run, tests: dict[str, list[Question]]) -> None:
    """Paired tests of the student after against before, on every task."""
    pairs = []
    for task, questions in tests.items():
        before, after = (_solutions(run, task, label, questions) for label in ("before-greedy", "greedy"))
        paired = compare(before, after, run.recipe.seed)
        pairs.append({"task": task, "a": "before", "b": "after", "test": "exact McNemar", **asdict(paired)})
    metrics.update(run.folder, "paired", pairs)


def write_report(run: Run) -> str:
    """Render `report.html`; returns where it is."""
    run.folder.write_text(REPORT, render(run.folder.location))
    return run.folder.path(REPORT)


def _solutions(run: Run, task: str, label: str, questions: Sequence[Question]) -> list[Solution]:
    by_id = {s.question_id: s for s in run.folder.iter_records(f"{SOLUTIONS}/{task}/{label}", Solution)}
    return [by_id[question.question_id] for question in questions]


def _seconds_so_far(run: Run, stage: str) -> float:
    """What earlier calls of a stage took, so that a run in several goes reports all of its time."""
    times: list[Any] = [entry["seconds"] for entry in ledger.entries(run.folder) if entry["stage"] == stage]
    return float(times[0]) if times else 0.0
