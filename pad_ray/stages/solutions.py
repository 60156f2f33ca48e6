"""How students are measured: by the strategies of a recipe on its test tasks, and against each other on the same questions.

As the other stages, each can be called again on the same run: it continues, and does nothing where nothing is left to do.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import PurePath
from typing import Any

from pad_ray.decoding.base import Strategy
from pad_ray.decoding.config import with_baselines
from pad_ray.decoding.greedy import Greedy
from pad_ray.decoding.sampling import BestOfN, Resample, Vote
from pad_ray.decoding.solver import Solver
from pad_ray.decoding.stored import MANIFEST, SOLUTIONS, Asking, solutions_folder
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
from pad_ray.schema import PathKind, Question, Solution
from pad_ray.stages.base import Run
from pad_ray.tasks import get_task
from pad_ray.tasks.config import task_and_split

Tests = dict[str, list[Question]]
"""Test questions by task."""

ENTRY = ("task", "student", "strategy")
"""What tells one score of a run from another."""

COMPARISONS = ("paired", "general_change")
"""Sections of the metrics that compare a student `b` with a student `a`."""

FIGURES = ("evaluation", "general", "paired_strategies", "pooled")
"""Sections of the metrics whose entries are each of one `student`."""

DIRECT = Greedy(path=PathKind.RATIONALE, name="direct")
"""How every student is asked for general ability, before and after training alike: greedily, for the answer alone."""

STUDENTS = {"after": "student", "refined": "refined"}
"""Where the weights of a trained student are in the run's folder."""


def general_tests(tests: Tests) -> Tests:
    """The tests of general ability: no strategy of the recipe is for them."""
    return {name: questions for name, questions in tests.items() if get_task(task_and_split(name)[0]).shots is not None}


def own_tests(tests: Tests) -> Tests:
    """The tests of what students are trained for."""
    return {name: questions for name, questions in tests.items() if name not in general_tests(tests)}


def _shots(recipe: Recipe, tests: Tests) -> dict[str, list[Question]]:
    """Solved questions by sub-task, for all tests of general ability."""
    readers = (get_task(task_and_split(name)[0]).shots for name in tests)
    return {name: solved for read in readers if read for name, solved in read(recipe.data_dir).items()}


def first_demonstrations(recipe: Recipe) -> Sets:
    """The first set of programs that the teacher is shown: a student that is not trained yet is asked with it."""
    return load_sets(recipe.questions.task, PathKind.PROGRAM, recipe.data_dir)[:1]


def evaluate_student(run: Run, student: str, tests: Tests) -> None:
    """Measure the base student (`before`) greedily with the teacher's demonstrations, or a trained one (`STUDENTS`) without.

    A trained one by all strategies of the recipe, greedy first: students are compared by it. For general ability both are asked
    as `DIRECT` does, with the same solved questions.
    """
    if student == "before":
        measure(run, student, run.recipe.training.student, [Greedy()], tests, first_demonstrations(run.recipe))
        return
    strategies = strategies_of(run)
    greedy = [] if any(one.label == Greedy().label for one in strategies) else [Greedy()]
    measure(run, student, str(run.folder.local_path(STUDENTS[student])), [*greedy, *strategies], tests)


