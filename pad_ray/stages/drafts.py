"""The drafts of a run: the teacher's prompts, and the generation and judging of its drafts."""

from dataclasses import asdict

from pad_ray.paths import PATHS, ReasoningPath
from pad_ray.paths.demonstrations import load_sets
from pad_ray.recipe import Recipe
from pad_ray.run import metrics
from pad_ray.run.records import SandboxSummary, Yield
from pad_ray.stages.base import Run
from pad_ray.synthesis.pipeline import SynthesisCall, SynthesisTally, synthesize
from pad_ray.synthesis.plan import Plan


def teacher_paths(recipe: Recipe) -> tuple[ReasoningPath, ...]:
    """The paths that prompt the teacher, with their demonstrations."""
    config = recipe.synthesis
    sets = {kind: load_sets(recipe.questions.task, kind, recipe.data_dir) for kind in config.paths}
    return tuple(PATHS[kind](sets[kind][: config.demonstration_sets], config.chat) for kind in config.paths)


def make_drafts(run: Run, plan: Plan) -> SynthesisTally:
    """Generate, judge and commit the missing drafts."""
    recipe = run.recipe
    call = SynthesisCall(run.folder, plan, recipe.teacher, recipe.sandbox, recipe.synthesis, run.progress)
    tally = synthesize(call)
    before = metrics.read(run.folder).synthesis or Yield(drafts=0)
    if tally.protections is not None:
        metrics.update(run.folder, sandbox=SandboxSummary(protections=asdict(tally.protections)))
        if tally.protections.missing:
            run.progress.say(f"sandbox: {tally.protections.missing}")
    spent = {
        "seconds": before.seconds + tally.seconds,
        "device_seconds": before.device_seconds + tally.device_seconds,
    }
    metrics.update(run.folder, synthesis=before.model_copy(update={"drafts": tally.planned, **spent}))
    return tally
