"""Collects a student's failures: it answers train questions, every program is executed, and failures become repair rows.

A student's drafts are generated and judged by the same pipeline as a teacher's, in a separate folder. They resume in the same
way, and drafts of different students have different ids.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from pad_ray.engines.config import EngineConfig
from pad_ray.refinement.config import RefinementConfig
from pad_ray.refinement.programs import read_programs
from pad_ray.refinement.rows import Failure, on_policy_rows
from pad_ray.run.folder import RunDir
from pad_ray.run.ledger import first_reasons
from pad_ray.run.progress import Progress
from pad_ray.sandbox import Protections, SandboxConfig
from pad_ray.schema import CorpusRow, Draft, Outcome, Question, Verdict, from_table
from pad_ray.synthesis.finished import DRAFTS, FAULTS, VERDICTS
from pad_ray.synthesis.pipeline import SynthesisCall, synthesize
from pad_ray.synthesis.plan import Plan
from pad_ray.synthesis.questions import TRAIN as QUESTIONS
from pad_ray.synthesis.questions import store
from pad_ray.synthesis.verify import engine_fault, read_path

ATTEMPTS = "refinement/attempts"
FAILURES = "refinement/failures"


@dataclass
class AttemptCounts:
    """Counts of the student's drafts. `outcomes` counts all of them, `rows` those that became repair rows, `left_out` the
    other failures by reason. `faults` has the first reason of each kind of fault; `seconds` and `protections` are those of
    this call.
    """

    planned: int
    seconds: float
    protections: Protections | None
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    rows: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    faults: dict[str, str] = field(default_factory=dict)

    @property
    def errors(self) -> dict[Outcome, int]:
        """The histogram of errors. Only a student's answer is scored, so a hard-coded right answer is not an error."""
        right = (Outcome.ACCEPTED, Outcome.HARD_CODED)
        return {outcome: count for outcome, count in self.outcomes.items() if outcome not in right}


def collect(
    run: RunDir,
    plan: Plan,
    student: EngineConfig,
    config: RefinementConfig,
    sandbox: SandboxConfig,
    progress: Progress,
) -> AttemptCounts:
    """Generate the missing planned drafts, and write the repair rows of all failures to `FAILURES`.

    The student answers the first `config.questions` train questions of the run. Call `store_programs` before. `run` must be
    local.

    Raises:
        StageError: an engine does not start; committed work is kept, and the same call continues.
    """
    attempts = RunDir(run.path(ATTEMPTS))
    store(attempts, islice(run.iter_records(QUESTIONS, Question), config.questions))
    tally = synthesize(SynthesisCall(attempts, plan, student, sandbox, plan.config, progress, "refinement.collect"))
    collected = AttemptCounts(tally.planned, tally.seconds, tally.protections)
    run.delete(FAILURES)
    for part in attempts.parts(QUESTIONS):
        questions = from_table(Question, attempts.read_part(part))
        failures = []
        for draft, verdict in _judged(attempts, plan, questions):
            collected.outcomes[verdict.outcome] += 1
            collected.faults = first_reasons([(verdict.outcome, verdict.feedback)]) | collected.faults
            if verdict.outcome is not Outcome.ACCEPTED and not verdict.outcome.is_fault:
                program = read_path(draft).text
                failures.append(Failure(draft.question_id, program, verdict.outcome, verdict.feedback))
        corrects = read_programs(run, {failure.question_id for failure in failures})
        repair = on_policy_rows(failures, corrects, config.max_source_characters)
        collected.rows += len(repair.rows)
        collected.left_out += repair.left_out
        if repair.rows:
            run.write_records(f"{FAILURES}/{part.rpartition('/')[2]}", CorpusRow, repair.rows)
    return collected


def _judged(attempts: RunDir, plan: Plan, questions: Sequence[Question]) -> Iterator[tuple[Draft, Verdict]]:
    """The existing planned drafts of the questions, in the order of the plan, with their verdicts."""
    ids = [planned.request.request_id for question in questions for planned in plan.drafts(question)]
    tables = [attempts.select(folder, Draft, "draft_id", ids) for folder in (FAULTS, DRAFTS)]
    # A draft replaces an earlier fault of the same id.
    drafts = {draft.draft_id: draft for table in tables for draft in from_table(Draft, table)}
    judged = from_table(Verdict, attempts.select(VERDICTS, Verdict, "draft_id", ids))
    verdicts = {verdict.draft_id: verdict for verdict in judged}
    for draft_id in ids:
        if draft_id in drafts:
            draft = drafts[draft_id]
            yield draft, engine_fault(draft) if draft.failed else verdicts[draft_id]