def measure(
    run: Run,
    student: str,
    model: str,
    strategies: Sequence[Strategy],
    tests: Tests,
    shown: Sets = (),
) -> None:
    """Solutions and scores of a model by strategies, one after the other on the same engines; `shown` makes it few-shot.

    Tests of general ability are asked directly, and not by the strategies. Figures of other weights that had the student's name
    before are deleted.
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

    def of_others(entry: dict[str, Any]) -> bool:
        place = f"{SOLUTIONS}/{entry['task']}/{solutions_folder(student, entry['strategy'])}"
        made_by = run.folder.read_json(f"{place}/{MANIFEST}", {})
        return weights not in made_by.get("models", [])[:1]

    scores = metrics.read(run.folder).get("evaluation", [])
    if any(of_others(entry) for entry in scores if entry["student"] == student):
        metrics.drop_entries(run.folder, FIGURES, lambda entry: entry["student"] == student)
        metrics.drop_entries(run.folder, COMPARISONS, lambda entry: student in (entry["a"], entry["b"]))


def open_solver(
    run: Run,
    model: str,
    shown: Sets = (),
    actors: Sequence[Any] = (),
    lost: int | None = None,
    shots: Mapping[str, Sequence[Question]] | None = None,
) -> Solver:
    """A solver whose engines serve a model as the recipe says, or that asks the engines of another one (see `Solver`).

    Questions of the tasks in `shots` are asked for a direct answer, after these solved questions.
    """
    config = run.recipe.evaluation
    engine = config.engine.serving(model)
    seconds = {strategy.second_model for strategy in config.strategies} - {None}
    if seconds and engine.actors is None and uses_gpu(engine):
        # A strategy's second model has as many engines, so all share the GPUs.
        engine = engine.model_copy(update={"actors": max(1, engine_count(engine) // (1 + len(seconds)))})
    paths = {kind: PATHS[kind]() for kind in PATHS} | {PathKind.PROGRAM: PATHS[PathKind.PROGRAM](shown)}
    if shots:
        paths[PathKind.RATIONALE] = DirectAnswers(shots=shots, others=paths[PathKind.RATIONALE])
    asking = Asking(paths, config.max_tokens, config.live_questions)
    retry = config.retry_faults
    return Solver(run.folder, engine, run.recipe.sandbox, asking, run.progress, actors, lost, retry_faults=retry)


def _measure_one(run: Run, student: str, strategy: Strategy, tests: Tests, solver: Solver, shots: int) -> None:
    outcomes: Counter[str] = Counter()
    reasons: dict[str, str] = {}
    seconds = 0.0
    for task, questions in tests.items():
        budgets = _tokens(run, task, student, strategy, questions)
        solved = solver.solve(task, solutions_folder(student, strategy.label), questions, strategy, budgets)
        entry = {
            "task": task,
            "split": questions[0].split,
            "student": student,
            "strategy": strategy.label,
            "prompt": f"{shots}-shot",
            **asdict(score(solved.solutions, questions, run.recipe.seed)),
            "at_k": _at_k(strategy, solved.solutions, questions, run.recipe.seed),
            "seconds": solved.all_seconds,
        }
        metrics.replace_entry(run.folder, "evaluation", entry, ENTRY)
        if has_subtasks(questions):
            _measure_general(run, entry, solved.solutions, questions)
        outcomes.update(solution.outcome.value for solution in solved.solutions)
        told = [(solution.outcome.value, solution.feedback) for solution in solved.solutions]
        reasons = ledger.first_reasons(told) | reasons
        seconds += solved.all_seconds
    asked = sum(map(len, tests.values()))
    stage = _stage(student, strategy.label)
    ledger.record(run.folder, ledger.judged(stage, "questions", asked, outcomes, seconds, reasons=reasons))


def _at_k(
    strategy: Strategy, solutions: Sequence[Solution], questions: Sequence[Question], seed: int
) -> list[dict[str, Any]]:
    """pass@k and maj@k of a strategy that samples, for k = 1, 2, 4 ... and all its samples; nothing for others."""
    if not isinstance(strategy, (Vote, BestOfN)) or any(len(one.sampled) < strategy.samples for one in solutions):
        return []
    # In the order of their questions, as `Solved` has them.
    single = [one for pair in zip(solutions, questions, strict=True) for one in each_sample(*pair)]
    counts = sorted({strategy.samples, *(2**power for power in range(strategy.samples.bit_length()))})
    return [
        {
            "k": k,
            "pass": asdict(pass_at_k(single, k, seed)),
            "maj": asdict(maj_at_k(single, questions, k, seed)),
        }
        for k in counts
    ]


def has_subtasks(questions: Sequence[Question]) -> bool:
    return len({question.task for question in questions}) > 1


def _measure_general(
    run: Run, entry: dict[str, Any], solutions: Sequence[Solution], questions: Sequence[Question]
) -> None:
    """The macro average over sub-tasks, and each of them."""
    found = general_ability(solutions, questions, run.recipe.seed)
    subtasks = {
        name: {"questions": one.questions, "accuracy": one.accuracy, "interval": one.interval}
        for name, one in found.subtasks.items()
    }
    named = {name: entry[name] for name in ENTRY}
    metrics.replace_entry(run.folder, "general", {**named, **vars(found), "subtasks": subtasks}, ENTRY)


def student_to_measure(run: Run) -> tuple[str, str]:
    """Name and model of the student that is evaluated: `after` and the run's own, or a name of its own for another model.

    Raises:
        InputError: the run has no student or is remote, the model's name is unknown or its weights are damaged, or what the
            engine needs is not installed.
    """
    versions.check(run.recipe.evaluation.engine)
    given = run.recipe.evaluation.student
    if given is None:
        run.folder.demand_local("a student")
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


def _stage(student: str, label: str) -> str:
    return f"evaluation.{student}" if label == "greedy" else f"evaluation.{student}.{label}"


def _tokens(
    run: Run, task: str, student: str, strategy: Strategy, questions: Sequence[Question]
) -> dict[str, int] | None:
    """What the strategy that another one is to spend as much as has spent, by question."""
    if not isinstance(strategy, Resample):
        return None
    solutions = stored_solutions(run, task, solutions_folder(student, strategy.like), questions)
    return {solution.question_id: solution.completion_tokens for solution in solutions}


def stored_solutions(run: Run, task: str, label: str, questions: Sequence[Question]) -> list[Solution]:
    by_id = solutions_by_question(run, task, label)
    return [by_id[question.question_id] for question in questions]


def solutions_by_question(run: Run, task: str, label: str) -> dict[str, Solution]:
    return {one.question_id: one for one in run.folder.iter_records(f"{SOLUTIONS}/{task}/{label}", Solution)}
