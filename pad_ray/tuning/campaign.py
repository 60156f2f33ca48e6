"""The stages of a campaign: reading the inputs, the search on validation questions, and the final test.

Each can be called again on the same run: it continues, or does nothing if it is complete.
"""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from types import TracebackType
from typing import Any, Self

import yaml
from rich.table import Table

from pad_ray.decoding.solver import RunningEngines
from pad_ray.engines import versions
from pad_ray.engines.kinds import fingerprint
from pad_ray.errors import DeadEndError, InputError, StageError
from pad_ray.models import resolve
from pad_ray.recipe import Recipe
from pad_ray.run import ledger
from pad_ray.run.campaign import CAMPAIGN, FINISHED, SUMMARY, CampaignSummary, Parameter, Trial, TuningObjective
from pad_ray.run.folder import RunDir
from pad_ray.run.ledger import StageEntry
from pad_ray.run.records import read_record
from pad_ray.sandbox import SandboxConfig
from pad_ray.schema import CorpusRow, Question, content_id
from pad_ray.stages.base import Run, seconds_so_far
from pad_ray.stages.questions import read_run_inputs, read_tests
from pad_ray.stages.resources import lacking, resources_at_hand
from pad_ray.stages.solutions import own_tests, student_to_measure
from pad_ray.synthesis.corpus import TRAIN as TAUGHT
from pad_ray.synthesis.corpus import is_held_out
from pad_ray.synthesis.questions import TRAIN as QUESTIONS
from pad_ray.tasks import get_task
from pad_ray.training.config import MEANS, TrainingConfig
from pad_ray.tuning.closing import alone, answer_tests, undecided, verdict
from pad_ray.tuning.config import ACCURACY, DIRECTIONS, TOKENS, TuningConfig
from pad_ray.tuning.measuring import CHAINS, Bench, campaign_solutions, strategy_of
from pad_ray.tuning.space import changed, changed_values, default_point, parameters_of
from pad_ray.tuning.trials import DEFAULT, Trials, best, pareto
from pad_ray.words import counted

RECIPE = f"{CAMPAIGN}/recipe.yaml"
BEST = f"{CAMPAIGN}/best.yaml"
STAGE = "tuning"
# The recipe fields that identify a campaign, together with its models' weights. Machines, the number of trials and their
# concurrency may change between calls.
IDENTITY: dict[str, Any] = {
    **dict.fromkeys(("seed", "questions", "synthesis", "corpus", "refinement"), True),
    "teacher": {"kind", "model", "script"},
    "training": set(TrainingConfig.model_fields) - MEANS,
    "evaluation": {"engine": {"kind", "model", "script"}, "max_tokens": True, "strategies": True, "student": True},
    "sandbox": set(SandboxConfig.model_fields) - {"workers"},
    "tuning": set(TuningConfig.model_fields) - {"trials", "concurrent"},
}


@dataclass(frozen=True)
class CampaignInputs:
    """The inputs of a campaign: its parameters, the validation questions, the test questions by task, the fingerprints of the
    models by role, and the student's `model` in a decode campaign.
    """

    parameters: list[Parameter]
    validation: list[Question]
    tests: dict[str, list[Question]]
    weights: dict[str, str]
    model: str


def read_campaign_inputs(run: Run) -> CampaignInputs:
    """Check the recipe's campaign and find its questions. Writes nothing.

    Raises:
        InputError: the run is remote or holds another campaign, a range is not usable, there is no student to decode with,
            there are no validation questions, or all tests are of general ability.
    """
    recipe = run.recipe
    run.folder.demand_local("a campaign")
    parameters = parameters_of(recipe)
    strategy_of(recipe)
    tests = own_tests(read_tests(recipe))
    if not tests:
        raise InputError(
            "questions.test_tasks: a campaign needs a test task that the student is trained for, not only general ability"
        )
    if recipe.tuning.kind == "decode":
        model = student_to_measure(run)[1]
        weights = {"student": fingerprint(recipe.evaluation.engine.serving(model))}
    else:
        model = ""
        read_run_inputs(recipe)
        versions.check(recipe.evaluation.engine)
        weights = {"teacher": fingerprint(recipe.teacher), "student": resolve(recipe.training.student).revision}
    validation = validation_questions(run)
    if not validation:
        raise InputError(
            f"{run.folder.location}: there are no validation questions; raise --questions.limit or --corpus.validation_share"
        )
    inputs = CampaignInputs(parameters, validation, tests, weights, model)
    _check_same(run, inputs)
    return inputs


