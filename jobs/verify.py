"""A file of programs -> one verdict each. `--input` is .jsonl or Parquet: id, program, optional gold and question.

Examples:
    python jobs/verify.py --input programs.jsonl --output runs/verified
    python jobs/verify.py --input programs.parquet --output runs/verified --dry-run   # what there is
    python jobs/verify.py --input programs.jsonl --output runs/texts --verify.answer_kind text

Options: input output verify.answer_kind verify.keep verify.part_rows verify.actors sandbox.cpu_s sandbox.memory_mib
sandbox.allowed_imports sandbox.minimum
"""

import sys
from dataclasses import asdict

from pydantic import Field
from rich.table import Table

from pad_ray.run import ledger, metrics
from pad_ray.run.folder import RunDir
from pad_ray.run.progress import Progress
from pad_ray.sandbox import Sandbox, SandboxConfig
from pad_ray.settings import Settings
from pad_ray.stages import command_line
from pad_ray.stages.tables import say_faults
from pad_ray.verification import VerificationConfig, Verified, verify_programs
from pad_ray.verification.programs import ProgramFile
from pad_ray.words import counted


class Options(Settings):
    """What is verified, how, and where the verdicts go."""

    input: str = Field(description="programs: .jsonl or Parquet, a path or a URI")
    output: str = Field(description="folder or URI for verdicts/, ledger.json and metrics.json")
    verify: VerificationConfig = Field(default_factory=VerificationConfig, description="units of work and actors")
    sandbox: SandboxConfig = Field(default_factory=SandboxConfig, description="how programs are executed")


def verify(options: Options, progress: Progress) -> None:
    """Verify what has no verdict yet. Called again with the same options, it continues."""
    programs = ProgramFile(options.input, options.verify.answer_kind, options.verify.keep)
    run = RunDir(options.output)
    with progress.wait("Ray to start"):
        command_line.start_ray()
    found = verify_programs(run, programs, options.verify, options.sandbox, progress)
    protections = asdict(found.protections) if found.protections else None
    if protections:
        metrics.update(run, "sandbox", {"protections": protections})
    rate = found.verified / found.seconds
    metrics.update(run, "verify", {"outcomes": found.outcomes, "verified": found.verified, "seconds": found.seconds})
    entry = ledger.judged("verify", "programs", found.rows, found.outcomes, found.seconds, protections, found.faults)
    ledger.record(run, entry)
    progress.console.print(_summary(found))
    say_faults(run, progress)
    progress.say(
        f"{found.verified} verified in {found.seconds:.0f} s, {rate:.0f} a second; verdicts: {run.path('verdicts')}"
    )


def _summary(found: Verified) -> Table:
    table = Table("outcome", "programs", "share", title=counted(found.rows, "program"))
    for outcome, count in found.outcomes.most_common():
        table.add_row(outcome, str(count), f"{count / found.rows:.2%}")
    return table


def preview(options: Options, progress: Progress) -> None:
    """Say how much there is to verify, and what would guard this machine."""
    programs = ProgramFile(options.input, options.verify.answer_kind, options.verify.keep)
    parts = -(-programs.rows // options.verify.part_rows)
    done = len(RunDir(options.output).parts("verdicts"))
    progress.say(
        f"{counted(programs.rows, 'program')} in {options.input}: {counted(parts, 'part')}, {done} in {options.output}"
    )
    with Sandbox(options.sandbox) as sandbox:
        progress.say(f"protections here: {sandbox.protections}")


if __name__ == "__main__":
    sys.exit(command_line.main_with_options(str(__doc__), Options, verify, preview, sys.argv[1:]))
