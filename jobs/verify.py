"""Judge each program of a file. `--input` is .jsonl or Parquet with id, program, and optionally gold and question."""

import sys
from dataclasses import asdict

from pydantic import Field
from rich.table import Table

from pad_ray import job, ledger, metrics
from pad_ray.progress import Progress
from pad_ray.rundir import RunDir
from pad_ray.sandbox import Sandbox, SandboxConfig
from pad_ray.settings import Settings
from pad_ray.verification import VerificationConfig, Verified, verify_programs
from pad_ray.verification.programs import ProgramFile


class Options(Settings):
    """The programs to verify, the settings, and the place of the verdicts."""

    input: str = Field(description="path or URI of the programs: .jsonl or Parquet")
    output: str = Field(description="folder or URI for verdicts/, ledger.json and metrics.json")
    verify: VerificationConfig = Field(default_factory=VerificationConfig, description="units of work and actors")
    sandbox: SandboxConfig = Field(default_factory=SandboxConfig, description="how programs are executed")


def verify(options: Options, progress: Progress) -> None:
    """Verify the programs without a verdict. Called again with the same options, it continues."""
    programs = ProgramFile(options.input, options.verify.answer_kind, options.verify.keep)
    run = RunDir(options.output)
    job.start_ray()
    result = verify_programs(run, programs, options.verify, options.sandbox, progress)
    protections = asdict(result.protections) if result.protections else None
    if protections:
        metrics.update(run, "sandbox", {"protections": protections})
    rate = result.verified / result.seconds
    metrics.update(run, "verify", {"outcomes": result.outcomes, "verified": result.verified, "seconds": result.seconds})
    entry = ledger.judged(
        "verify", "programs", result.rows, result.outcomes, result.seconds, protections, result.faults
    )
    ledger.record(run, entry)
    progress.console.print(_summary(result))
    job.say_faults(run, progress)
    progress.say(
        f"{result.verified} verified in {result.seconds:.0f} s, {rate:.0f} a second; verdicts: {run.path('verdicts')}"
    )


def _summary(result: Verified) -> Table:
    table = Table("outcome", "programs", "share", title=f"{result.rows} programs")
    for outcome, count in result.outcomes.most_common():
        table.add_row(outcome, str(count), f"{count / result.rows:.2%}")
    return table


def preview(options: Options, progress: Progress) -> None:
    """Print the number of programs to verify and the protections of the sandbox on this machine."""
    programs = ProgramFile(options.input, options.verify.answer_kind, options.verify.keep)
    parts = -(-programs.rows // options.verify.part_rows)
    done = len(RunDir(options.output).parts("verdicts"))
    progress.say(f"{programs.rows} programs in {options.input}: {parts} parts, {done} in {options.output}")
    with Sandbox(options.sandbox) as sandbox:
        progress.say(f"protections here: {sandbox.protections}")


if __name__ == "__main__":
    sys.exit(job.main_with_options(str(__doc__), Options, verify, preview, sys.argv[1:]))
