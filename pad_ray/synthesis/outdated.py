"""Judges stored drafts again if the rules, the gold answer or the question's text have changed since their verdict.

This needs no engine. A part of verdicts is the unit of work and is replaced by a rename. After a kill, either the old or the
new part exists, and the next call judges the remaining parts.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import ray.data

from pad_ray.run import meters
from pad_ray.run.folder import RunDir
from pad_ray.run.workers import rows
from pad_ray.sandbox import Sandbox, SandboxConfig
from pad_ray.sandbox.judgement import judged_by, rules_of
from pad_ray.schema import Draft, Question, Verdict, from_table
from pad_ray.synthesis.finished import DRAFTS, VERDICTS
from pad_ray.synthesis.questions import Block, read_block
from pad_ray.synthesis.verify import verify

PART, BLOCKS = "part", "blocks"


@dataclass(frozen=True)
class OutdatedPart:
    """A part of drafts, the number of its outdated verdicts, and the blocks of their questions."""

    name: str
    drafts: int
    blocks: tuple[Block, ...]


def outdated_parts(counts_by_block: Mapping[Block, Mapping[str, int]]) -> list[OutdatedPart]:
    """The outdated parts, from the counts by block and part; a part may have drafts of several blocks."""
    drafts: Counter[str] = Counter()
    blocks: dict[str, list[Block]] = {}
    for block, counts in counts_by_block.items():
        drafts.update(counts)
        for name in counts:
            blocks.setdefault(name, []).append(block)
    return [OutdatedPart(name, drafts[name], tuple(blocks[name])) for name in sorted(drafts)]


def judge_again(
    run: RunDir, parts: Sequence[OutdatedPart], sandbox: SandboxConfig, actors: int, cpus: float, stage: str
) -> Iterator[dict[str, Any]]:
    """Judge the outdated drafts of the parts. Yields the counts of `_JudgeAgain` for each replaced part.

    Raises:
        StageError: an actor failed permanently, or the store failed; the same call continues.
    """
    chunks = [
        pa.table({PART: [part.name], BLOCKS: [json.dumps([asdict(block) for block in part.blocks])]}) for part in parts
    ]
    yield from rows(
        ray.data.from_arrow(chunks).map_batches(
            _JudgeAgain,
            fn_constructor_args=(run.location, sandbox),
            batch_size=None,
            batch_format="pyarrow",
            compute=ray.data.ActorPoolStrategy(size=min(actors, len(parts))),
            num_cpus=cpus,
            max_restarts=-1,
            max_task_retries=-1,
        ),
        stage,
    )


class _JudgeAgain:
    """The actor that owns a sandbox and replaces parts of verdicts."""

    def __init__(self, location: str, sandbox: SandboxConfig) -> None:
        self.run = RunDir(location)
        self.rules = rules_of(sandbox)
        self.sandbox = Sandbox(sandbox)

    def __call__(self, batch: pa.Table) -> pa.Table:
        counts = [self._part(row[PART], row[BLOCKS]) for row in batch.to_pylist()]
        protections = json.dumps(asdict(self.sandbox.protections))
        return pa.Table.from_pylist([{**one, "protections": protections} for one in counts])

    def _part(self, name: str, blocks: str) -> dict[str, int]:
        """The number of drafts of a part that were judged, and how many of them changed their outcome."""
        drafts = from_table(Draft, self.run.read_part(name))
        place = name.replace(DRAFTS, VERDICTS, 1)
        before = {verdict.draft_id: verdict for verdict in from_table(Verdict, self.run.read_part(place))}
        pairs = [
            pair for pair in self._pairs(drafts, blocks) if before[pair[1].draft_id].judged_by != self._name(*pair)
        ]
        fresh = {verdict.draft_id: verdict for verdict in verify(self.sandbox, pairs)}
        self.run.write_records(place, Verdict, [(before | fresh)[draft.draft_id] for draft in drafts])
        meters.count_verdicts(list(fresh.values()), "synthesis")
        changed = sum(verdict.outcome is not before[verdict.draft_id].outcome for verdict in fresh.values())
        return {"judged": len(fresh), "changed": changed}

    def _pairs(self, drafts: Sequence[Draft], blocks: str) -> list[tuple[Question, Draft]]:
        """The drafts with their questions, except drafts whose question is no longer part of the run."""
        block_questions = (
            question for block in json.loads(blocks) for question in read_block(self.run, Block(**block))
        )
        questions = {question.question_id: question for question in block_questions}
        return [(questions[draft.question_id], draft) for draft in drafts if draft.question_id in questions]

    def _name(self, question: Question, draft: Draft) -> str:
        return judged_by(self.rules, question, draft.path)
