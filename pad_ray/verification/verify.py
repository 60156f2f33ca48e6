"""Verifies a file of programs with a pool of Ray actors: one verdict per program.

A piece of the file is the unit of work; its actor commits it as one Parquet part, in file order. A part stores the hash of
its piece and of the judging rules. So a killed job continues from the committed parts, and pieces that were changed or
judged by other rules are verified again.
"""

import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Self

import pyarrow as pa
import ray
from pydantic import ValidationError
from ray.exceptions import RayError

from pad_ray.errors import InputError, StageError, reason
from pad_ray.run import meters
from pad_ray.run.folder import RunDir
from pad_ray.run.ledger import first_reasons
from pad_ray.run.progress import Progress
from pad_ray.run.workers import Patience, actor_count, first_done
from pad_ray.sandbox import Candidate, Protections, Sandbox, SandboxConfig, weakest
from pad_ray.sandbox.judgement import judge_each, name_of, named, rules_of
from pad_ray.schema import AnswerKind, Outcome, Verdict, to_table
from pad_ray.verification.config import VerificationConfig
from pad_ray.verification.programs import Piece, ProgramFile

VERDICTS = "verdicts"
ASKED = "verify.json"
PIECE_KEY = b"pad_ray.piece"
# Number of pieces per actor: one in work, one waiting.
PIECES_PER_ACTOR = 2


@dataclass
class PieceCounts:
    """The outcomes of a piece, and the first reason of each kind of fault."""

    outcomes: dict[str, int]
    faults: dict[str, str]

    @classmethod
    def of(cls, table: pa.Table) -> Self:
        """The counts of a table of verdicts."""
        outcomes = table["outcome"].to_pylist()
        return cls(dict(Counter(outcomes)), first_reasons(zip(outcomes, table["feedback"].to_pylist(), strict=True)))


@dataclass
class VerificationResult:
    """The result of a verification. `outcomes` covers every row; `verified` and `seconds` cover only the work of this call.

    `faults` has the first reason of each kind of fault.
    """

    rows: int
    outcomes: Counter[str] = field(default_factory=Counter)
    verified: int = 0
    seconds: float = 0.0
    protections: Protections | None = None
    faults: dict[str, str] = field(default_factory=dict)


def verify_programs(
    run: RunDir, programs: ProgramFile, config: VerificationConfig, sandbox: SandboxConfig, progress: Progress
) -> VerificationResult:
    """Verify every row of `programs` whose verdict is not in `run` yet. Ray must be running.

    Raises:
        InputError: `run` has verdicts of another file or other settings, or a row is unusable.
        StageError: an actor failed permanently; committed work is kept.
    """
    _demand_same(run, programs, config, sandbox)
    started = time.monotonic()
    result = VerificationResult(programs.rows)
    with progress.stage("verify", "programs", programs.rows) as bar:
        results = _results(run, programs, config, sandbox)
        for done_piece, protections in progress.each(results, "verify: sandboxes to start and the next verdicts"):
            result.outcomes.update(done_piece.outcomes)
            result.faults = done_piece.faults | result.faults
            if protections is not None:
                result.verified += sum(done_piece.outcomes.values())
                result.protections = weakest(result.protections, protections)
            verified_rows = result.outcomes.total()
            bar.update(verified_rows, f"{result.outcomes[Outcome.ACCEPTED] / verified_rows:.1%} accepted")
    result.seconds = time.monotonic() - started
    return result


def _demand_same(run: RunDir, programs: ProgramFile, config: VerificationConfig, sandbox: SandboxConfig) -> None:
    """Check that the folder's verdicts come from the same file and settings."""
    settings = {
        "input": programs.location,
        "answer_kind": config.answer_kind.value,
        "part_rows": config.part_rows,
        "sandbox": sandbox.model_dump(mode="json", exclude={"workers"}),
    }
    before = _completed(run.read_json(ASKED, settings))
    changed = [name for name in settings if before.get(name) != settings[name]]
    if changed:
        name = changed[0]
        raise InputError(
            f"output {run.location}: it was made with {name} {before.get(name)!r}, not {settings[name]!r}; "
            "give another --output, or the same options"
        )
    run.write_json(ASKED, settings)


def _completed(before: dict[str, Any]) -> dict[str, Any]:
    """Settings written by an earlier version, completed with the defaults of newer sandbox settings."""
    try:
        sandbox = SandboxConfig.model_validate(before["sandbox"])
    except (KeyError, ValidationError):
        return before
    return {**before, "sandbox": sandbox.model_dump(mode="json", exclude={"workers"})}


