"""`--dry-run`: show what a run would do without doing it."""

import os

import pyarrow.compute as pc
import yaml

from pad_ray import evaluating, metrics, refining
from pad_ray.job import start_ray
from pad_ray.models import resolve
from pad_ray.paths.base import Message
from pad_ray.recipe import Recipe
from pad_ray.sandbox.launcher import find_bwrap
from pad_ray.sandbox.protections import NO_BUBBLEWRAP
from pad_ray.schema import Question
from pad_ray.sizing import lines, sizes
from pad_ray.stages import Run, check_student, read_inputs, read_tests, stored_corpus
from pad_ray.synthesis.corpus import TRAIN
from pad_ray.synthesis.questions import TRAIN as QUESTIONS

# A rough average, good enough to size a run.
CHARACTERS_PER_TOKEN = 4


def preview(run: Run) -> None:
    """Print the resolved recipe, the first prompts, estimates of rows and tokens, and the resources that are missing."""
    recipe, say = run.recipe, run.progress.say
    say_recipe(run)
    inputs = read_inputs(recipe)
    questions, first = 0, None
    for question in inputs.train:
        first = first or list(inputs.plan.drafts(question))
        questions += 1
    for draft in (first or [])[:: recipe.synthesis.samples]:
        say(f"first {draft.path.value} prompt:\n{shown(draft.request.prompt)}")
    drafts = questions * inputs.plan.drafts_per_question
    prompts = drafts * sum(len(shown(draft.request.prompt)) for draft in first or []) // CHARACTERS_PER_TOKEN
    tests = sum(map(len, inputs.test.values()))
    say(f"teacher: {inputs.plan.engine}, {sum(len(path.sets) for path in inputs.plan.paths)} sets of demonstrations")
    say(
        f"estimate: {questions} questions, {drafts} drafts, about {prompts // max(1, len(first or []))} prompt tokens, "
        f"at most {drafts * recipe.synthesis.max_tokens} completion tokens; {tests} test questions, twice"
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
    say(f"student: {student.name}@{student.revision}; {rows} rows to train on, {corpus.validation_rows} to validate")
    say(
        f"estimate: at most {min(steps, config.max_steps or steps)} steps of {config.rows_per_step} rows, about "
        f"{characters // CHARACTERS_PER_TOKEN} tokens an epoch"
    )
    say_lacking(run, recipe, resources_at_hand(), "training")


def preview_refinement(run: Run) -> None:
    """Print the resolved recipe, the student's first prompt, estimates of rows, and the resources that are missing."""
    config, say = run.recipe.refinement, run.progress.say
    say_recipe(run)
    inputs = refining.read_inputs(run)
    first: Question = next(run.folder.iter_records(QUESTIONS, Question))
    say(f"first prompt:\n{shown(inputs.plan.paths[0].prompt(first))}")
    stored = sum(run.folder.row_count(part) for part in run.folder.parts(QUESTIONS))
    count = min(stored, config.questions or stored)
    corpus = metrics.read(run.folder)["corpus"]
    programs = corpus["train_rows"] + corpus["validation_rows"]
    say(f"student: {inputs.plan.engine}")
    say(
        f"estimate: {count} questions, {count * config.samples} drafts of the student; at most {programs} programs and "
        f"{programs * config.variants_per_program} variants; repair rows: {config.repair_share:.0%} of the rows; "
        f"{sum(map(len, inputs.test.values()))} test questions"
    )
    say_lacking(run, run.recipe.model_copy(update={"teacher": inputs.student}), resources_at_hand())


def preview_evaluation(run: Run) -> None:
    """Print the resolved recipe, the student, strategies and tests to measure, and the resources that are missing."""
    recipe, say = run.recipe, run.progress.say
    say_recipe(run)
    tests = read_tests(recipe)
    student, model = evaluating.student_to_measure(run)
    strategies = evaluating.strategies_of(run)
    say(f"{student}: {model}")
    say(f"strategies: {', '.join(strategy.label for strategy in strategies)}")
    for task, questions in tests.items():
        say(f"{task}: {len(questions)} test questions")
    say_lacking(run, recipe, resources_at_hand(), "evaluation")


def shown(prompt: str | tuple[Message, ...]) -> str:
    """A prompt as readable text."""
    return prompt if isinstance(prompt, str) else "\n".join(f"[{turn.role}] {turn.content}" for turn in prompt)


def resources_at_hand() -> dict[str, float]:
    """CPUs and GPUs of the cluster that RAY_ADDRESS names; without it, of a running Ray or the CPUs of this machine."""
    import ray

    if os.environ.get("RAY_ADDRESS"):
        start_ray()
    resources: dict[str, float] = (
        ray.cluster_resources() if ray.is_initialized() else {"CPU": float(os.cpu_count() or 1)}
    )
    return resources


def say_recipe(run: Run) -> None:
    """Print the resolved recipe."""
    run.progress.say(yaml.safe_dump(run.recipe.model_dump(mode="json"), sort_keys=False))


def say_lacking(run: Run, recipe: Recipe, resources: dict[str, float], stage: str = "") -> None:
    """Print the resources that a recipe needs beyond `resources`, for all stages or for one."""
    for lack in lacking(recipe, resources):
        if lack.startswith(stage):
            run.progress.say(f"lacking: {lack}")


def lacking(recipe: Recipe, resources: dict[str, float]) -> list[str]:
    """The resources that this recipe needs beyond `resources`, one sentence each; empty if it can run."""
    wanted = {
        "synthesis": (recipe.teacher.actors or 1) * recipe.teacher.cpus
        + (recipe.synthesis.verifiers or 1) * recipe.synthesis.verifier_cpus,
        "training": recipe.training.worker_count(int(resources.get("GPU", 0))) * recipe.training.cpus_per_worker,
        "evaluation": (recipe.evaluation.engine.actors or 1) * recipe.evaluation.engine.cpus,
    }
    lacks = [
        f"{stage} needs {cpus:g} CPUs, {resources.get('CPU', 0):g} available"
        for stage, cpus in wanted.items()
        if cpus > resources.get("CPU", 0)
    ]
    if recipe.teacher.tensor_parallel > max(1.0, resources.get("GPU", 0)):
        lacks.append(f"the teacher needs {recipe.teacher.tensor_parallel} GPUs, {resources.get('GPU', 0):g} available")
    if find_bwrap() is None:
        lacks.append(NO_BUBBLEWRAP)
    return lacks
