"""Estimate the time and storage of a run before it starts, from measured and assumed figures.

Measured figures are in tests/benchmarks/RESULTS.md. Rates of engines and training depend on model and device; they are
assumptions. `--dry-run` marks them as assumed, and a recipe can override them.
"""

import math
from dataclasses import dataclass

from pad_ray.engines.config import EngineConfig
from pad_ray.models.catalog import CATALOG
from pad_ray.recipe import Recipe
from pad_ray.schema import PathKind

# Measured: "a million programs", on two cores, including all other work of verification.
PROGRAMS_PER_S_PER_CORE = 470.0
# Measured: "what a draft weighs". Parquet with zstd of drafts, verdicts and corpus; a block is one part of drafts and one of
# verdicts.
DRAFT_BYTES, BLOCK_BYTES, ROW_BYTES = 255, 7200, 350
PARTS_PER_BLOCK = 2
# Measured on the demo: last and best checkpoint, each with optimiser state, and the student in bfloat16.
STUDENT_BYTES_PER_PARAMETER = 2 * 15 + 2
# Approximate tokens of a word problem; a training row is a question and its path.
QUESTION_TOKENS = 60
# Assumed, per engine or training worker: a 7-8 B teacher and a 0.5 B student on one data-centre GPU; the demo's small models
# on one CPU core.
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
    """A pool of engines or training workers. Each has `gpus` GPUs (0 on CPU) and processes `tokens_per_s`."""

    count: int
    gpus: int
    tokens_per_s: float

    def hours(self, tokens: float) -> float:
        return tokens / (self.count * self.tokens_per_s) / HOUR_S


@dataclass(frozen=True)
class StageSize:
    """Hours of wall time, and GPU-hours of all GPUs that the stage holds."""

    hours: float
    gpu_hours: float


@dataclass(frozen=True)
class Sizes:
    """The cost of a run, without the minutes that engines take to start.

    `verifier_cores` is the number of cores that keep up with the teacher; `assumed` names the figures that are neither set
    in the recipe nor measured.
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
    """Sizes of a whole run with `questions` train and `tests` test questions on a cluster of `gpus` GPUs."""
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
    # Every test question is answered before and after training.
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
    """CPU cores that verification needs to keep up with the engines; `program_share` of the drafts are programs."""
    programs_per_s = teacher.count * teacher.tokens_per_s / draft_tokens * program_share
    return max(1, math.ceil(programs_per_s / PROGRAMS_PER_S_PER_CORE))


def corpus_rows(recipe: Recipe, questions: int, drafts: int) -> int:
    """Rows of the corpus: accepted drafts, limited by `max_per_question` for each question and kind of path."""
    kept = questions * recipe.corpus.max_per_question * len(recipe.synthesis.paths)
    return min(kept, round(drafts * recipe.sizing.accepted_share))


def student_parameters(recipe: Recipe) -> float:
    """The recipe's value, else the parameters of a known model, else an assumption."""
    known = {model.name: float(model.parameters) for model in CATALOG}
    return recipe.sizing.student_parameters or known.get(recipe.training.student, ASSUMED_PARAMETERS)


def lines(size: Sizes) -> list[str]:
    """The lines that `--dry-run` prints."""
    stages = {"synthesis": size.synthesis, "training": size.training, "evaluation": size.evaluation}
    each = ", ".join(f"{name} {stage.hours:.3g} h" for name, stage in stages.items())
    slow = "; the configured verifiers are slower than the teacher" if size.verification_limits else ""
    return [
        f"time: {size.hours:.3g} h ({each}), {size.gpu_hours:.3g} GPU-hours",
        f"CPU cores for sandboxes: {size.verifier_cores}, to execute programs as fast as the teacher writes them{slow}",
        f"storage: tables {size.table_bytes / GIB:.3g} GiB in {size.files} files, "
        f"student and checkpoints {size.student_bytes / GIB:.3g} GiB",
        f"assumed, not measured: {', '.join(size.assumed) or 'nothing'}; see --help sizing",
    ]


def cells(size: Sizes) -> tuple[str, ...]:
    """The sizes as cells of a table: drafts, hours of each stage, GPU-hours, cores, storage, files."""
    hours = (f"{stage.hours:.2g}" for stage in (size.synthesis, size.training, size.evaluation))
    storage = f"{(size.table_bytes + size.student_bytes) / GIB:,.0f} GiB"
    return (
        f"{size.drafts:,}",
        *hours,
        f"{size.gpu_hours:,.1f}",
        f"{size.verifier_cores}",
        storage,
        f"{size.files:,}",
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
    """Hours that the configured number of verifiers takes to execute all programs; 0 if the recipe leaves it open."""
    if recipe.synthesis.verifiers is None:
        return 0.0
    cores = recipe.synthesis.verifiers * recipe.synthesis.verifier_cpus
    return drafts * _program_share(recipe) / (cores * PROGRAMS_PER_S_PER_CORE) / HOUR_S


def _assumed(recipe: Recipe) -> tuple[str, ...]:
    """Fields of `sizing` that are neither set in the recipe nor known from the catalog."""
    unset = [name for name in ("draft_tokens", "accepted_share") if name not in recipe.sizing.model_fields_set]
    unset += [name for name in ASSUMED if getattr(recipe.sizing, name) is None]
    known = recipe.training.student in {model.name for model in CATALOG}
    return tuple(unset if known or recipe.sizing.student_parameters else [*unset, "student_parameters"])
