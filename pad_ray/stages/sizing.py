"""How long a run takes and how much it stores, before it starts: arithmetic over figures that are measured or assumed.

Measured ones are in tests/benchmarks/RESULTS.md. Rates of engines and of training depend on model and device: they are
assumed, marked so where they are shown, and a recipe that knows better sets them.
"""

import math
from dataclasses import dataclass

from pad_ray.engines.config import EngineConfig
from pad_ray.models.catalog import CATALOG
from pad_ray.recipe import Recipe
from pad_ray.schema import PathKind

# Measured: "a million programs", two cores with everything that verification does besides executing.
PROGRAMS_PER_S_PER_CORE = 470.0
# Measured: "what a draft weighs". Parquet, zstd, of drafts, verdicts and corpus; a block is a part of each of the first two.
DRAFT_BYTES, BLOCK_BYTES, ROW_BYTES = 255, 7200, 350
PARTS_PER_BLOCK = 2
# Measured on the demo: the last and the best checkpoint, each with optimiser state, and the student in bfloat16.
STUDENT_BYTES_PER_PARAMETER = 2 * 15 + 2
# A word problem is about 60 tokens; a training row is a question and its path.
QUESTION_TOKENS = 60
# Assumed, for one engine or training worker: a 7-8 B teacher and a 0.5 B student on one data-centre GPU; on a CPU core the
# small models of the demo.
ASSUMED = {
    "engine_tokens_per_s": {"GPU": 4000.0, "CPU": 100.0},
    "student_tokens_per_s": {"GPU": 10000.0, "CPU": 150.0},
    "training_tokens_per_s": {"GPU": 20000.0, "CPU": 125.0},
}
ASSUMED_PARAMETERS = 1.5e9
HOUR_S = 3600
GIB = 1 << 30


@dataclass(frozen=True)
class Engines:
    """A pool of engines or training workers, `gpus` each, 0 on CPU; `tokens_per_s` of one of them."""

    count: int
    gpus: int
    tokens_per_s: float

    def hours(self, tokens: float) -> float:
        return tokens / (self.count * self.tokens_per_s) / HOUR_S


@dataclass(frozen=True)
class StageSize:
    """Hours of wall time, and of all GPUs that the stage holds together."""

    hours: float
    gpu_hours: float


@dataclass(frozen=True)
class Sizes:
    """What a run costs, without the start of the engines, which takes minutes.

    `verifier_cores` keep up with the teacher; `assumed` names the figures that neither the recipe nor a measurement gives.
    """

    drafts: int
    synthesis: StageSize
    training: StageSize
    evaluation: StageSize
    verifier_cores: int
    verification_limits: bool
    files: int
    table_bytes: float
    student_bytes: float
    assumed: tuple[str, ...]

    @property
    def hours(self) -> float:
        return sum(stage.hours for stage in (self.synthesis, self.training, self.evaluation))

    @property
    def gpu_hours(self) -> float:
        return sum(stage.gpu_hours for stage in (self.synthesis, self.training, self.evaluation))


def sizes(recipe: Recipe, questions: int, tests: int, gpus: int) -> Sizes:
    """Sizes of a whole run over `questions` train and `tests` test questions on a cluster of `gpus` GPUs."""
    config, synthesis = recipe.sizing, recipe.synthesis
    gpus = gpus if config.gpus is None else config.gpus
    drafts = questions * synthesis.samples * len(synthesis.paths)
    teacher = _pool(recipe.teacher, gpus, recipe, "engine")
    student = _pool(recipe.evaluation.engine, gpus, recipe, "student")
    workers = _workers(recipe, gpus)
    blocks = math.ceil(questions / synthesis.block_questions)
    rows = corpus_rows(recipe, questions, drafts)
    generating = teacher.hours(drafts * config.draft_tokens)
    verifying = _verifying_hours(recipe, drafts)
    trained = rows * (1 - recipe.corpus.validation_share) * recipe.training.epochs
    training = workers.hours(trained * (QUESTION_TOKENS + config.draft_tokens))
    # Every test question is asked before and after training.
    evaluating = student.hours(2 * tests * config.draft_tokens)
    return Sizes(
        drafts=drafts,
        synthesis=_stage(max(generating, verifying), teacher),
        training=_stage(training, workers),
        evaluation=_stage(evaluating, student),
        verifier_cores=verifier_cores(teacher, config.draft_tokens, _program_share(recipe)),
        verification_limits=verifying > generating,
        files=PARTS_PER_BLOCK * blocks,
        table_bytes=drafts * DRAFT_BYTES + blocks * BLOCK_BYTES + rows * ROW_BYTES,
        student_bytes=student_parameters(recipe) * STUDENT_BYTES_PER_PARAMETER,
        assumed=_assumed(recipe),
    )


