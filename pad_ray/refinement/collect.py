"""Collect: a student answers train questions, every program is executed, and its real failures become repair rows.

What a student samples are drafts like a teacher's, made and judged by the same pipeline in a folder of their own: they
resume in the same way, and another student's drafts have other ids.
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
from pad_ray.synthesis.pipeline import synthesize
from pad_ray.synthesis.plan import Plan
from pad_ray.synthesis.questions import TRAIN as QUESTIONS
from pad_ray.synthesis.questions import store
from pad_ray.synthesis.verify import engine_fault, read_path

ATTEMPTS = "refinement/attempts"
FAILURES = "refinement/failures"


@dataclass
class Collected:
    """The student's drafts. `outcomes` counts them all, `rows` those that became repair rows, `left_out` the failures
    that did not, by the reason, `faults` the first reasons of faults, by outcome; `seconds` and `protections` are of this
    call.
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
        """The histogram of errors. A student is scored on its answer alone: one that is stated is no error."""
        right = (Outcome.ACCEPTED, Outcome.HARD_CODED)
        return {outcome: count for outcome, count in self.outcomes.items() if outcome not in right}


def collect(
    run: RunDir,
    plan: Plan,
    student: EngineConfig,
    config: RefinementConfig,
    sandbox: SandboxConfig,
    progress: Progress,
) -> Collected:
    """Make the planned drafts that are missing, and write the repair rows of all that failed under `FAILURES`.

    The first `config.questions` train questions of the run are asked; `store_programs` comes first. `run` is local.

    Raises:
        StageError: an engine does not start; what is committed stays, and the same call continues.
    """
    attempts = RunDir(run.path(ATTEMPTS))
    store(attempts, islice(run.iter_records(QUESTIONS, Question), config.questions))
    tally = synthesize(attempts, plan, student, sandbox, plan.config, progress, stage="refinement.collect")
    collected = Collected(tally.planned, tally.seconds, tally.protections)
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
        made = on_policy_rows(failures, corrects, config.max_source_characters)
        collected.rows += len(made.rows)
        collected.left_out += made.left_out
        if made.rows:
            run.write_records(f"{FAILURES}/{part.rpartition('/')[2]}", CorpusRow, made.rows)
    return collected


def _judged(attempts: RunDir, plan: Plan, questions: Sequence[Question]) -> Iterator[tuple[Draft, Verdict]]:
    """The planned drafts of the questions that exist, in the order of the plan, with their verdicts."""
    ids = [planned.request.request_id for question in questions for planned in plan.drafts(question)]
    tables = [attempts.select(folder, Draft, "draft_id", ids) for folder in (FAULTS, DRAFTS)]
    # A draft that was made after all stands in place of its fault.
    drafts = {draft.draft_id: draft for table in tables for draft in from_table(Draft, table)}
    judged = from_table(Verdict, attempts.select(VERDICTS, Verdict, "draft_id", ids))
    verdicts = {verdict.draft_id: verdict for verdict in judged}
    for draft_id in ids:
        if draft_id in drafts:
            draft = drafts[draft_id]
            yield draft, engine_fault(draft) if draft.failed else verdicts[draft_id]
