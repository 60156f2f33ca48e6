"""A file of programs to one verdict each, by a pool of Ray actors.

A piece of the file is the unit of work; the actor that verified it commits it as one Parquet part, in the order of the
file. A part keeps the hash of its piece and of the rules of judging: a job that was killed continues from what is committed,
and a row that was changed meanwhile, or was judged by other rules, is verified again.
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

from pad_ray import meters
from pad_ray.errors import InputError, StageError, reason
from pad_ray.ledger import first_reasons
from pad_ray.progress import Progress
from pad_ray.rundir import RunDir
from pad_ray.sandbox import Candidate, Protections, Sandbox, SandboxConfig, weakest
from pad_ray.sandbox.judgement import judge_each, name_of, named, rules_of
from pad_ray.schema import AnswerKind, Outcome, Verdict, to_table
from pad_ray.verification.config import VerificationConfig
from pad_ray.verification.programs import Piece, ProgramFile
from pad_ray.workers import Patience, actor_count, first_done

VERDICTS = "verdicts"
ASKED = "verify.json"
PIECE_KEY = b"pad_ray.piece"
# Pieces in the hands of an actor: one that it works on, one that waits.
PIECES_PER_ACTOR = 2


@dataclass
class Counted:
    """The outcomes of a piece, and the first reasons of its faults."""

    outcomes: dict[str, int]
    faults: dict[str, str]

    @classmethod
    def of(cls, table: pa.Table) -> Self:
        """Of a table of verdicts."""
        outcomes = table["outcome"].to_pylist()
        return cls(dict(Counter(outcomes)), first_reasons(zip(outcomes, table["feedback"].to_pylist(), strict=True)))


@dataclass
class Verified:
    """What was found. `outcomes` covers every row; `verified` and `seconds` this call alone, without rows found done.

    `faults` are the first reasons of faults, by outcome.
    """

    rows: int
    outcomes: Counter[str] = field(default_factory=Counter)
    verified: int = 0
    seconds: float = 0.0
    protections: Protections | None = None
    faults: dict[str, str] = field(default_factory=dict)


def verify_programs(
    run: RunDir, programs: ProgramFile, config: VerificationConfig, sandbox: SandboxConfig, progress: Progress
) -> Verified:
    """Verify every row of `programs` whose verdict is not in `run` yet. Ray must be there.

    Raises:
        InputError: `run` holds verdicts of another file or of other settings, or a row is not usable.
        StageError: an actor failed for good; what is committed stays.
    """
    _demand_same(run, programs, config, sandbox)
    started = time.monotonic()
    found = Verified(programs.rows)
    with progress.stage("verify", "programs", programs.rows) as bar:
        results = _results(run, programs, config, sandbox)
        for done_piece, protections in progress.each(results, "verify: sandboxes to start and the next verdicts"):
            found.outcomes.update(done_piece.outcomes)
            found.faults = done_piece.faults | found.faults
            if protections is not None:
                found.verified += sum(done_piece.outcomes.values())
                found.protections = weakest(found.protections, protections)
            done = found.outcomes.total()
            bar.update(done, f"{found.outcomes[Outcome.ACCEPTED] / done:.1%} accepted")
    found.seconds = time.monotonic() - started
    return found


def _demand_same(run: RunDir, programs: ProgramFile, config: VerificationConfig, sandbox: SandboxConfig) -> None:
    """One folder holds the verdicts of one file under one set of rules."""
    asked = {
        "input": programs.location,
        "answer_kind": config.answer_kind.value,
        "part_rows": config.part_rows,
        "sandbox": sandbox.model_dump(mode="json", exclude={"workers"}),
    }
    before = _completed(run.read_json(ASKED, asked))
    changed = [name for name in asked if before.get(name) != asked[name]]
    if changed:
        name = changed[0]
        raise InputError(
            f"output {run.location}: it was made with {name} {before.get(name)!r} and not {asked[name]!r}; "
            "give another --output, or the same options"
        )
    run.write_json(ASKED, asked)


def _completed(before: dict[str, Any]) -> dict[str, Any]:
    """What an earlier version wrote, with the settings that the sandbox did not have then."""
    try:
        sandbox = SandboxConfig.model_validate(before["sandbox"])
    except (KeyError, ValidationError):
        return before
    return {**before, "sandbox": sandbox.model_dump(mode="json", exclude={"workers"})}


def _results(
    run: RunDir, programs: ProgramFile, config: VerificationConfig, sandbox: SandboxConfig
) -> Iterator[tuple[Counted, Protections | None]]:
    """Outcomes of each piece as they come, with the protections that it ran under; None where it was done before."""
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
    # A dead actor is started again, on another node if its own is gone, and its pieces are done again.
    actor = ray.remote(num_cpus=config.actor_cpus, max_restarts=-1, max_task_retries=-1)(_Verifier)
    return [actor.remote(run.location, sandbox, config.answer_kind) for _ in range(count)]


def _next(working: dict[Any, Any], patience: Patience) -> tuple[Any, tuple[Counted, Protections]]:
    """Wait for a piece and take it out of `working`."""
    done = first_done(list(working), patience)
    actor = working.pop(done)
    try:
        return actor, ray.get(done)
    except (RayError, OSError) as error:
        raise StageError(f"verify: {reason(error)}; the same command continues") from error


def part_name(piece: Piece) -> str:
    """Where the verdicts of a piece are."""
    return f"{VERDICTS}/part-{piece.number:08}.parquet"


def _counts(run: RunDir, name: str, key: str) -> Counted | None:
    """The outcomes in a part, if it is of this piece and these rules."""
    table = run.read_part(name, ["outcome", "feedback"])
    if (table.schema.metadata or {}).get(PIECE_KEY) != key.encode():
        return None
    return Counted.of(table)


class _Verifier:
    """The actor: one sandbox, one piece at a time."""

    def __init__(self, location: str, sandbox: SandboxConfig, answer_kind: AnswerKind) -> None:
        self.run = RunDir(location)
        self.sandbox = Sandbox(sandbox)
        self.rules = rules_of(sandbox)
        self.answer_kind = answer_kind

    def verify(self, name: str, key: str, rows: pa.Table, kept: pa.Table) -> tuple[Counted, Protections]:
        """Judge a piece and commit it; returns its outcomes and the protections."""
        candidates = [self._candidate(row) for row in rows.to_pylist()]
        verdicts = judge_each(self.sandbox, candidates)
        names = [self._judged_by(candidate) for candidate in candidates]
        table = to_table(Verdict, [named(verdict, name) for verdict, name in zip(verdicts, names, strict=True)])
        metadata = {**table.schema.metadata, PIECE_KEY: key}
        # The caller's ids under the caller's name.
        table = table.rename_columns({"draft_id": "id"})
        for column in kept.column_names:
            table = table.append_column(kept.schema.field(column), kept[column])
        self.run.write_table(name, table.replace_schema_metadata(metadata))
        meters.count_verdicts(verdicts, "verify")
        return Counted.of(table), self.sandbox.protections

    def _judged_by(self, candidate: Candidate) -> str:
        return name_of(self.rules, "", candidate.gold, candidate.answer_kind, candidate.question_text)

    def _candidate(self, row: dict[str, Any]) -> Candidate:
        # Bytes that are no UTF-8 become what no program may hold: their verdict says so.
        program = row["program"].decode("utf-8", "surrogateescape")
        return Candidate(row["id"], program, row["gold"], self.answer_kind, row["question"])
