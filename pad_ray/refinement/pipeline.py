"""Error injection at any scale: a pool of Ray actors, each with a sandbox, processes slices of stored programs.

A slice is the unit of work. Its parts are named by a hash of its programs, the settings and the judging rules, and the part of
rows is written last. So a finished slice is not repeated, and a slice that Ray runs twice replaces its own parts.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa
import ray.data

from pad_ray.errors import StageError
from pad_ray.refinement.config import RefinementConfig
from pad_ray.refinement.inject import CorrectProgram, Variant, inject
from pad_ray.refinement.rows import injected_rows
from pad_ray.run.folder import RunDir
from pad_ray.run.workers import actor_count, add_counts, rows
from pad_ray.sandbox import Sandbox, SandboxConfig
from pad_ray.sandbox.judgement import rules_of
from pad_ray.schema import AnswerKind, CorpusRow, Outcome, arrow_schema, content_id, to_table

CORRECT = "refinement/correct"
VARIANTS = "refinement/variants"
ROWS = "refinement/rows"
SLICE_PROGRAMS = 512
TALLY = b"pad_ray.injected"
VARIANT_SCHEMA = pa.schema(
    [
        pa.field(name, pa.string(), nullable=False)
        for name in ("question_id", "draft_id", "program", "mutation", "aim", "outcome", "feedback")
    ]
)


@dataclass
class InjectionCounts:
    """Counts of an injection. `outcomes` counts variants by real outcome; `dropped` proposals and `left_out` rows by reason."""

    programs: int = 0
    variants: int = 0
    rows: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    mutations: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)


def write_correct(run: RunDir, name: str, programs: Sequence[CorrectProgram]) -> None:
    """Store programs as the Parquet part `name`, which `inject_dataset` reads."""
    run.write_table(name, pa.Table.from_pylist([asdict(one) for one in programs], schema=arrow_schema(CorrectProgram)))


def inject_dataset(
    run: RunDir, mix: Mapping[Outcome, float], seed: int, config: RefinementConfig, sandbox: SandboxConfig
) -> InjectionCounts:
    """Generate variants and repair rows of every program in `CORRECT`, as parts in `VARIANTS` and `ROWS`.

    The result does not depend on the number of actors. Parts of other programs or settings are removed. Ray must be running.

    Raises:
        StageError: an actor failed permanently, or the store failed; committed work is kept, and the same call continues.
    """
    work = list(_slices(run))
    if not work:
        raise StageError(f"refinement: {run.path(CORRECT)} holds no programs for error injection")
    actors = actor_count(config.actors, config.actor_cpus)
    dataset = ray.data.from_arrow([pa.Table.from_pylist([one]) for one in work]).map_batches(
        _Inject,
        fn_constructor_args=(run.location, dict(mix), seed, config, sandbox),
        batch_size=None,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=min(actors, len(work))),
        num_cpus=config.actor_cpus,
        max_restarts=-1,
        max_task_retries=-1,
    )
    injected, names = InjectionCounts(), set()
    for row in rows(dataset, "refinement"):
        add_counts(injected, json.loads(row["tally"]))
        names.add(row["name"])
    _remove_others(run, names)
    return injected


def _slices(run: RunDir) -> Iterator[dict[str, Any]]:
    for part in run.parts(CORRECT):
        for start in range(0, run.row_count(part), SLICE_PROGRAMS):
            yield {"part": part, "start": start}


def _remove_others(run: RunDir, names: set[str]) -> None:
    for folder in (ROWS, VARIANTS):
        for part in run.parts(folder):
            if part.removeprefix(f"{folder}/") not in names:
                run.filesystem.delete_file(run.path(part))


class _Inject:
    """The actor that owns a sandbox, turns a slice of programs into variants and rows, and commits them."""

    def __init__(
        self,
        location: str,
        mix: dict[Outcome, float],
        seed: int,
        config: RefinementConfig,
        sandbox: SandboxConfig,
    ) -> None:
        self.run = RunDir(location)
        self.mix, self.seed, self.config = mix, seed, config
        self.rules = rules_of(sandbox)
        self.sandbox = Sandbox(sandbox)

    def __call__(self, batch: pa.Table) -> pa.Table:
        results = [self._slice(row["part"], row["start"]) for row in batch.to_pylist()]
        return pa.Table.from_pylist([{"name": name, "tally": tally} for name, tally in results])

    def _slice(self, part: str, start: int) -> tuple[str, str]:
        """The name of a slice's parts, and its counts as JSON, which come from the part of rows if it exists."""
        programs = self.run.read_part(part).slice(start, SLICE_PROGRAMS).to_pylist()
        settings = [sorted(self.mix.items()), self.seed, self.config.variants_per_program, self.rules]
        key = content_id("inject", programs, settings, self.config.max_source_characters)
        name = f"part-{key}.parquet"
        if self.run.exists(f"{ROWS}/{name}"):
            table = self.run.read_part(f"{ROWS}/{name}", ["row_id"])
            return name, table.schema.metadata[TALLY].decode()
        corrects = [CorrectProgram(**{**row, "answer_kind": AnswerKind(row["answer_kind"])}) for row in programs]
        return name, self._make(name, corrects)

    def _make(self, name: str, corrects: Sequence[CorrectProgram]) -> str:
        dropped = Counter[str]()
        variants = inject(corrects, self.config.variants_per_program, self.mix, self.seed, self.sandbox, dropped)
        repair = injected_rows(variants, self.config.max_source_characters)
        injected = InjectionCounts(
            programs=len(corrects),
            variants=len(variants),
            rows=len(repair.rows),
            outcomes=Counter(variant.outcome.value for variant in variants),
            mutations=Counter(variant.mutation for variant in variants),
            dropped=dropped,
            left_out=repair.left_out,
        )
        tally = json.dumps(vars(injected))
        self.run.write_table(f"{VARIANTS}/{name}", _variant_table(variants))
        table = to_table(CorpusRow, repair.rows)
        self.run.write_table(f"{ROWS}/{name}", table.replace_schema_metadata({**table.schema.metadata, TALLY: tally}))
        return tally


def _variant_table(variants: Sequence[Variant]) -> pa.Table:
    """Variants with the ids of their original programs."""
    rows = [
        {name: getattr(one if hasattr(one, name) else one.correct, name) for name in VARIANT_SCHEMA.names}
        for one in variants
    ]
    return pa.Table.from_pylist(rows, schema=VARIANT_SCHEMA)