def validation_questions(run: Run) -> list[Question]:
    """The train questions that the corpus holds out and does not teach, in the order of their ids.

    They come from the run if it holds questions, else from the recipe. Questions without a correct draft are included: the
    student's accuracy on solved questions only would be too high.
    """
    recipe, folder = run.recipe, run.folder
    source = recipe.questions
    stored: Iterable[Question] = folder.iter_records(QUESTIONS, Question)
    if not folder.parts(QUESTIONS):
        stored = get_task(source.task).stream(source.split, recipe.data_dir, source.limit, recipe.seed)
    taught = set(folder.read_table(TAUGHT, CorpusRow, ["question_id"])["question_id"].to_pylist())
    held_out = {
        question.question_id: question
        for question in stored
        if is_held_out(question.question_id, recipe.corpus, recipe.seed) and question.question_id not in taught
    }
    return list(islice((held_out[name] for name in sorted(held_out)), recipe.tuning.validation_questions))


def _check_same(run: Run, inputs: CampaignInputs) -> None:
    """Raise InputError if the run holds a campaign with another recipe, other models or other questions."""
    if not run.folder.exists(RECIPE):
        return
    before, now = yaml.safe_load(run.folder.read_bytes(RECIPE)), _identity(run.recipe, inputs)
    differing = sorted(
        f"{section}.{name}" if isinstance(fields, dict) else section
        for section, fields in now.items()
        for name in (fields if isinstance(fields, dict) else [""])
        if _field(before, section, name) != _field(now, section, name)
    )
    if differing:
        raise InputError(
            f"{run.folder.path(CAMPAIGN)} is a campaign with another {', '.join(differing)}; move it away to start a new one"
        )
    summary = read_record(run.folder, SUMMARY, CampaignSummary)
    tested = summary is not None and summary.tested is not None
    if tested and run.recipe.tuning.trials > len(Trials.read(run.folder).of(*FINISHED)):
        raise InputError(
            f"{run.folder.path(CAMPAIGN)} has used its test questions: their results must not influence further trials; "
            "move it away to start a new one"
        )


def _identity(recipe: Recipe, inputs: CampaignInputs) -> dict[str, Any]:
    sides = {"validation": inputs.validation, **inputs.tests}
    hashes = {name: content_id("asked", [(one.question_id, one.gold) for one in side]) for name, side in sides.items()}
    return {**recipe.model_dump(mode="json", include=IDENTITY), "weights": dict(inputs.weights), "asked": hashes}


def _field(values: Mapping[str, Any], section: str, name: str) -> Any:
    fields = values.get(section)
    return fields.get(name) if isinstance(fields, dict) else fields


def conduct(run: Run, inputs: CampaignInputs) -> None:
    """Run the missing trials, then answer the test questions, and write the best recipe and the result.

    Raises:
        StageError: no trial was completed, or the campaign was interrupted; the same command continues.
    """
    trials = _trials(run.folder)
    run.folder.write_text(RECIPE, yaml.safe_dump(_identity(run.recipe, inputs), sort_keys=False))
    _summarize(run, inputs, trials)
    with _Engines(run, inputs) as engines:
        _search(run, inputs, trials, engines)
        _summarize(run, inputs, trials)
        _settle(run, inputs, trials, engines)


def _trials(folder: RunDir) -> Trials:
    """The run's trials. If none was completed, failed trials are run again, because their common cause may be gone."""
    trials = Trials.read(folder)
    if not trials.of("completed", "stopped"):
        trials.forget_failed()
    return trials


class _Engines:
    """The engines of a decode campaign, opened once for all its trials; a context manager."""

    def __init__(self, run: Run, inputs: CampaignInputs) -> None:
        recipe, folder = run.recipe, run.folder
        self.shared = recipe.tuning.kind == "decode" and recipe.tuning.share
        solutions = campaign_solutions(folder, inputs.weights["student"]) if inputs.model else ""
        self.bench = Bench(recipe, folder.location, inputs.validation, inputs.model, solutions)
        self.solver = self.bench.solver(recipe) if inputs.model else None

    def __enter__(self) -> Self:
        return self

    def start(self) -> None:
        """Start the engines and give them to the bench."""
        if self.shared and self.solver is not None:
            self.solver.start()
            running = RunningEngines(tuple(self.solver.actors), self.solver.lost)
            self.bench = replace(self.bench, running=running)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.solver is not None:
            self.solver.close(at_once=error is not None)


