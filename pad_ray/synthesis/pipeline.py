"""Teacher generation and execution as one Ray Data pipeline: plan -> generate -> verify -> commit.

A block of questions is the unit of work. Workers read it, ask for the drafts that it lacks, and commit them with their
verdicts as two Parquet parts whose name is a hash of the drafts' ids: a block that Ray runs again replaces its own parts.
The driver holds block numbers and counts alone. Stages overlap, and Ray Data holds a stage back whose output waits.
"""

import json
import math
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import pyarrow as pa
import ray
import ray.data

from pad_ray import meters
from pad_ray.engines.base import Generation
from pad_ray.engines.config import EngineConfig
from pad_ray.engines.stage import (
    ASKED_AT,
    GENERATIONS,
    REQUESTS,
    engine_count,
    generate,
    generations_from,
    to_json,
    uses_gpu,
)
from pad_ray.progress import Progress
from pad_ray.rundir import RunDir
from pad_ray.sandbox import Protections, Sandbox, SandboxConfig, weakest
from pad_ray.schema import AnswerKind, Draft, Outcome, PathKind, Question, Verdict, content_id
from pad_ray.synthesis.config import SynthesisConfig
from pad_ray.synthesis.finished import DRAFTS, FAULTS, VERDICTS, Finished, read_finished, write_manifest
from pad_ray.synthesis.plan import Plan, PlannedDraft
from pad_ray.synthesis.questions import Block, blocks, read_block
from pad_ray.synthesis.verify import verify
from pad_ray.workers import rows

WORK = "work"
BLOCK = "block"
# Blocks that are planned at once. Planning reads a few rows and hashes prompts, and must go on where actors hold every CPU.
PLANNERS = 2


@dataclass
class Tally:
    """What one call of `synthesize` made; tokens and seconds of this call alone."""

    planned: int
    found: int
    outcomes: Counter[str] = field(default_factory=Counter)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    engines: int = 0
    on_gpu: bool = False
    protections: Protections | None = None
    asked_at: float = math.inf

    @property
    def working_seconds(self) -> float:
        """Since the first request, so without the start of the engines."""
        return time.time() - self.asked_at

    @property
    def made(self) -> int:
        return self.outcomes.total()

    @property
    def device_seconds(self) -> float:
        """Seconds of all GPUs, or of all CPU engines, that the call held."""
        return self.seconds * self.engines

    def add(self, row: dict[str, Any]) -> None:
        """Take in a committed block."""
        self.outcomes.update(json.loads(row["outcomes"]))
        self.prompt_tokens += row["prompt_tokens"]
        self.completion_tokens += row["completion_tokens"]
        self.asked_at = min(self.asked_at, row[ASKED_AT])
        self.protections = weakest(self.protections, Protections(**json.loads(row["protections"])))

    def rates(self, seconds: float) -> dict[str, float]:
        """What is shown `seconds` after the call; tokens a second in and out since the first request."""
        working = max(self.working_seconds, 1e-3)
        return {
            "drafts": float(self.found + self.made),
            "accepted_share": self.outcomes[Outcome.ACCEPTED] / max(1, self.made),
            "prompt_tokens_per_s": self.prompt_tokens / working,
            "completion_tokens_per_s": self.completion_tokens / working,
            "device_s": seconds * self.engines,
        }


