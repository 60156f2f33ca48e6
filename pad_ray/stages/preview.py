"""`--dry-run`: print what a run would do, without starting it."""

import pyarrow.compute as pc
import yaml

from pad_ray.models import resolve
from pad_ray.paths.base import Message
from pad_ray.recipe import Recipe
from pad_ray.run import metrics
from pad_ray.run.records import CorpusSummary
from pad_ray.schema import Question
from pad_ray.stages import refinement
from pad_ray.stages.base import Run
from pad_ray.stages.corpus import stored_corpus
from pad_ray.stages.questions import read_run_inputs, read_tests
from pad_ray.stages.resources import lacking, resources_at_hand
from pad_ray.stages.sizing import lines, sizes
from pad_ray.stages.solutions import strategies_of, student_to_measure
from pad_ray.stages.student import check_student
from pad_ray.synthesis.corpus import TRAIN
from pad_ray.synthesis.questions import TRAIN as QUESTIONS
from pad_ray.words import counted

# A rough average, good enough to size a run.
CHARACTERS_PER_TOKEN = 4


def preview(run: Run) -> None:
    """Print the resolved recipe, the first prompts, estimates of rows and tokens, and the resources that are missing."""
    recipe, say = run.recipe, run.progress.say
    say_recipe(run)
    inputs = read_run_inputs(recipe)
    questions, first = 0, None
    for question in inputs.train:
        first = first or list(inputs.plan.drafts(question))
        questions += 1
    for draft in (first or [])[:: recipe.synthesis.samples]:
        say(f"first {draft.path.value} prompt:\n{shown(draft.request.prompt)}")
    drafts = questions * inputs.plan.drafts_per_question
    prompts = drafts * sum(len(shown(draft.request.prompt)) for draft in first or []) // CHARACTERS_PER_TOKEN
    tests = sum(map(len, inputs.test.values()))
    sets = sum(len(path.sets) for path in inputs.plan.paths)
    say(f"teacher: {inputs.plan.engine}, {counted(sets, 'set')} of demonstrations")
    say(
        f"estimate: {counted(questions, 'question')}, {counted(drafts, 'draft')}, "
        f"about {prompts // max(1, len(first or []))} prompt tokens, "
        f"at most {drafts * recipe.synthesis.max_tokens} completion tokens; {counted(tests, 'test question')}, twice"
    )
    resources = resources_at_hand()
    for line in lines(sizes(recipe, questions, tests, int(resources.get("GPU", 0)))):
        say(line)
    say_lacking(run, recipe, resources)


def preview_distillation(run: Run) -> None:
    """`preview` of a run that also trains a student, and so needs a local run folder."""
    run.folder.demand_local("a student")
    preview(run)


def preview_training(run: Run) -> None:
    """Print the resolved recipe, the size of the corpus, estimates of steps and tokens, and the resources that are missing."""
    recipe, config, say = run.recipe, run.recipe.training, run.progress.say
    run.folder.demand_local("a student")
    say_recipe(run)
    check_student(recipe)
    corpus = stored_corpus(run)
    student = resolve(config.student)
    rows, characters = 0, 0
    for part in run.folder.parts(TRAIN):
        table = run.folder.read_part(part, ["source", "target"])
        rows += len(table)
        characters += sum(pc.sum(pc.utf8_length(table[name])).as_py() or 0 for name in ("source", "target"))
    steps = config.epochs * -(-rows // config.rows_per_step)
    say(
        f"student: {student.name}@{student.revision}; {counted(rows, 'row')} to train on, {corpus.validation_rows} to validate"
    )
    say(
        f"estimate: at most {counted(min(steps, config.max_steps or steps), 'step')} of "
        f"{counted(config.rows_per_step, 'row')}, about {characters // CHARACTERS_PER_TOKEN} tokens an epoch"
    )
    say_lacking(run, recipe, resources_at_hand(), "training")


def preview_refinement(run: Run) -> None:
    """Print the resolved recipe, the student's first prompt, estimates of rows, and the resources that are missing."""
    config, say = run.recipe.refinement, run.progress.say
    say_recipe(run)
    inputs = refinement.read_refinement_inputs(run)
    first: Question = next(run.folder.iter_records(QUESTIONS, Question))
    say(f"first prompt:\n{shown(inputs.plan.paths[0].prompt(first))}")
    stored = sum(run.folder.row_count(part) for part in run.folder.parts(QUESTIONS))
    count = min(stored, config.questions or stored)
    corpus = metrics.read(run.folder).corpus or CorpusSummary()
    programs = corpus.train_rows + corpus.validation_rows
    say(f"student: {inputs.plan.engine}")
    say(
        f"estimate: {counted(count, 'question')}, {counted(count * config.samples, 'draft')} of the student; "
        f"at most {counted(programs, 'program')} and "
        f"{counted(programs * config.variants_per_program, 'variant')}; repair rows: {config.repair_share:.0%} of the rows; "
        f"{counted(sum(map(len, inputs.test.values())), 'test question')}"
    )
    say_lacking(run, run.recipe.model_copy(update={"teacher": inputs.student}), resources_at_hand())


def preview_evaluation(run: Run) -> None:
    """Print the resolved recipe, the student, strategies and tests to measure, and the resources that are missing."""
    recipe, say = run.recipe, run.progress.say
    say_recipe(run)
    tests = read_tests(recipe)
    student, model = student_to_measure(run)
    strategies = strategies_of(run)
    say(f"{student}: {model}")
    say(f"strategies: {', '.join(strategy.label for strategy in strategies)}")
    for task, questions in tests.items():
        say(f"{task}: {counted(len(questions), 'test question')}")
    say_lacking(run, recipe, resources_at_hand(), "evaluation")


def shown(prompt: str | tuple[Message, ...]) -> str:
    """A prompt as readable text."""
    return prompt if isinstance(prompt, str) else "\n".join(f"[{turn.role}] {turn.content}" for turn in prompt)


def say_recipe(run: Run) -> None:
    """Print the resolved recipe."""
    run.progress.say(yaml.safe_dump(run.recipe.model_dump(mode="json"), sort_keys=False))


def say_lacking(run: Run, recipe: Recipe, resources: dict[str, float], stage: str = "") -> None:
    """Print the resources that a recipe needs beyond `resources`, for all stages or for one."""
    for lack in lacking(recipe, resources):
        if lack.startswith(stage):
            run.progress.say(f"lacking: {lack}")