def _search(run: Run, inputs: CampaignInputs, trials: Trials, engines: _Engines) -> None:
    """Run the missing trials."""
    config = run.recipe.tuning
    finished = len(trials.of(*FINISHED))
    if finished >= config.trials:
        return
    from pad_ray.tuning.search import Suggestions
    from pad_ray.tuning.tuner import run_trials

    given = _first_trials(run.recipe, inputs.parameters, trials)
    suggestions = Suggestions(inputs.parameters, config.objectives, trials, given, run.recipe.seed)
    started = time.monotonic()
    with run.progress.stage(STAGE, "trials", config.trials, done=finished) as bar:
        engines.start()
        with run.progress.wait(f"{STAGE}: trials"):
            run_trials(run.folder, config, engines.bench, suggestions, trials, bar)
    seconds = seconds_so_far(run, STAGE) + time.monotonic() - started
    counts = {state: len(trials.of(state)) for state in FINISHED}
    stopped = {"stopped": counts["stopped"]} if counts["stopped"] else {}
    entry = StageEntry(
        stage=STAGE,
        unit="trials",
        rows_in=len(trials.of(*FINISHED)),
        rows_out=counts["completed"],
        rejected=stopped,
        failed=counts["failed"],
        seconds=seconds,
    )
    ledger.record(run.folder, entry)


def _first_trials(
    recipe: Recipe, parameters: Sequence[Parameter], trials: Trials
) -> list[tuple[str, Mapping[str, Any]]]:
    """The trials before Optuna's suggestions: interrupted trials, the unchanged recipe, and the points of `tuning.first`."""
    interrupted = [(trial.trial, trial.parameters) for trial in trials.of("running")]
    points = [default_point(recipe, parameters), *recipe.tuning.first]
    new = [(f"{number:03}", point) for number, point in enumerate(points)]
    return interrupted + [(name, point) for name, point in new if name not in trials.by_name]


def _settle(run: Run, inputs: CampaignInputs, trials: Trials, engines: _Engines) -> None:
    """Answer the test questions once, write the best recipe, and record whether it beats the default.

    The chosen trial is written to `campaign.json` before the first test question; no trials follow.
    """
    summary = _summary(run)
    if summary.test or summary.test_alone:
        return
    chosen = trials.by_name[summary.tested] if summary.tested else best(trials.of("completed"))
    if chosen is None:
        failed = trials.of("failed")[0]
        raise StageError(
            f"tuning: no trial was completed; trial {failed.trial}: {failed.error}; run the same command again"
        )
    _write_best(run, chosen)
    summary = _write_summary(run, summary, tested=chosen.trial)
    default = trials.by_name[DEFAULT]
    tested = (chosen,) if default.state == "failed" else (default, chosen)
    answers, reason = {}, default.error
    for trial in {one.trial: one for one in tested}.values():
        run.progress.say(f"test questions: trial {trial.trial}")
        changed_recipe = changed(run.recipe, trial.parameters)
        try:
            answers[trial.trial] = answer_tests(engines.bench, changed_recipe, trial.trial, inputs.tests, run.progress)
        except (InputError, DeadEndError) as error:
            # The default may have been stopped before training; training it now may fail.
            if trial is chosen or trial.state == "completed":
                raise
            reason = str(error)
    if DEFAULT not in answers:
        _write_summary(run, summary, test_alone=alone(answers[chosen.trial], chosen.trial, str(reason)))
    elif chosen.trial == DEFAULT:
        _write_summary(run, summary, test=undecided(answers[DEFAULT]))
    else:
        compared = verdict(answers[DEFAULT], answers[chosen.trial], chosen.trial, run.recipe.seed)
        _write_summary(run, summary, test=compared)


def _summary(run: Run) -> CampaignSummary:
    """The stored summary. Raises StageError if the campaign has none yet."""
    summary = read_record(run.folder, SUMMARY, CampaignSummary)
    if summary is None:
        raise StageError(f"{run.folder.path(SUMMARY)} is missing; run the same command again")
    return summary


def _write_summary(run: Run, summary: CampaignSummary, **changes: object) -> CampaignSummary:
    """Store the summary with the changed fields, and return it."""
    summary = summary.model_copy(update=changes)
    run.folder.write_json(SUMMARY, summary.model_dump(mode="json"))
    return summary