def synthesize(
    run: RunDir,
    plan: Plan,
    teacher: EngineConfig,
    sandbox: SandboxConfig,
    config: SynthesisConfig,
    progress: Progress,
    stage: str = "synthesis",
) -> Tally:
    """Make every planned draft of the stored questions that is not committed yet, judge it and commit it.

    `stage` is what messages call it.

    Raises:
        StageError: an engine does not start, or the store fails; what is committed stays, and the same call continues.
    """
    started = time.monotonic()
    finished = read_finished(run, not config.retry_faults, progress.say)
    work, total, found = _missing(run, plan, finished, config)
    tally = Tally(planned=total, found=found)
    if not work:
        return tally
    tally.on_gpu = uses_gpu(teacher)
    engines = engine_count(teacher)
    tally.engines = engines * teacher.tensor_parallel
    sandboxes = min(len(work), verifier_count(config, teacher))
    devices = f"{tally.engines} GPUs" if tally.on_gpu else f"{teacher.cpus:g} CPUs each"
    progress.say(f"{stage}: {engines} engines ({plan.engine}) on {devices}, {sandboxes} sandboxes")
    with progress.stage(stage, "drafts", total, done=found) as bar:
        for row in rows(_pipeline(run, work, plan, finished, teacher, sandbox, config, sandboxes), stage):
            tally.add(row)
            rates = tally.rates(time.monotonic() - started)
            bar.update(found + tally.made, _note(rates, tally.on_gpu), rates)
    tally.seconds = time.monotonic() - started
    write_manifest(run, read_finished(run, True, progress.say))
    return tally


def _note(rates: dict[str, float], on_gpu: bool) -> str:
    tokens = f"{rates['prompt_tokens_per_s']:.0f} in, {rates['completion_tokens_per_s']:.0f} out tokens/s"
    return (
        f"{rates['accepted_share']:.0%} accepted, {tokens}, {rates['device_s']:.0f} {'GPU' if on_gpu else 'engine'}-s"
    )


def _missing(run: RunDir, plan: Plan, finished: Finished, config: SynthesisConfig) -> tuple[list[Block], int, int]:
    """The blocks with drafts to make, the number of planned drafts, and how many of them are there.

    Where some are there, workers compute the ids of all, so that no engine starts for a block that lacks nothing.
    """
    everything = list(blocks(run, config.block_questions))
    total = sum(block.questions for block in everything) * plan.drafts_per_question
    if not len(finished.ids):
        return everything, total, 0
    shared = ray.put(finished)
    chunks = ray.data.from_items([{BLOCK: json.dumps(asdict(block))} for block in everything])
    counted = chunks.map_batches(
        _count_missing, fn_kwargs={"location": run.location, "plan": plan, "finished": shared}, batch_format="pyarrow"
    )
    lacking = {row[BLOCK]: row["missing"] for row in counted.iter_rows()}
    left = [block for block in everything if lacking[json.dumps(asdict(block))]]
    return left, total, total - sum(lacking.values())


def _count_missing(batch: pa.Table, location: str, plan: Plan, finished: Any) -> pa.Table:
    run, done = RunDir(location), ray.get(finished)
    missing = []
    for text in batch[BLOCK].to_pylist():
        questions = read_block(run, Block(**json.loads(text)))
        missing.append(sum(len(drafts) for _, drafts in _lacking(questions, plan, done)))
    return batch.append_column("missing", pa.array(missing, pa.int64()))


def _lacking(
    questions: Sequence[Question], plan: Plan, finished: Finished
) -> Iterator[tuple[Question, list[PlannedDraft]]]:
    for question in questions:
        drafts = list(plan.drafts(question))
        missing = finished.missing([draft.request.request_id for draft in drafts])
        yield question, [draft for draft, lacks in zip(drafts, missing, strict=True) if lacks]


def _pipeline(
    run: RunDir,
    work: Sequence[Block],
    plan: Plan,
    finished: Finished,
    teacher: EngineConfig,
    sandbox: SandboxConfig,
    config: SynthesisConfig,
    sandboxes: int,
) -> ray.data.Dataset:
    chunks = [pa.table({BLOCK: [json.dumps(asdict(block))]}) for block in work]
    planned = ray.data.from_arrow(chunks).map_batches(
        _requests,
        fn_kwargs={"location": run.location, "plan": plan, "finished": ray.put(finished)},
        batch_size=None,
        batch_format="pyarrow",
        num_cpus=0,
        compute=ray.data.TaskPoolStrategy(size=min(PLANNERS, len(work))),
    )
    generated = generate(planned, teacher)
    return generated.map_batches(
        _VerifyAndCommit,
        fn_constructor_args=(run.location, sandbox),
        batch_size=None,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=sandboxes),
        num_cpus=config.verifier_cpus,
        max_restarts=-1,
        max_task_retries=-1,
    )


