"""The stages of runs, and the lists of them that jobs and campaigns run."""

from collections.abc import Callable
from typing import Any

from pad_ray.engines.kinds import fingerprint
from pad_ray.models import resolve
from pad_ray.recipe import Recipe
from pad_ray.refinement.collect import ATTEMPTS as ATTEMPTED
from pad_ray.refinement.collect import FAILURES, AttemptCounts
from pad_ray.refinement.pipeline import CORRECT, ROWS
from pad_ray.run.records import StudentRole
from pad_ray.sandbox.judgement import rules_of
from pad_ray.schema import Outcome, content_id
from pad_ray.stages import refinement
from pad_ray.stages.comparisons import compare_students
from pad_ray.stages.corpus import build_corpus, stored_corpus
from pad_ray.stages.drafts import make_drafts
from pad_ray.stages.graph import Context, Stage, StageResult
from pad_ray.stages.questions import store_questions
from pad_ray.stages.solutions import evaluate_student
from pad_ray.stages.student import train_student
from pad_ray.tasks import get_task
from pad_ray.training.config import MEANS
from pad_ray.training.model_card import TRAINED
from pad_ray.training.tokens import TOKENS
from pad_ray.training.train import CHECKPOINTS

QUESTIONS, DRAFTS, VERDICTS, FAULTS, CORPUS = "questions", "drafts", "verdicts", "faults", "corpus"
STUDENT = StudentRole.AFTER.folder


def _drafts(context: Context) -> StageResult:
    inputs = context.inputs
    store_questions(context.run, inputs)
    tally = make_drafts(context.run, inputs.plan)
    return StageResult(tally.made + tally.judged_again > 0)


def _corpus(context: Context) -> StageResult:
    build_corpus(context.run, context.inputs)
    return StageResult()


def _student(context: Context) -> StageResult:
    run = context.run
    before = run.folder.read_json(f"{STUDENT}/{TRAINED}", {}).get("key")
    trained = train_student(run, stored_corpus(run), context.watch)
    return StageResult(trained.key != before)


def _attempts(context: Context) -> StageResult:
    collected = refinement.collect(context.run, refinement.read_refinement_inputs(context.run))
    counted = {name: value for name, value in vars(collected).items() if name != "protections"}
    return StageResult(facts={"collected": counted})


def _injected(context: Context) -> StageResult:
    counted = dict(context.facts["collected"])
    outcomes = {Outcome(name): count for name, count in counted.pop("outcomes").items()}
    collected = AttemptCounts(**counted, protections=None)
    collected.outcomes.update(outcomes)
    refinement.inject(context.run, collected)
    return StageResult()


def _refined(context: Context) -> StageResult:
    refinement.train_refined(context.run, refinement.build_corpus(context.run), context.watch)
    return StageResult()


def _effect(context: Context) -> StageResult:
    refinement.measure_refined(context.run, refinement.read_refinement_inputs(context.run))
    return StageResult()


def _evaluation(student: StudentRole) -> Stage:
    """The stage that lets a student of the run answer the test questions."""

    def work(context: Context) -> StageResult:
        evaluate_student(context.run, student, context.inputs.test)
        return StageResult()

    return Stage(f"evaluation.{student}", work)


def _comparison(context: Context) -> StageResult:
    compare_students(context.run, context.inputs.test)
    return StageResult()


def _sections(*names: str) -> Callable[[Recipe], object]:
    return lambda recipe: [_plain(getattr(recipe, name)) for name in names]


def _plain(section: Any) -> object:
    return section.model_dump(mode="json") if hasattr(section, "model_dump") else section


def _draft_settings(recipe: Recipe) -> object:
    # Drafts depend on the teacher's weights, which may change in a folder of the same name, but not on its machines.
    teacher_settings = recipe.teacher.model_dump(mode="json", include={"kind", "model", "script", "base_url"})
    judged = [rules_of(recipe.sandbox), _golds(recipe)]
    return [teacher_settings, fingerprint(recipe.teacher), judged, _sections("questions", "seed", "synthesis")(recipe)]


def _golds(recipe: Recipe) -> str:
    """A hash of the gold answers of a published split, which may be corrected; generated ones depend only on the seed."""
    source = recipe.questions
    task = get_task(source.task)
    if source.split not in task.published:
        return ""
    questions = task.stream(source.split, recipe.data_dir, source.limit, recipe.seed)
    return content_id([(question.question_id, question.gold) for question in questions])


def _training(recipe: Recipe) -> object:
    return [recipe.training.model_dump(mode="json", exclude=MEANS), resolve(recipe.training.student).revision]


def _refinement(*fields: str) -> Callable[[Recipe], object]:
    return lambda recipe: recipe.refinement.model_dump(mode="json", include=set(fields))


def _attempt_settings(recipe: Recipe) -> object:
    fields = _refinement("questions", "samples", "temperature", "top_p", "max_source_characters")
    return [
        fields(recipe),
        recipe.evaluation.max_tokens,
        recipe.evaluation.engine.kind,
        recipe.evaluation.engine.script,
    ]


_REFINED = ("repair_share", "on_policy_share", "epochs", "learning_rate", "max_tokens")

MAKE_DRAFTS = Stage("drafts", _drafts, _draft_settings, adopts=(DRAFTS, VERDICTS, FAULTS))
BUILD_CORPUS = Stage("corpus", _corpus, _sections("corpus"), (QUESTIONS, DRAFTS, VERDICTS, FAULTS))
TRAIN_STUDENT = Stage(
    "student",
    _student,
    _training,
    reads=(QUESTIONS, CORPUS, VERDICTS, TOKENS),
    adopts=(STUDENT,),
    scratch=(CHECKPOINTS,),
)
COLLECT_ATTEMPTS = Stage("attempts", _attempts, _attempt_settings, (QUESTIONS, VERDICTS, CORPUS, STUDENT))
INJECT_ERRORS = Stage(
    "injected", _injected, _refinement("smoothing", "variants_per_program", "max_source_characters"), (CORRECT,)
)
TRAIN_REFINED = Stage(
    "refined",
    _refined,
    _refinement(*_REFINED),
    reads=(QUESTIONS, VERDICTS, CORPUS, STUDENT, CORRECT, ATTEMPTED, FAILURES, ROWS, TOKENS),
    scratch=(CHECKPOINTS,),
)

SYNTHESIS = (MAKE_DRAFTS, BUILD_CORPUS)
DISTILLATION = (
    *SYNTHESIS,
    _evaluation(StudentRole.BEFORE),
    TRAIN_STUDENT,
    _evaluation(StudentRole.AFTER),
    Stage("comparison", _comparison),
)
REFINEMENT = (COLLECT_ATTEMPTS, INJECT_ERRORS, TRAIN_REFINED, Stage("effect", _effect))
TO_STUDENT = (*SYNTHESIS, TRAIN_STUDENT)
"""The stages that a trial of a training campaign shares with others."""
TO_REFINED = (*TO_STUDENT, COLLECT_ATTEMPTS, INJECT_ERRORS, TRAIN_REFINED)
"""The stages that a trial of a refinement campaign shares with others."""
