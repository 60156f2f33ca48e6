"""A file of programs to one verdict each, by a pool of Ray actors.

A piece of the file is the unit of work; the actor that verified it commits it as one Parquet part, in the order of the
file. A part keeps the hash of its piece: a job that was killed continues from what is committed, and a row that was
changed meanwhile is verified again.
"""

import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import ray
from ray.exceptions import RayError

from pad_ray import meters
from pad_ray.errors import InputError, StageError, reason
from pad_ray.progress import Progress
from pad_ray.rundir import RunDir
from pad_ray.sandbox import Candidate, Protections, Sandbox, SandboxConfig, judge, weakest
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
class Verified:
    """What was found. `outcomes` covers every row; `verified` and `seconds` this call alone, without rows found done."""

    rows: int
    outcomes: Counter[str] = field(default_factory=Counter)
    verified: int = 0
    seconds: float = 0.0
    protections: Protections | None = None


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
        for counts, protections in _results(run, programs, config, sandbox):
            found.outcomes.update(counts)
            if protections is not None:
                found.verified += sum(counts.values())
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
    before = run.read_json(ASKED, asked)
    changed = [name for name in asked if before.get(name) != asked[name]]
    if changed:
        name = changed[0]
        raise InputError(
            f"output {run.location}: it was made with {name} {before.get(name)!r} and not {asked[name]!r}; "
            "give another --output, or the same options"
        )
    run.write_json(ASKED, asked)


def _results(
    run: RunDir, programs: ProgramFile, config: VerificationConfig, sandbox: SandboxConfig
) -> Iterator[tuple[dict[str, int], Protections | None]]:
    """Outcomes of each piece as they come, with the protections that it ran under; None where it was done before."""
    finished = set(run.parts(VERDICTS))
    idle: deque[Any] = deque()
    working: dict[Any, Any] = {}
    patience = Patience()
    for piece in programs.pieces(config.part_rows):
        name = part_name(piece)
        if name in finished and (counts := _counts(run, name, piece)) is not None:
            yield counts, None
            continue
        if not idle and not working:
            idle.extend(_actors(run, config, sandbox) * PIECES_PER_ACTOR)
        if not idle:
            actor, result = _next(working, patience)
            idle.append(actor)
            yield result
        actor = idle.popleft()
        working[actor.verify.remote(name, piece.key, piece.rows)] = actor
    while working:
        yield _next(working, patience)[1]


def _actors(run: RunDir, config: VerificationConfig, sandbox: SandboxConfig) -> list[Any]:
    count = actor_count(config.actors, config.actor_cpus)
    # A dead actor is started again, on another node if its own is gone, and its pieces are done again.
    actor = ray.remote(num_cpus=config.actor_cpus, max_restarts=-1, max_task_retries=-1)(_Verifier)
    return [actor.remote(run.location, sandbox, config.answer_kind) for _ in range(count)]


def _next(working: dict[Any, Any], patience: Patience) -> tuple[Any, tuple[dict[str, int], Protections]]:
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


def _counts(run: RunDir, name: str, piece: Piece) -> dict[str, int] | None:
    """The outcomes in a part, if it is of this piece."""
    table = run.read_part(name, ["outcome"])
    if (table.schema.metadata or {}).get(PIECE_KEY) != piece.key.encode():
        return None
    return dict(Counter(table["outcome"].to_pylist()))


class _Verifier:
    """The actor: one sandbox, one piece at a time."""

    def __init__(self, location: str, sandbox: SandboxConfig, answer_kind: AnswerKind) -> None:
        self.run = RunDir(location)
        self.sandbox = Sandbox(sandbox)
        self.answer_kind = answer_kind

    def verify(self, name: str, key: str, rows: pa.Table) -> tuple[dict[str, int], Protections]:
        """Judge a piece and commit it; returns its outcomes and the protections."""
        verdicts = judge(self.sandbox, [self._candidate(row) for row in rows.to_pylist()])
        table = to_table(Verdict, verdicts)
        self.run.write_table(name, table.replace_schema_metadata({**table.schema.metadata, PIECE_KEY: key}))
        meters.count_verdicts(verdicts, "verify")
        counts = Counter(verdict.outcome.value for verdict in verdicts)
        return dict(counts), self.sandbox.protections

    def _candidate(self, row: dict[str, Any]) -> Candidate:
        program = row["program"].decode("utf-8", "surrogatepass")
        return Candidate(row["id"], program, row["gold"], self.answer_kind, row["question"])
