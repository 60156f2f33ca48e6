"""Teacher generation and execution as one Ray Data pipeline: plan -> generate -> verify -> commit.

A block of questions is the unit of work. Workers read it, request its missing drafts, and commit them with their verdicts as
two Parquet parts named by a hash of the drafts' ids: a block that Ray runs again replaces its own parts. The driver holds
only block numbers and counts. Stages overlap, and Ray Data applies backpressure. Stored drafts with an outdated verdict are
judged again first.
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

from pad_ray.engines.attempts import Attempts
from pad_ray.engines.base import UNAVAILABLE, UNSENT, Generation
from pad_ray.engines.config import EngineConfig
from pad_ray.engines.kinds import check_server
from pad_ray.engines.stage import (
    ASKED_AT,
    BATCHES_IN_FLIGHT,
    GENERATIONS,
    REQUESTS,
    engine_count,
    generate,
    generations_from,
    last_load,
    to_json,
    uses_gpu,
    waits_for,
)
from pad_ray.errors import StageError
from pad_ray.run import meters
from pad_ray.run.folder import RunDir
from pad_ray.run.progress import Progress
from pad_ray.run.workers import rows
from pad_ray.sandbox import Protections, Sandbox, SandboxConfig, weakest
from pad_ray.sandbox.judgement import judged_by, rules_of
from pad_ray.schema import AnswerKind, Draft, Outcome, PathKind, Question, Verdict, content_id, storable
from pad_ray.synthesis.config import SynthesisConfig
from pad_ray.synthesis.finished import DRAFTS, FAULTS, VERDICTS, FinishedDrafts, read_finished, write_manifest
from pad_ray.synthesis.outdated import OutdatedPart, judge_again, outdated_parts
from pad_ray.synthesis.plan import Plan, PlannedDraft
from pad_ray.synthesis.questions import Block, blocks, read_block
from pad_ray.synthesis.verify import verify
from pad_ray.words import counted

WORK = "work"
BLOCK = "block"
# Number of blocks planned in parallel. Planning only reads rows and hashes prompts; it must run even if actors hold all CPUs.
PLANNERS = 2
# Causes that a message about a failing server lists.
MOST_CAUSES = 3


@dataclass
class SynthesisTally:
    """The results of one call of `synthesize`; tokens and seconds are those of this call only.

    `judged_again` counts stored drafts whose verdict was outdated, `changed` those whose outcome changed. `unsent` counts
    requests that were not sent because the teacher's server failed, `refusals` the server's words for all that failed.
    """

    planned: int
    found: int
    judged_again: int = 0
    changed: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    engine_seconds: float = 0.0
    engines: int = 0
    on_gpu: bool = False
    protections: Protections | None = None
    asked_at: float = math.inf
    unsent: int = 0
    refusals: Counter[str] = field(default_factory=Counter)

    @property
    def working_seconds(self) -> float:
        """Seconds since the first request, so without the start of the engines."""
        return time.time() - self.asked_at

    @property
    def made(self) -> int:
        return self.outcomes.total()

    @property
    def device_seconds(self) -> float:
        """Total seconds of all GPUs, or of all CPU engines, held by the call."""
        return self.engine_seconds * self.engines

    def add(self, row: dict[str, Any]) -> None:
        """Add a committed block."""
        self.outcomes.update(json.loads(row["outcomes"]))
        self.unsent += row["unsent"]
        self.refusals.update(json.loads(row["refusals"]))
        self.prompt_tokens += row["prompt_tokens"]
        self.completion_tokens += row["completion_tokens"]
        self.asked_at = min(self.asked_at, row[ASKED_AT])
        self.protections = weakest(self.protections, Protections(**json.loads(row["protections"])))

    def rates(self, seconds: float) -> dict[str, float]:
        """The displayed rates `seconds` after the call; token rates count from the first request."""
        working = max(self.working_seconds, 1e-3)
        return {
            "drafts": float(self.found + self.made),
            "accepted_share": self.outcomes[Outcome.ACCEPTED] / max(1, self.made),
            "prompt_tokens_per_s": self.prompt_tokens / working,
            "completion_tokens_per_s": self.completion_tokens / working,
            "device_s": seconds * self.engines,
        }


@dataclass(frozen=True)
class SynthesisCall:
    """The arguments of `synthesize`; `stage` is the name of the stage in messages."""

    run: RunDir
    plan: Plan
    teacher: EngineConfig
    sandbox: SandboxConfig
    config: SynthesisConfig
    progress: Progress
    stage: str = "synthesis"


def synthesize(call: SynthesisCall) -> SynthesisTally:
    """Generate, judge and commit every planned draft of the stored questions that is not committed yet.

    Raises:
        InputError: the teacher's server cannot be used.
        StageError: an engine does not start, its server fails, or the store failed; committed work is kept, and the same call
            continues.
    """
    run, config, progress, stage = call.run, call.config, call.progress, call.stage
    started = time.monotonic()
    finished = read_finished(run, not config.retry_faults, progress.say)
    with progress.wait(f"{stage}: the count of drafts that are stored"):
        work = _work(call, finished)
    tally = SynthesisTally(planned=work.planned, found=work.found)
    if work.outdated:
        _judge_again(call, work.outdated, tally)
    if work.lacking:
        _make(call, work.lacking, finished, tally)
        write_manifest(run, read_finished(run, True, progress.say))
    tally.seconds = time.monotonic() - started if work.lacking or work.outdated else 0.0
    return tally


def _judge_again(call: SynthesisCall, outdated: Sequence[OutdatedPart], tally: SynthesisTally) -> None:
    stage, say, drafts = call.stage, call.progress.say, sum(part.drafts for part in outdated)
    actors = call.config.verifiers or max(1, int(ray.cluster_resources().get("CPU", 1.0)))
    say(
        f"{stage}: {counted(drafts, 'stored draft')} judged by other rules or with another gold answer: they are judged again"
    )
    with call.progress.stage(f"{stage}.judging", "drafts", drafts) as bar:
        judged = judge_again(call.run, outdated, call.sandbox, actors, call.config.verifier_cpus, stage)
        for row in call.progress.each(judged, f"{stage}: verdicts"):
            tally.judged_again += row["judged"]
            tally.changed += row["changed"]
            tally.protections = weakest(tally.protections, Protections(**json.loads(row["protections"])))
            bar.update(tally.judged_again, f"{tally.changed} with a new outcome")
    say(f"{stage}: {tally.changed} of {tally.judged_again} drafts that were judged again have a new outcome")


def _make(call: SynthesisCall, work: Sequence[Block], finished: FinishedDrafts, tally: SynthesisTally) -> None:
    started, teacher = time.monotonic(), call.teacher
    tally.on_gpu = uses_gpu(teacher)
    engines = engine_count(teacher)
    tally.engines = engines * teacher.tensor_parallel
    sandboxes = min(len(work), verifier_count(call.config, teacher))
    each = " each" if engines > 1 else ""
    devices = counted(tally.engines, "GPU") if tally.on_gpu else f"{counted(teacher.cpus, 'CPU')}{each}"
    loads = f"; the model has to load{last}" if (last := last_load(teacher)) else ""
    boxes = counted(sandboxes, "sandbox", "sandboxes")
    call.progress.say(f"{call.stage}: {counted(engines, 'engine')} ({call.plan.engine}) on {devices}, {boxes}{loads}")
    attempts = Attempts.start(teacher.max_restarts)
    check_server(teacher, chat=call.plan.config.chat)

    def awaited() -> str:
        what = "the next drafts" if tally.made else waits_for(teacher, engines, attempts)
        return f"{call.stage}: {what}"

    with call.progress.stage(call.stage, "drafts", tally.planned, done=tally.found) as bar:
        committed = rows(_pipeline(call, work, finished, sandboxes, attempts), call.stage)
        stop = _Stop(engines * BATCHES_IN_FLIGHT + sandboxes)
        for row in call.progress.each(committed, awaited):
            tally.add(row)
            rates = tally.rates(time.monotonic() - started)
            bar.update(tally.found + tally.made, _note(rates, tally.on_gpu), rates)
            if stop.reached(row):
                break
    tally.engine_seconds = time.monotonic() - started
    if tally.unsent:
        raise StageError(_stopped(call, tally))


@dataclass
class _Stop:
    """Whether every block that was paid for has been committed, once engines send no more requests.

    `blocks` may be on their way. An engine returns unsent requests only after the last answer to those that it has sent.
    """

    blocks: int
    unsent: int = 0

    def reached(self, row: dict[str, Any]) -> bool:
        """Whether so many blocks in a row came back without any request sent."""
        self.unsent = self.unsent + 1 if row["unsent"] and not row["sent"] else 0
        return self.unsent >= self.blocks


def _stopped(call: SynthesisCall, tally: SynthesisTally) -> str:
    """The message of a stage that the teacher's server has stopped: its words, and what the same command will do."""
    causes = "; ".join(f"{count} x {words}" for words, count in tally.refusals.most_common(MOST_CAUSES))
    stored = counted(tally.found + tally.made - tally.refusals.total(), "draft")
    return (
        f"{call.stage}: the server of {call.teacher.model} refuses requests: {causes}. "
        f"{stored} of {tally.planned} are stored; the same command requests only the others"
    )