def verifier_cores(teacher: Engines, draft_tokens: float, program_share: float) -> int:
    """CPU cores with which verification keeps up with engines that write `program_share` of their drafts as programs."""
    programs_per_s = teacher.count * teacher.tokens_per_s / draft_tokens * program_share
    return max(1, math.ceil(programs_per_s / PROGRAMS_PER_S_PER_CORE))


def corpus_rows(recipe: Recipe, questions: int, drafts: int) -> int:
    """Rows of the corpus: accepted drafts, up to as many as are kept of a question and kind."""
    kept = questions * recipe.corpus.max_per_question * len(recipe.synthesis.paths)
    return min(kept, round(drafts * recipe.sizing.accepted_share))


def student_parameters(recipe: Recipe) -> float:
    """What the recipe says, or the parameters of a known model, or an assumption."""
    known = {model.name: float(model.parameters) for model in CATALOG}
    return recipe.sizing.student_parameters or known.get(recipe.training.student, ASSUMED_PARAMETERS)


def lines(found: Sizes) -> list[str]:
    """The sizes in words, for `--dry-run`."""
    stages = {"synthesis": found.synthesis, "training": found.training, "evaluation": found.evaluation}
    each = ", ".join(f"{name} {stage.hours:.3g} h" for name, stage in stages.items())
    slow = "; the sandboxes asked for are slower than the teacher" if found.verification_limits else ""
    return [
        f"time: {found.hours:.3g} h ({each}), {found.gpu_hours:.3g} GPU-hours",
        f"CPU cores for sandboxes: {found.verifier_cores}, to execute programs as fast as they are written{slow}",
        f"storage: tables {found.table_bytes / GIB:.3g} GiB in {found.files} files, "
        f"student and checkpoints {found.student_bytes / GIB:.3g} GiB",
        f"assumed, not measured: {', '.join(found.assumed) or 'nothing'}; see --help sizing",
    ]


def cells(found: Sizes) -> tuple[str, ...]:
    """The sizes as cells of a table: drafts, hours of each stage, GPU-hours, cores, storage, files."""
    hours = (f"{stage.hours:.2g}" for stage in (found.synthesis, found.training, found.evaluation))
    storage = f"{(found.table_bytes + found.student_bytes) / GIB:,.0f} GiB"
    return (
        f"{found.drafts:,}",
        *hours,
        f"{found.gpu_hours:,.1f}",
        f"{found.verifier_cores}",
        storage,
        f"{found.files:,}",
    )


def _stage(hours: float, engines: Engines) -> StageSize:
    return StageSize(hours, hours * engines.count * engines.gpus)


def _pool(engine: EngineConfig, gpus: int, recipe: Recipe, rate: str) -> Engines:
    on_gpu = engine.uses_gpu(gpus)
    each = engine.tensor_parallel if on_gpu else 0
    return Engines(engine.engine_count(gpus), each, _rate(recipe, f"{rate}_tokens_per_s", on_gpu))


def _workers(recipe: Recipe, gpus: int) -> Engines:
    return Engines(
        recipe.training.worker_count(gpus), 1 if gpus else 0, _rate(recipe, "training_tokens_per_s", bool(gpus))
    )


def _rate(recipe: Recipe, name: str, on_gpu: bool) -> float:
    given: float | None = getattr(recipe.sizing, name)
    return given or ASSUMED[name]["GPU" if on_gpu else "CPU"]


def _program_share(recipe: Recipe) -> float:
    paths = recipe.synthesis.paths
    return paths.count(PathKind.PROGRAM) / len(paths)


def _verifying_hours(recipe: Recipe, drafts: int) -> float:
    """Hours in which the sandboxes that the recipe asks for execute its programs; 0 where it leaves their number open."""
    if recipe.synthesis.verifiers is None:
        return 0.0
    cores = recipe.synthesis.verifiers * recipe.synthesis.verifier_cpus
    return drafts * _program_share(recipe) / (cores * PROGRAMS_PER_S_PER_CORE) / HOUR_S


def _assumed(recipe: Recipe) -> tuple[str, ...]:
    """Fields of `sizing` that the recipe leaves to their defaults and that no catalog knows."""
    unset = [name for name in ("draft_tokens", "accepted_share") if name not in recipe.sizing.model_fields_set]
    unset += [name for name in ASSUMED if getattr(recipe.sizing, name) is None]
    known = recipe.training.student in {model.name for model in CATALOG}
    return tuple(unset if known or recipe.sizing.student_parameters else [*unset, "student_parameters"])
