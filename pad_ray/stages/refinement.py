"""The stages of self-refinement (PaD, arXiv 2305.13888, section 3.2): collect -> inject -> train -> measure.

They start from a run with a trained student. Like the stages of that run, each can be called again and continues.
"""

import time
from dataclasses import asdict, dataclass

from pad_ray.engines import versions
from pad_ray.engines.config import EngineConfig
from pad_ray.engines.kinds import fingerprint
from pad_ray.errors import InputError
from pad_ray.paths import Program
from pad_ray.refinement import corpus as corpora
from pad_ray.refinement.collect import AttemptCounts
from pad_ray.refinement.collect import collect as collect_drafts
from pad_ray.refinement.corpus import RefinementCorpus
from pad_ray.refinement.histogram import mix_from, side_by_side
from pad_ray.refinement.inject import GIVEN_UP, NO_MUTATION
from pad_ray.refinement.pipeline import InjectionCounts, inject_dataset
from pad_ray.refinement.programs import store_programs
from pad_ray.run import ledger, metrics
from pad_ray.run.ledger import StageEntry, VerdictCounts
from pad_ray.run.records import TRAINED_ROLES, RefinementSummary, StudentRole
from pad_ray.schema import Outcome, PathKind, Question, from_table
from pad_ray.stages.base import Run, seconds_so_far
from pad_ray.stages.comparisons import compare_students
from pad_ray.stages.solutions import evaluate_student
from pad_ray.stages.student import training_entry, training_summary
from pad_ray.synthesis.plan import Plan
from pad_ray.synthesis.questions import TEST
from pad_ray.training.train import TrainingRun, Watch, train


@dataclass(frozen=True)
class RefinementInputs:
    """The inputs of refinement: the engine that serves the student, the plan of its drafts, and the test questions by task.

    The student was measured on the same test questions.
    """

    student: EngineConfig
    plan: Plan
    test: dict[str, list[Question]]


def read_refinement_inputs(run: Run) -> RefinementInputs:
    """Find the run's student and plan its drafts. Writes nothing.

    Raises:
        InputError: the run is remote or has no trained student, or the engine or its model is not usable.
    """
    recipe, folder = run.recipe, run.folder
    folder.demand_local("refinement")
    if not any(entry.stage == "training" for entry in ledger.entries(folder)):
        raise InputError(f"{folder.location} has no trained student: run jobs/distill.py on it with this recipe first")
    student = recipe.evaluation.engine.serving(str(folder.local_path(StudentRole.AFTER.folder)))
    versions.check(student)
    wanted = recipe.refinement
    sampling = {"samples": wanted.samples, "temperature": wanted.temperature, "top_p": wanted.top_p}
    limits = {"paths": [PathKind.PROGRAM], "max_tokens": recipe.evaluation.max_tokens}
    config = recipe.synthesis.model_copy(update={**sampling, **limits})
    tests = {part.rpartition("/")[2].removesuffix(".parquet"): part for part in folder.parts(TEST)}
    questions = {task: from_table(Question, folder.read_part(part)) for task, part in tests.items()}
    return RefinementInputs(student, Plan((Program(),), fingerprint(student), config, recipe.seed), questions)


def collect(run: Run, inputs: RefinementInputs) -> AttemptCounts:
    """Let the student answer train questions, and store its errors."""
    started, recipe = time.monotonic(), run.recipe
    store_programs(run.folder)
    collected = collect_drafts(run.folder, inputs.plan, inputs.student, recipe.refinement, recipe.sandbox, run.progress)
    stage = "refinement.collect"
    seconds = seconds_so_far(run, stage) + time.monotonic() - started
    protections = asdict(collected.protections) if collected.protections else None
    verdicts = VerdictCounts(collected.outcomes, collected.faults)
    entry = StageEntry.of_verdicts(stage, "drafts", collected.planned, verdicts, seconds, protections)
    ledger.record(run.folder, entry)
    return collected


