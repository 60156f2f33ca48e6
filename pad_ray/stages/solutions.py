"""Measure students with the strategies of a recipe on its test tasks, and compare them on the same questions.

Like the other stages, each of these can be called again on the same run: it continues, or does nothing if it is complete.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import PurePath

from pad_ray.decoding.base import Strategy
from pad_ray.decoding.config import with_baselines
from pad_ray.decoding.greedy import Greedy
from pad_ray.decoding.solver import RunningEngines, Solver
from pad_ray.decoding.stored import MANIFEST, SOLUTIONS, SolveSettings, solutions_folder
from pad_ray.engines import versions
from pad_ray.engines.kinds import fingerprint
from pad_ray.engines.stage import engine_count, uses_gpu
from pad_ray.errors import InputError
from pad_ray.evaluation.general import general_ability
from pad_ray.evaluation.samples import each_sample, maj_at_k, pass_at_k
from pad_ray.evaluation.scores import score
from pad_ray.models import resolve
from pad_ray.paths import PATHS
from pad_ray.paths.demonstrations import Sets, load_sets
from pad_ray.paths.direct import DirectAnswers
from pad_ray.recipe import Recipe
from pad_ray.run import ledger, metrics
from pad_ray.run.ledger import StageEntry, VerdictCounts
from pad_ray.run.metrics import Section
from pad_ray.run.records import AtK, Score, StudentRole, evaluation_stage
from pad_ray.schema import PathKind, Question, Solution
from pad_ray.stages.base import Run
from pad_ray.tasks import get_task
from pad_ray.tasks.config import task_and_split

Tests = dict[str, list[Question]]
"""Test questions by task."""

COMPARISONS: tuple[Section, ...] = ("paired", "general_change")
"""Sections of the metrics that compare a student `b` with a student `a`."""

FIGURES: tuple[Section, ...] = ("evaluation", "general", "paired_strategies", "pooled")
"""Sections of the metrics whose entries describe one `student` each."""

DIRECT = Greedy(path=PathKind.RATIONALE, name="direct")
"""The strategy for tests of general ability, before and after training: a greedy answer without reasoning."""


def general_tests(tests: Tests) -> Tests:
    """The tests of general ability. The strategies of the recipe do not apply to them."""
    return {name: questions for name, questions in tests.items() if get_task(task_and_split(name)[0]).shots is not None}


def own_tests(tests: Tests) -> Tests:
    """The tests of the tasks that students are trained for."""
    return {name: questions for name, questions in tests.items() if name not in general_tests(tests)}


def _shots(recipe: Recipe, tests: Tests) -> dict[str, list[Question]]:
    """Solved example questions by sub-task, for all tests of general ability."""
    readers = (get_task(task_and_split(name)[0]).shots for name in tests)
    return {name: solved for read in readers if read for name, solved in read(recipe.data_dir).items()}


def first_demonstrations(recipe: Recipe) -> Sets:
    """The teacher's first set of demonstration programs. It also prompts the untrained student."""
    return load_sets(recipe.questions.task, PathKind.PROGRAM, recipe.data_dir)[:1]


def evaluate_student(run: Run, student: StudentRole, tests: Tests) -> None:
    """Measure the base student or a trained one.

    The base student decodes greedily, prompted with the teacher's demonstrations. A trained student gets no demonstrations and
    is measured with all strategies of the recipe, greedy first because students are compared by it. Tests of general ability
    use `DIRECT` with the same solved questions for both.
    """
    if student is StudentRole.BEFORE:
        measure_student(run, student, run.recipe.training.student, [Greedy()], tests, first_demonstrations(run.recipe))
        return
    strategies = strategies_of(run)
    greedy = [] if any(one.label == Greedy().label for one in strategies) else [Greedy()]
    measure_student(run, student, str(run.folder.local_path(student.folder)), [*greedy, *strategies], tests)


def measure_student(
    run: Run,
    student: str,
    model: str,
    strategies: Sequence[Strategy],
    tests: Tests,
    shown: Sets = (),
) -> None:
    """Solve and score the tests with each strategy in turn on the same engines; `shown` makes the prompts few-shot.

    Tests of general ability use `DIRECT` instead of the strategies. If the student's name belonged to other weights before,
    their figures are deleted.
    """
    _forget_other_weights(run, student, model)
    own, general, shots = own_tests(tests), general_tests(tests), _shots(run.recipe, tests)
    with open_solver(run, model, shown, shots=shots) as solver:
        for strategy in strategies if own else ():
            _measure_one(run, student, strategy, own, solver, len(shown[0]) if shown else 0)
        if general:
            _measure_one(run, student, DIRECT, general, solver, min(map(len, shots.values())))


def _forget_other_weights(run: Run, student: str, model: str) -> None:
    weights = fingerprint(run.recipe.evaluation.engine.serving(model))

    def of_others(score: Score) -> bool:
        place = f"{SOLUTIONS}/{score.task}/{solutions_folder(student, score.strategy)}"
        made_by = run.folder.read_json(f"{place}/{MANIFEST}", {})
        return weights not in made_by.get("models", [])[:1]

    scores = metrics.read(run.folder).evaluation
    if any(of_others(score) for score in scores if score.student == student):
        metrics.drop(run.folder, FIGURES, lambda entry: entry.student == student)
        metrics.drop(run.folder, COMPARISONS, lambda entry: student in (entry.a, entry.b))


