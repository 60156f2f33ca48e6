"""The hash that identifies the inputs of a verdict, and judging that returns a verdict even if a text crashes the judge.

A verdict is stored with the hash `judged_by`. A resumed run computes the hash again. If it differs, because a rule, a limit,
a gold answer or the text of the question has changed, the stored text is judged again.
"""

import inspect
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import cache

from pad_ray.errors import attempt
from pad_ray.paths import PATHS
from pad_ray.sandbox.config import SandboxConfig
from pad_ray.sandbox.judge import Candidate, judge
from pad_ray.sandbox.sandbox import Sandbox
from pad_ray.schema import FEEDBACK_CHARACTERS, AnswerKind, Outcome, PathKind, Question, Verdict, content_id, storable

JUDGEMENT_VERSION = 2
"""The version of the judging rules. Raise it with every change to reading (`pad_ray.paths`), execution (`pad_ray.sandbox`)
or comparison (`pad_ray.tasks.answers`) that can change an outcome: earlier runs are then judged again. Verdicts and
solutions without a version have version 1.
"""

JUDGED_BY_DIGITS = 16
LIMITS = {"cpu_s", "wall_s", "memory_mib", "output_bytes", "program_bytes", "allowed_imports", "interpreter"}
"""Settings of a sandbox that can change an outcome. The number of workers and the protections of the host cannot."""


def rules_of(sandbox: SandboxConfig) -> str:
    """A hash of the rules behind this sandbox's verdicts: the version of the rules and the limits of a program."""
    limits = sandbox.model_dump(mode="json", include=LIMITS)
    return content_id("rules", JUDGEMENT_VERSION, {**limits, "allowed_imports": sorted(limits["allowed_imports"])})


def judged_by(rules: str, question: Question, path: PathKind) -> str:
    """A hash of all that determines the verdict on a draft of this kind: rules, reader, gold answer and question."""
    return name_of(rules, reader_of(path), question.gold, question.answer_kind, question.text)


def name_of(rules: str, reader: str, gold: str | None, kind: AnswerKind, text: str | None) -> str:
    """`judged_by` from its parts, as hex digits."""
    return content_id("judged", rules, reader, gold, kind, text)[:JUDGED_BY_DIGITS]


@cache
def reader_of(path: PathKind) -> str:
    """The name of the class that reads a path of this kind; for a user's class it includes a hash of the module's source."""
    reader = PATHS[path]
    name = f"{reader.__module__}:{reader.__qualname__}"
    if reader.__module__.startswith("pad_ray."):
        return name
    try:
        return f"{name}:{content_id(inspect.getsource(sys.modules[reader.__module__]))}"
    except (OSError, TypeError, KeyError):
        return name


def named(verdict: Verdict, name: str) -> Verdict:
    """The verdict in storable form, with its `judged_by`."""
    value = None if verdict.value is None else storable(verdict.value)
    return replace(verdict, value=value, feedback=storable(verdict.feedback), judged_by=name)


def judge_each(sandbox: Sandbox, candidates: Sequence[Candidate]) -> list[Verdict]:
    """As `judge`; a candidate that crashes it is a `sandbox_fault` and does not affect the other verdicts.

    Raises:
        StageError: the sandbox lost its workers and could not start new ones.
    """
    return attempt(
        lambda: judge(sandbox, candidates), lambda _: [_judge_alone(sandbox, candidate) for candidate in candidates]
    )


def _judge_alone(sandbox: Sandbox, candidate: Candidate) -> Verdict:
    return attempt(lambda: judge(sandbox, [candidate])[0], lambda reason: sandbox_fault(candidate.candidate_id, reason))


def sandbox_fault(draft_id: str, reason: str) -> Verdict:
    """The verdict on a text that crashes its judge."""
    return Verdict(draft_id, Outcome.SANDBOX_FAULT, None, f"judging failed: {reason}"[:FEEDBACK_CHARACTERS], 0.0)
