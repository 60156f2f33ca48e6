"""Teacher generation and execution as one Ray Data pipeline: generate -> verify -> commit.

A block of questions is the unit of work. Its drafts and verdicts are committed by the worker that verified them, as two
Parquet parts whose name is a hash of the drafts' ids: a block that Ray runs again replaces its own parts. The drafts'
part is written last and makes the block count as done, so a run that was killed continues from what is committed.
"""

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field

import pyarrow as pa
import ray.data

from pad_ray.engines.base import Generation
from pad_ray.engines.config import EngineConfig
from pad_ray.engines.stage import GENERATIONS, REQUESTS, generate, generations_from, to_json
from pad_ray.paths import program
from pad_ray.progress import Progress
from pad_ray.rundir import RunDir
from pad_ray.sandbox import Candidate, Protections, Sandbox, SandboxConfig, judge, weakest
from pad_ray.schema import AnswerKind, Draft, Outcome, PathKind, Question, Verdict, content_id
from pad_ray.synthesis.config import SynthesisConfig
from pad_ray.synthesis.plan import PlannedQuestion, remaining

DRAFTS = "drafts"
VERDICTS = "verdicts"
WORK = "work"


@dataclass
class Tally:
    """What one call of `synthesize` made; tokens and seconds of this call alone."""

    planned: int
    found: int
    outcomes: Counter[str] = field(default_factory=Counter)
    completion_tokens: int = 0
    seconds: float = 0.0
    protections: Protections | None = None

    @property
    def made(self) -> int:
        return self.outcomes.total()


def committed_ids(run: RunDir) -> set[str]:
    """Ids of the drafts that are finished."""
    return {value for name in run.parts(DRAFTS) for value in run.read_part(name, ["draft_id"])["draft_id"].to_pylist()}


def synthesize(
    run: RunDir,
    planned: Sequence[PlannedQuestion],
    teacher: EngineConfig,
    sandbox: SandboxConfig,
    config: SynthesisConfig,
    progress: Progress,
) -> Tally:
    """Make every planned draft that is not committed yet, execute it and commit it with its verdict."""
    started = time.monotonic()
    left = remaining(planned, committed_ids(run))
    total, missing = (sum(len(item.drafts) for item in items) for items in (planned, left))
    tally = Tally(planned=total, found=total - missing)
    if not left:
        return tally
    with progress.stage("synthesis", "drafts", total, done=tally.found) as bar:
        for row in _pipeline(run, left, teacher, sandbox, config).iter_rows():
            tally.outcomes.update(json.loads(row["outcomes"]))
            tally.completion_tokens += row["completion_tokens"]
            tally.protections = weakest(tally.protections, Protections(**json.loads(row["protections"])))
            accepted = tally.outcomes[Outcome.ACCEPTED] / tally.made
            bar.update(tally.found + tally.made, f"{accepted:.0%} accepted, {tally.completion_tokens} tokens")
    tally.seconds = time.monotonic() - started
    return tally


def _pipeline(
    run: RunDir,
    left: Sequence[PlannedQuestion],
    teacher: EngineConfig,
    sandbox: SandboxConfig,
    config: SynthesisConfig,
) -> ray.data.Dataset:
    size = config.block_questions
    blocks = [_block(left[start : start + size]) for start in range(0, len(left), size)]
    generated = generate(ray.data.from_arrow(blocks), teacher, batch_rows=size)
    return generated.map_batches(
        _VerifyAndCommit,
        fn_constructor_args=(run.location, sandbox),
        batch_size=None,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=config.verifiers),
        num_cpus=config.verifier_cpus,
    )


def _block(items: Sequence[PlannedQuestion]) -> pa.Table:
    work = [json.dumps({"question": asdict(i.question), "indices": [d.sample_index for d in i.drafts]}) for i in items]
    return pa.table({WORK: work, REQUESTS: [to_json([draft.request for draft in item.drafts]) for item in items]})


class _VerifyAndCommit:
    """The actor: holds one sandbox, turns a block's generations into drafts and verdicts, and commits them."""

    def __init__(self, location: str, sandbox: SandboxConfig) -> None:
        self.run = RunDir(location)
        self.sandbox = Sandbox(sandbox)

    def __call__(self, batch: pa.Table) -> pa.Table:
        pairs = [pair for row in batch.to_pylist() for pair in _drafts(row)]
        verdicts = verify(self.sandbox, pairs)
        drafts = [draft for _, draft in pairs]
        commit(self.run, drafts, verdicts)
        outcomes = Counter(verdict.outcome.value for verdict in verdicts)
        return pa.table(
            {
                "outcomes": [json.dumps(outcomes)],
                "completion_tokens": [sum(draft.completion_tokens for draft in drafts)],
                "protections": [json.dumps(asdict(self.sandbox.protections))],
            }
        )


def _drafts(row: dict[str, str]) -> Iterator[tuple[Question, Draft]]:
    work = json.loads(row[WORK])
    question = Question(**{**work["question"], "answer_kind": AnswerKind(work["question"]["answer_kind"])})
    for index, generation in zip(work["indices"], generations_from(row[GENERATIONS]), strict=True):
        yield question, _draft(question, index, generation)


def _draft(question: Question, index: int, generation: Generation) -> Draft:
    return Draft(
        draft_id=generation.request_id,
        question_id=question.question_id,
        path=PathKind.PROGRAM,
        text=generation.error or generation.text,
        sample_index=index,
        finish_reason=generation.finish_reason,
        prompt_tokens=generation.prompt_tokens,
        completion_tokens=generation.completion_tokens,
        mean_logprob=generation.mean_logprob,
        engine=generation.engine,
    )


def verify(sandbox: Sandbox, pairs: Sequence[tuple[Question, Draft]]) -> list[Verdict]:
    """One verdict a draft, in order. Only drafts whose program is whole are executed."""
    early = {draft.draft_id: verdict for _, draft in pairs if (verdict := _without_execution(draft))}
    candidates = [
        Candidate(draft.draft_id, program.parse(draft.text), question.gold, question.answer_kind, question.text)
        for question, draft in pairs
        if draft.draft_id not in early
    ]
    judged = {verdict.draft_id: verdict for verdict in judge(sandbox, candidates)}
    return [(early | judged)[draft.draft_id] for _, draft in pairs]


def _without_execution(draft: Draft) -> Verdict | None:
    if draft.finish_reason == "error":
        return Verdict(draft.draft_id, Outcome.ENGINE_FAULT, None, draft.text[:200], 0.0)
    if draft.finish_reason == "length" and not program.is_complete(draft.text):
        return Verdict(draft.draft_id, Outcome.TRUNCATED, None, "the program does not end within the token limit", 0.0)
    return None


def commit(run: RunDir, drafts: Sequence[Draft], verdicts: Sequence[Verdict]) -> None:
    """Write a block's verdicts, then its drafts; the drafts' part makes the block count as done."""
    name = f"part-{content_id('part', [draft.draft_id for draft in drafts])}.parquet"
    run.write_records(f"{VERDICTS}/{name}", Verdict, verdicts)
    run.write_records(f"{DRAFTS}/{name}", Draft, drafts)
