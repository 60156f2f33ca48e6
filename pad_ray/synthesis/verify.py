"""Turns drafts into verdicts: programs are executed in a sandbox, rationales and Socratic solutions are read."""

from collections.abc import Sequence

from pad_ray.errors import attempt
from pad_ray.paths import PATHS
from pad_ray.paths.base import ParsedPath, unfinished
from pad_ray.paths.rationale import judge_rationale
from pad_ray.paths.socratic import judge_socratic
from pad_ray.sandbox import Candidate, Sandbox
from pad_ray.sandbox.judgement import judge_each, judged_by, named, rules_of, sandbox_fault
from pad_ray.schema import FEEDBACK_CHARACTERS, Draft, Outcome, PathKind, Question, Verdict
from pad_ray.tasks.answers import canonical_gold, extract_final_answer

READERS = {PathKind.RATIONALE: judge_rationale, PathKind.SOCRATIC: judge_socratic}


UNREADABLE = ParsedPath("", True)
"""The path of a text that crashes its reader."""


def read_path(draft: Draft) -> ParsedPath:
    """The path in a draft, in the form that is judged and taught; `UNREADABLE` if its text crashes the reader."""
    return attempt(lambda: PATHS[draft.path]().parse(draft.text), lambda _: UNREADABLE)


def verify(sandbox: Sandbox, pairs: Sequence[tuple[Question, Draft]]) -> list[Verdict]:
    """One verdict per draft, in order. Only complete paths are judged; without gold the answer is not compared.

    A draft that crashes its judge is a `sandbox_fault` with the reason as feedback.
    """
    early = {draft.draft_id: _early(question, draft) for question, draft in pairs}
    candidates = [item for item in early.values() if isinstance(item, Candidate)]
    verdicts = {verdict.draft_id: verdict for verdict in judge_each(sandbox, candidates)}
    verdicts |= {name: item for name, item in early.items() if isinstance(item, Verdict)}
    rules = rules_of(sandbox.config)
    return [named(verdicts[draft.draft_id], judged_by(rules, question, draft.path)) for question, draft in pairs]


def _early(question: Question, draft: Draft) -> Verdict | Candidate:
    """The verdict on a draft that is not executed, or the candidate to execute."""
    return attempt(lambda: _before_execution(question, draft), lambda reason: sandbox_fault(draft.draft_id, reason))


def _before_execution(question: Question, draft: Draft) -> Verdict | Candidate:
    if draft.failed:
        return engine_fault(draft)
    path = PATHS[draft.path]().parse(draft.text)
    if draft.finish_reason == "length" and not path.complete:
        return Verdict(draft.draft_id, Outcome.TRUNCATED, None, unfinished(draft.path), 0.0)
    if path.failure is not None:
        return Verdict(draft.draft_id, Outcome.NO_ANSWER, None, path.failure[:FEEDBACK_CHARACTERS], 0.0)
    if draft.path is not PathKind.PROGRAM:
        return _read(question, draft, path.text)
    return Candidate(draft.draft_id, path.text, question.gold or None, question.answer_kind, question.text)


def engine_fault(draft: Draft) -> Verdict:
    """The verdict on a draft for which the engine failed; the draft's text is the reason."""
    return Verdict(draft.draft_id, Outcome.ENGINE_FAULT, None, draft.text[:FEEDBACK_CHARACTERS], 0.0)


def _read(question: Question, draft: Draft, text: str) -> Verdict:
    kind = question.answer_kind
    gold = question.gold or extract_final_answer(kind, text) or ""
    try:
        canonical_gold(kind, gold)
    except ValueError:
        return Verdict(draft.draft_id, Outcome.NOT_COMPARABLE, None, f"the answer is no {kind.value} answer", 0.0)
    return READERS[draft.path](draft.draft_id, text, gold, kind)