def _note(rates: dict[str, float], on_gpu: bool) -> str:
    tokens = f"{rates['prompt_tokens_per_s']:.0f} in, {rates['completion_tokens_per_s']:.0f} out tokens/s"
    return (
        f"{rates['accepted_share']:.0%} accepted, {tokens}, {rates['device_s']:.0f} {'GPU' if on_gpu else 'engine'}-s"
    )


@dataclass(frozen=True)
class _Work:
    """The remaining work: blocks with missing drafts, parts with outdated verdicts; `found` of the `planned` drafts exist."""

    planned: int
    found: int
    lacking: list[Block]
    outdated: list[OutdatedPart]


def _work(call: SynthesisCall, finished: FinishedDrafts) -> _Work:
    """Find the remaining work. If drafts exist, workers compute all ids, so that no engine starts for a complete block."""
    run, plan = call.run, call.plan
    everything = list(blocks(run, call.config.block_questions))
    planned = sum(block.questions for block in everything) * plan.drafts_per_question
    if not len(finished.ids):
        return _Work(planned, 0, everything, [])
    arguments = {"location": run.location, "plan": plan, "rules": rules_of(call.sandbox), "finished": ray.put(finished)}
    chunks = ray.data.from_items([{BLOCK: json.dumps(asdict(block))} for block in everything])
    counted = chunks.map_batches(_count, fn_kwargs=arguments, batch_format="pyarrow")
    rows_by_block = {Block(**json.loads(row[BLOCK])): row for row in counted.iter_rows()}
    missing = {block: row["missing"] for block, row in rows_by_block.items()}
    outdated = outdated_parts({block: json.loads(rows_by_block[block]["outdated"]) for block in everything})
    lacking = [block for block in everything if missing[block]]
    return _Work(planned, planned - sum(missing.values()), lacking, outdated)