def _results(
    run: RunDir, programs: ProgramFile, config: VerificationConfig, sandbox: SandboxConfig
) -> Iterator[tuple[PieceCounts, Protections | None]]:
    """The outcomes of each piece as it finishes, with the protections it ran under; None if it was finished before."""
    finished, rules = set(run.parts(VERDICTS)), rules_of(sandbox)
    idle: deque[Any] = deque()
    working: dict[Any, Any] = {}
    patience = Patience()
    for piece in programs.pieces(config.part_rows):
        name = part_name(piece)
        key = f"{rules}:{piece.key}"
        if name in finished and (counts := _counts(run, name, key)) is not None:
            yield counts, None
            continue
        if not idle and not working:
            idle.extend(_actors(run, config, sandbox) * PIECES_PER_ACTOR)
        if not idle:
            actor, result = _next(working, patience)
            idle.append(actor)
            yield result
        actor = idle.popleft()
        working[actor.verify.remote(name, key, piece.rows, piece.kept)] = actor
    while working:
        yield _next(working, patience)[1]


def _actors(run: RunDir, config: VerificationConfig, sandbox: SandboxConfig) -> list[Any]:
    count = actor_count(config.actors, config.actor_cpus)
    # A dead actor is restarted, on another node if necessary, and its pieces are repeated.
    actor = ray.remote(num_cpus=config.actor_cpus, max_restarts=-1, max_task_retries=-1)(_Verifier)
    return [actor.remote(run.location, sandbox, config.answer_kind) for _ in range(count)]


def _next(working: dict[Any, Any], patience: Patience) -> tuple[Any, tuple[PieceCounts, Protections]]:
    """Wait for a piece and remove it from `working`."""
    result = first_done(list(working), patience)
    actor = working.pop(result)
    try:
        return actor, ray.get(result)
    except (RayError, OSError) as error:
        raise StageError(f"verify: {reason(error)}; the same command continues") from error


def part_name(piece: Piece) -> str:
    """The name of the part with the verdicts of a piece."""
    return f"{VERDICTS}/part-{piece.number:08}.parquet"


def _counts(run: RunDir, name: str, key: str) -> PieceCounts | None:
    """The outcomes in a part, or None if it has another piece or other rules."""
    table = run.read_part(name, ["outcome", "feedback"])
    if (table.schema.metadata or {}).get(PIECE_KEY) != key.encode():
        return None
    return PieceCounts.of(table)


class _Verifier:
    """The actor that owns a sandbox and verifies one piece at a time."""

    def __init__(self, location: str, sandbox: SandboxConfig, answer_kind: AnswerKind) -> None:
        self.run = RunDir(location)
        self.sandbox = Sandbox(sandbox)
        self.rules = rules_of(sandbox)
        self.answer_kind = answer_kind

    def verify(self, name: str, key: str, rows: pa.Table, kept: pa.Table) -> tuple[PieceCounts, Protections]:
        """Judge a piece and commit it; returns its outcomes and the sandbox's protections."""
        candidates = [self._candidate(row) for row in rows.to_pylist()]
        verdicts = judge_each(self.sandbox, candidates)
        names = [self._judged_by(candidate) for candidate in candidates]
        table = to_table(Verdict, [named(verdict, name) for verdict, name in zip(verdicts, names, strict=True)])
        metadata = {**table.schema.metadata, PIECE_KEY: key}
        # The ids are the caller's, so the column has the caller's name.
        table = table.rename_columns({"draft_id": "id"})
        for column in kept.column_names:
            table = table.append_column(kept.schema.field(column), kept[column])
        self.run.write_table(name, table.replace_schema_metadata(metadata))
        meters.count_verdicts(verdicts, "verify")
        return PieceCounts.of(table), self.sandbox.protections

    def _judged_by(self, candidate: Candidate) -> str:
        return name_of(self.rules, "", candidate.gold, candidate.answer_kind, candidate.question_text)

    def _candidate(self, row: dict[str, Any]) -> Candidate:
        # Invalid UTF-8 becomes surrogates, which no program may contain; the verdict says so.
        program = row["program"].decode("utf-8", "surrogateescape")
        return Candidate(row["id"], program, row["gold"], self.answer_kind, row["question"])
