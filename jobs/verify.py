"""Judge each program of a file. `--input` is .jsonl or Parquet with id, program, and optionally gold and question.

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
from pad_ray.run.ledger import StageEntry, VerdictCounts
from pad_ray.run.progress import Progress
from pad_ray.run.records import SandboxSummary, VerificationSummary
from pad_ray.sandbox import Sandbox, SandboxConfig
from pad_ray.settings import Settings
from pad_ray.stages import command_line, stopping
from pad_ray.stages.tables import say_faults
from pad_ray.verification import VerificationConfig, VerificationResult, verify_programs
from pad_ray.verification.programs import ProgramFile
from pad_ray.words import counted


class VerifyOptions(Settings):
    """The programs to verify, the settings, and the place of the verdicts."""

    input: str = Field(description="path or URI of the programs: .jsonl or Parquet")
    output: str = Field(description="folder or URI for verdicts/, ledger.json and metrics.json")
    verify: VerificationConfig = Field(default_factory=VerificationConfig, description="units of work and actors")
    sandbox: SandboxConfig = Field(default_factory=SandboxConfig, description="how programs are executed")


def verify(options: VerifyOptions, progress: Progress) -> None:
    """Verify the programs without a verdict. Called again with the same options, it continues."""
    programs = ProgramFile(options.input, options.verify.answer_kind, options.verify.keep)
    run = RunDir(options.output)
    stopping.hold(run)
    with progress.wait("Ray to start"):
        command_line.start_ray()
    result = verify_programs(run, programs, options.verify, options.sandbox, progress)
    protections = asdict(result.protections) if result.protections else None
    if protections:
        metrics.update(run, sandbox=SandboxSummary(protections=protections))
    rate = result.verified / result.seconds
    summary = VerificationSummary(outcomes=result.outcomes, verified=result.verified, seconds=result.seconds)
    metrics.update(run, verify=summary)
    verdicts = VerdictCounts(result.outcomes, result.faults)
    entry = StageEntry.of_verdicts("verify", "programs", result.rows, verdicts, result.seconds, protections)
    ledger.record(run, entry)
    progress.console.print(_summary(result))
    say_faults(run, progress)
    progress.say(
        f"{result.verified} verified in {result.seconds:.0f} s, {rate:.0f} a second; verdicts: {run.path('verdicts')}"
    )


def _summary(result: VerificationResult) -> Table:
    table = Table("outcome", "programs", "share", title=counted(result.rows, "program"))
    for outcome, count in result.outcomes.most_common():
        table.add_row(outcome, str(count), f"{count / result.rows:.2%}")
    return table


def preview(options: VerifyOptions, progress: Progress) -> None:
    """Print the number of programs to verify and the protections of the sandbox on this machine."""
    programs = ProgramFile(options.input, options.verify.answer_kind, options.verify.keep)
    parts = -(-programs.rows // options.verify.part_rows)
    done = len(RunDir(options.output).parts("verdicts"))
    progress.say(
        f"{counted(programs.rows, 'program')} in {options.input}: {counted(parts, 'part')}, {done} in {options.output}"
    )
    with Sandbox(options.sandbox) as sandbox:
        progress.say(f"protections here: {sandbox.protections}")


if __name__ == "__main__":
    sys.exit(command_line.main_with_options(str(__doc__), VerifyOptions, verify, preview, sys.argv[1:]))