def verifier_count(config: SynthesisConfig, teacher: EngineConfig) -> int:
    """How many sandboxes: what is asked for, or one a CPU that the engines leave free."""
    if config.verifiers is not None:
        return config.verifiers
    free = ray.cluster_resources().get("CPU", 1.0) - engine_count(teacher) * teacher.cpus
    return max(1, int(free))


def _requests(batch: pa.Table, location: str, plan: Plan, finished: Any) -> pa.Table:
    """A block's questions and the requests that it lacks; travels as JSON, because Arrow unifies fields over rows."""
    run, done = RunDir(location), ray.get(finished)
    work, requests = [], []
    for text in batch[BLOCK].to_pylist():
        lacking = [pair for pair in _lacking(read_block(run, Block(**json.loads(text))), plan, done) if pair[1]]
        work.append(json.dumps([_lack(question, drafts) for question, drafts in lacking]))
        requests.append(to_json([draft.request for _, drafts in lacking for draft in drafts]))
    return pa.table({WORK: pa.array(work, pa.string()), REQUESTS: pa.array(requests, pa.string())})


def _lack(question: Question, drafts: Sequence[PlannedDraft]) -> dict[str, Any]:
    return {"question": asdict(question), "drafts": [(draft.path, draft.sample_index) for draft in drafts]}


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
        meters.count_drafts(drafts)
        meters.count_verdicts(verdicts, "synthesis")
        return pa.table(
            {
                ASKED_AT: [min(batch[ASKED_AT].to_pylist())],
                "outcomes": [json.dumps(Counter(verdict.outcome.value for verdict in verdicts))],
                "prompt_tokens": [sum(draft.prompt_tokens for draft in drafts)],
                "completion_tokens": [sum(draft.completion_tokens for draft in drafts)],
                "protections": [json.dumps(asdict(self.sandbox.protections))],
            }
        )


def _drafts(row: dict[str, str]) -> Iterator[tuple[Question, Draft]]:
    generations = iter(generations_from(row[GENERATIONS]))
    for item in json.loads(row[WORK]):
        question = Question(**{**item["question"], "answer_kind": AnswerKind(item["question"]["answer_kind"])})
        for kind, index in item["drafts"]:
            yield question, _draft(question, PathKind(kind), index, next(generations))


def _draft(question: Question, path: PathKind, index: int, generation: Generation) -> Draft:
    return Draft(
        draft_id=generation.request_id,
        question_id=question.question_id,
        path=path,
        text=generation.error or generation.text,
        sample_index=index,
        finish_reason=generation.finish_reason,
        prompt_tokens=generation.prompt_tokens,
        completion_tokens=generation.completion_tokens,
        mean_logprob=generation.mean_logprob,
        engine=generation.engine,
    )


def commit(run: RunDir, drafts: Sequence[Draft], verdicts: Sequence[Verdict]) -> None:
    """Write a block's verdicts, then its drafts; the drafts' part makes the block count as done.

    Drafts that the engine failed to make stand apart: they can be asked for again.
    """
    faults = [draft for draft in drafts if draft.failed]
    made = [draft for draft in drafts if not draft.failed]
    if faults:
        run.write_records(f"{FAULTS}/{_part(faults)}", Draft, faults)
    if made:
        ids = {draft.draft_id for draft in made}
        run.write_records(f"{VERDICTS}/{_part(made)}", Verdict, [v for v in verdicts if v.draft_id in ids])
        run.write_records(f"{DRAFTS}/{_part(made)}", Draft, made)


def _part(drafts: Sequence[Draft]) -> str:
    return f"part-{content_id('part', [draft.draft_id for draft in drafts])}.parquet"