def inject(run: Run, collected: AttemptCounts) -> InjectionCounts:
    """Inject errors into the corpus' programs in the proportions of the student's own errors, and record both histograms."""
    started, config = time.monotonic(), run.recipe.refinement
    mix = mix_from(collected.errors, config.smoothing)
    with run.progress.wait("refinement.inject: programs to be spoiled and executed"):
        injected = inject_dataset(run.folder, mix, run.recipe.seed, config, run.recipe.sandbox)
    missing = {reason: injected.dropped[reason] for reason in (NO_MUTATION, GIVEN_UP) if injected.dropped[reason]}
    stage = "refinement.inject"
    seconds = seconds_so_far(run, stage) + time.monotonic() - started
    wanted = injected.programs * config.variants_per_program
    entry = StageEntry(
        stage=stage,
        unit="variants",
        rows_in=wanted,
        rows_out=injected.rows,
        rejected={**missing, **injected.left_out},
        seconds=seconds,
    )
    ledger.record(run.folder, entry)
    compared = side_by_side(collected.errors, {Outcome(name): count for name, count in injected.outcomes.items()})
    summary = RefinementSummary(
        drafts=collected.planned,
        outcomes={outcome.value: count for outcome, count in collected.outcomes.items()},
        on_policy_rows=collected.rows,
        on_policy_left_out=collected.left_out,
        mix={outcome.value: share for outcome, share in mix.items()},
        injected=vars(injected),
        shares=list(compared.shares),
        total_variation=compared.total_variation,
        student_failures=compared.student_failures,
        injected_variants=compared.injected_variants,
    )
    metrics.update(run.folder, refinement=summary)
    return injected


def build_corpus(run: Run) -> RefinementCorpus:
    """Mix repair rows with the rows that the student was first trained on."""
    started = time.monotonic()
    with run.progress.wait("refinement.corpus: repair rows"):
        corpus = corpora.build(run.folder, run.recipe.refinement)
    left_out = {reason: count for reason, count in corpus.left_out.items() if count}
    rows = corpus.rows.total()
    seconds = time.monotonic() - started
    entry = StageEntry(
        stage="refinement.corpus",
        unit="rows",
        rows_in=rows + sum(left_out.values()),
        rows_out=rows,
        rejected=left_out,
        seconds=seconds,
    )
    ledger.record(run.folder, entry)
    _update(run, {"rows": corpus.rows, "hash": corpus.hash})
    return corpus


def train_refined(run: Run, corpus: RefinementCorpus, watch: Watch | None = None) -> None:
    """Continue training the student on the corpus with repair rows."""
    recipe = run.recipe
    own = {name: getattr(recipe.refinement, name) for name in ("epochs", "learning_rate", "max_tokens")}
    given = {name: value for name, value in own.items() if value is not None}
    config = recipe.training.model_copy(
        update={**given, "student": str(run.folder.local_path(StudentRole.AFTER.folder))}
    )
    training = TrainingRun(
        run.folder,
        corpora.FOLDERS,
        corpus.hash,
        config,
        recipe.seed,
        into=StudentRole.REFINED.folder,
        stage="refinement.training",
        sandbox=recipe.sandbox,
    )
    trained = train(training, run.progress, watch)
    ledger.record(run.folder, training_entry("refinement.training", corpus.train_rows, trained))
    _update(run, {"training": training_summary(trained)})


def measure_refined(run: Run, inputs: RefinementInputs) -> None:
    """Measure the student and the refined student without demonstrations on the same test questions."""
    for student in TRAINED_ROLES:
        evaluate_student(run, student, inputs.test)
    compare_students(run, inputs.test, StudentRole.AFTER, StudentRole.REFINED)


def _update(run: Run, values: dict[str, object]) -> None:
    earlier = metrics.read(run.folder).refinement or RefinementSummary()
    metrics.update(run.folder, refinement=earlier.model_copy(update=values))