def _write_best(run: Run, chosen: Trial) -> None:
    """Write the chosen recipe as a file for other jobs."""
    recipe = changed(run.recipe, chosen.parameters)
    values = changed_values(run.recipe, chosen.parameters)
    values.pop("tuning", None)
    strategy = strategy_of(recipe)
    if strategy != recipe.evaluation.strategies[0]:
        rest = [one.model_dump(mode="json") for one in recipe.evaluation.strategies[1:]]
        values.setdefault("evaluation", {})["strategies"] = [strategy.model_dump(mode="json"), *rest]
    header = f"# Trial {chosen.trial}: {chosen.values[ACCURACY]:.1%} of the validation questions.\n"
    run.folder.write_text(BEST, header + yaml.safe_dump(values, sort_keys=False))


def _summarize(run: Run, inputs: CampaignInputs, trials: Trials) -> None:
    """Write `campaign.json`: parameters, objectives, and the best trials so far."""
    objectives = run.recipe.tuning.objectives
    before = read_record(run.folder, SUMMARY, CampaignSummary)
    chosen = best(trials.of("completed"))
    now = CampaignSummary(
        name=run.folder.root.rsplit("/", 1)[-1],
        kind=run.recipe.tuning.kind,
        objectives=[TuningObjective(name=name, direction=DIRECTIONS[name]) for name in objectives],
        parameters=inputs.parameters,
        default_trial=DEFAULT if DEFAULT in trials.by_name else None,
        best_trial=None if chosen is None else chosen.trial,
        pareto=[trial.trial for trial in pareto(trials.of("completed"), objectives)] if len(objectives) > 1 else [],
    )
    kept = {name: getattr(before, name) for name in ("tested", "test", "test_alone")} if before else {}
    _write_summary(run, now, **kept)


def closing_table(run: Run) -> None:
    """Print the trials, the result on the test questions, and the path of the best recipe."""
    summary, trials = _summary(run), Trials.read(run.folder)
    table = Table("trial", "state", "accuracy", "tokens/question", "seconds", title=f"{summary.kind} campaign")
    table.add_column("parameters", overflow="fold")
    for trial in trials.of(*FINISHED):
        marks = "*" * (trial.trial == summary.best_trial) + "+" * (trial.trial in summary.pareto)
        figures = (f"{trial.values[ACCURACY]:.1%}" if trial.values else "-", _tokens(trial), f"{trial.seconds:.0f}")
        table.add_row(trial.trial + marks, trial.state, *figures, trial.error or _parameter_text(trial.parameters))
    run.progress.console.print(table)
    run.progress.say("* the chosen trial" + ("; + no trial is better in both objectives" if summary.pareto else ""))
    if result := summary.test or summary.test_alone:
        run.progress.say(result.sentence)
    run.progress.say(f"recipe: {run.folder.path(BEST)}")


def _tokens(trial: Trial) -> str:
    return f"{trial.values[TOKENS]:.0f}" if TOKENS in trial.values else "-"


def _parameter_text(parameters: Mapping[str, Any]) -> str:
    """The parameters as text, by the last part of their names."""
    values = (f"{value:.3g}" if isinstance(value, float) else json.dumps(value) for value in parameters.values())
    return ", ".join(f"{name.rpartition('.')[2]} {value}" for name, value in zip(parameters, values, strict=True))


def preview(run: Run) -> None:
    """Print the search space, the questions, and the stages that trials share."""
    inputs, config, say = read_campaign_inputs(run), run.recipe.tuning, run.progress.say
    say(
        f"{config.kind} campaign: {counted(config.trials, 'trial')}, {config.concurrency} at once, "
        f"objectives {' and '.join(config.objectives)}"
    )
    for parameter in inputs.parameters:
        values = list(parameter.values) if parameter.values is not None else f"{parameter.low} to {parameter.high}"
        say(f"  {parameter.name}: {values}{', on a logarithmic scale' if parameter.log else ''}")
    rungs = config.rungs(len(inputs.validation)) if config.kind == "decode" else [len(inputs.validation)]
    say(f"validation questions: {len(inputs.validation)}; trials report after {', '.join(map(str, rungs))}")
    tests = ", ".join(f"{len(questions)} of {task}" for task, questions in inputs.tests.items())
    say(f"test questions: {tests}, asked once, for the default and the chosen recipe")
    stages_of = [stage.name for stage in CHAINS[config.kind]]
    say(f"shared between trials with equal settings: {', '.join(stages_of) or 'the student and its engine'}")
    for lack in lacking(run.recipe, resources_at_hand()):
        if not lack.startswith("synthesis") or stages_of:
            say(f"lacking: {lack}")