def _count(batch: pa.Table, location: str, plan: Plan, rules: str, finished: Any) -> pa.Table:
    """For each block, the number of missing drafts, and the numbers of outdated verdicts by part."""
    run, finished_drafts = RunDir(location), ray.get(finished)
    missing, outdated = [], []
    for text in batch[BLOCK].to_pylist():
        questions = read_block(run, Block(**json.loads(text)))
        missing.append(sum(len(drafts) for _, drafts in _lacking(questions, plan, finished_drafts)))
        outdated.append(json.dumps(_outdated(questions, plan, rules, finished_drafts)))
    columns = {"missing": pa.array(missing, pa.int64()), "outdated": pa.array(outdated, pa.string())}
    return pa.table({BLOCK: batch[BLOCK], **columns})


def _outdated(questions: Sequence[Question], plan: Plan, rules: str, finished: FinishedDrafts) -> Counter[str]:
    counts = Counter[str]()
    for question in questions:
        ids: dict[PathKind, list[str]] = {}
        for draft in plan.drafts(question):
            ids.setdefault(draft.path, []).append(draft.request.request_id)
        for path, some in ids.items():
            counts += finished.outdated(some, judged_by(rules, question, path))
    return counts


def _lacking(
    questions: Sequence[Question], plan: Plan, finished: FinishedDrafts
) -> Iterator[tuple[Question, list[PlannedDraft]]]:
    for question in questions:
        drafts = list(plan.drafts(question))
        missing = finished.missing([draft.request.request_id for draft in drafts])
        yield question, [draft for draft, lacks in zip(drafts, missing, strict=True) if lacks]