def open_solver(
    run: Run,
    model: str,
    shown: Sets = (),
    running: RunningEngines | None = None,
    shots: Mapping[str, Sequence[Question]] | None = None,
) -> Solver:
    """A solver that serves a model as the recipe says, or that uses the engines of another solver (see `Solver`).

    The prompt of a task in `shots` shows these solved questions and asks for the answer only.
    """
    config = run.recipe.evaluation
    engine = config.engine.serving(model)
    seconds = {strategy.second_model for strategy in config.strategies} - {None}
    if seconds and engine.actors is None and uses_gpu(engine):
        # Each second model gets as many engines as the student, so divide the GPUs among the models.
        engine = engine.model_copy(update={"actors": max(1, engine_count(engine) // (1 + len(seconds)))})
    paths = {kind: PATHS[kind]() for kind in PATHS} | {PathKind.PROGRAM: PATHS[PathKind.PROGRAM](shown)}
    if shots:
        paths[PathKind.RATIONALE] = DirectAnswers(shots=shots, others=paths[PathKind.RATIONALE])
    settings = SolveSettings(paths, config.max_tokens, config.live_questions, config.retry_faults)
    return Solver(run.folder, engine, run.recipe.sandbox, settings, run.progress, running)


def _measure_one(run: Run, student: str, strategy: Strategy, tests: Tests, solver: Solver, shots: int) -> None:
    outcomes: Counter[str] = Counter()
    reasons: dict[str, str] = {}
    seconds = 0.0
    for task, questions in tests.items():
        budgets = _tokens(run, task, student, strategy, questions)
        solved = solver.solve(task, solutions_folder(student, strategy.label), questions, strategy, budgets)
        names = {"task": task, "student": str(student), "strategy": strategy.label}
        more = {
            "split": questions[0].split,
            "prompt": f"{shots}-shot",
            "at_k": _at_k(strategy, solved.solutions, questions, run.recipe.seed),
            "seconds": solved.all_seconds,
        }
        scored = score(solved.solutions, questions, run.recipe.seed)
        metrics.put(run.folder, "evaluation", scored.model_copy(update={**names, **more}))
        if has_subtasks(questions):
            ability = general_ability(solved.solutions, questions, run.recipe.seed)
            metrics.put(run.folder, "general", ability.model_copy(update=names))
        outcomes.update(solution.outcome.value for solution in solved.solutions)
        verdicts = [(solution.outcome.value, solution.feedback) for solution in solved.solutions]
        reasons = ledger.first_reasons(verdicts) | reasons
        seconds += solved.all_seconds
    count = sum(map(len, tests.values()))
    stage = evaluation_stage(student, strategy.label)
    entry = StageEntry.of_verdicts(stage, "questions", count, VerdictCounts(outcomes, reasons), seconds)
    ledger.record(run.folder, entry)


def _at_k(strategy: Strategy, solutions: Sequence[Solution], questions: Sequence[Question], seed: int) -> list[AtK]:
    """pass@k and maj@k of a sampling strategy, for k = 1, 2, 4, ... and its number of samples; empty for other strategies."""
    samples = strategy.whole_paths
    if not samples or any(len(one.sampled) < samples for one in solutions):
        return []
    # `SolveResult` keeps the order of the questions.
    single = [one for pair in zip(solutions, questions, strict=True) for one in each_sample(*pair)]
    counts = sorted({samples, *(2**power for power in range(samples.bit_length()))})
    return [AtK(k=k, passed=pass_at_k(single, k, seed), maj=maj_at_k(single, questions, k, seed)) for k in counts]


def has_subtasks(questions: Sequence[Question]) -> bool:
    return len({question.task for question in questions}) > 1


def student_to_measure(run: Run) -> tuple[str, str]:
    """Name and model of the student to evaluate: `after` and the run's own student, or `<name>-<revision>` for another model.

    Raises:
        InputError: the run has no student or is remote, the model's name is unknown, its weights are damaged, or a package
            that the engine needs is not installed.
    """
    versions.check(run.recipe.evaluation.engine)
    given = run.recipe.evaluation.student
    if given is None:
        run.folder.demand_local("a student")
        own = run.folder.local_path(StudentRole.AFTER.folder)
        if not own.is_dir():
            raise InputError(f"{own}: there is no student; run jobs/distill.py first, or give --evaluation.student")
        return StudentRole.AFTER, str(own)
    model = resolve(given)
    return f"{PurePath(given).name}-{model.revision[:8]}", given


def strategies_of(run: Run) -> Sequence[Strategy]:
    """The strategies of a recipe, with their equal-compute baselines if `equal_compute` is set."""
    config = run.recipe.evaluation
    return with_baselines(config.strategies) if config.equal_compute else config.strategies


def _tokens(
    run: Run, task: str, student: str, strategy: Strategy, questions: Sequence[Question]
) -> dict[str, int] | None:
    """Token budget of each question for a `Resample` strategy: the tokens that its reference strategy spent."""
    if strategy.reference is None:
        return None
    solutions = stored_solutions(run, task, solutions_folder(student, strategy.reference), questions)
    return {solution.question_id: solution.completion_tokens for solution in solutions}


def stored_solutions(run: Run, task: str, label: str, questions: Sequence[Question]) -> list[Solution]:
    by_id = solutions_by_question(run, task, label)
    return [by_id[question.question_id] for question in questions]


def solutions_by_question(run: Run, task: str, label: str) -> dict[str, Solution]:
    return {one.question_id: one for one in run.folder.iter_records(f"{SOLUTIONS}/{task}/{label}", Solution)}