def _pipeline(
    call: SynthesisCall, work: Sequence[Block], finished: FinishedDrafts, sandboxes: int, attempts: Any
) -> ray.data.Dataset:
    run = call.run
    chunks = [pa.table({BLOCK: [json.dumps(asdict(block))]}) for block in work]
    planned = ray.data.from_arrow(chunks).map_batches(
        _requests,
        fn_kwargs={"location": run.location, "plan": call.plan, "finished": ray.put(finished)},
        batch_size=None,
        batch_format="pyarrow",
        num_cpus=0,
        compute=ray.data.TaskPoolStrategy(size=min(PLANNERS, len(work))),
    )
    generated = generate(planned, call.teacher, attempts=attempts)
    return generated.map_batches(
        _VerifyAndCommit,
        fn_constructor_args=(run.location, call.sandbox),
        batch_size=None,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=sandboxes),
        num_cpus=call.config.verifier_cpus,
        max_restarts=-1,
        max_task_retries=-1,
    )


def verifier_count(config: SynthesisConfig, teacher: EngineConfig) -> int:
    """The number of sandboxes: `config.verifiers` if set, else one per CPU not used by engines."""
    if config.verifiers is not None:
        return config.verifiers
    free = ray.cluster_resources().get("CPU", 1.0) - engine_count(teacher) * teacher.cpus
    return max(1, int(free))


def _requests(batch: pa.Table, location: str, plan: Plan, finished: Any) -> pa.Table:
    """A block's questions and its missing requests, as JSON, because Arrow unifies the fields of all rows."""
    run, finished_drafts = RunDir(location), ray.get(finished)
    work, requests = [], []
    for text in batch[BLOCK].to_pylist():
        lacking = [
            pair for pair in _lacking(read_block(run, Block(**json.loads(text))), plan, finished_drafts) if pair[1]
        ]
        work.append(json.dumps([_lack(question, drafts) for question, drafts in lacking]))
        requests.append(to_json([draft.request for _, drafts in lacking for draft in drafts]))
    return pa.table({WORK: pa.array(work, pa.string()), REQUESTS: pa.array(requests, pa.string())})


def _lack(question: Question, drafts: Sequence[PlannedDraft]) -> dict[str, Any]:
    return {"question": asdict(question), "drafts": [(draft.path, draft.sample_index) for draft in drafts]}


class _VerifyAndCommit:
    """The actor that owns a sandbox, turns a block's generations into drafts and verdicts, and commits them."""

    def __init__(self, location: str, sandbox: SandboxConfig) -> None:
        self.run = RunDir(location)
        self.sandbox = Sandbox(sandbox)

    def __call__(self, batch: pa.Table) -> pa.Table:
        everything = [pair for row in batch.to_pylist() for pair in _drafts(row)]
        pairs = [pair for pair in everything if pair[1].finish_reason != UNSENT]
        verdicts = verify(self.sandbox, pairs)
        drafts = [draft for _, draft in pairs]
        commit(self.run, drafts, verdicts)
        meters.count_drafts(drafts)
        meters.count_verdicts(verdicts, "synthesis")
        return pa.table(
            {
                ASKED_AT: [min(batch[ASKED_AT].to_pylist())],
                "sent": [len(pairs)],
                "unsent": [len(everything) - len(pairs)],
                "refusals": [json.dumps(Counter(draft.text for draft in drafts if draft.finish_reason == UNAVAILABLE))],
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
        text=storable(generation.error or generation.text),
        sample_index=index,
        finish_reason=generation.finish_reason,
        prompt_tokens=generation.prompt_tokens,
        completion_tokens=generation.completion_tokens,
        mean_logprob=generation.mean_logprob,
        engine=generation.engine,
        reasoning=storable(generation.reasoning),
    )


def commit(run: RunDir, drafts: Sequence[Draft], verdicts: Sequence[Verdict]) -> None:
    """Write a block's verdicts, then its drafts; the block counts as done once the part of drafts exists.

    Drafts for which the engine failed are stored separately, so that they can be requested again.
    """
    faults = [draft for draft in drafts if draft.failed]
    generated = [draft for draft in drafts if not draft.failed]
    if faults:
        run.write_records(f"{FAULTS}/{_part(faults)}", Draft, faults)
    if generated:
        ids = {draft.draft_id for draft in generated}
        run.write_records(f"{VERDICTS}/{_part(generated)}", Verdict, [v for v in verdicts if v.draft_id in ids])
        run.write_records(f"{DRAFTS}/{_part(generated)}", Draft, generated)


def _part(drafts: Sequence[Draft]) -> str:
    return f"part-{content_id('part', [draft.draft_id for draft in drafts])}.parquet"
