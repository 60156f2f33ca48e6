"""From drafts to verdicts: programs are executed in a sandbox, rationales and Socratic solutions are read."""

from collections.abc import Sequence

from pad_ray.paths import PATHS
from pad_ray.paths.base import Parsed, unfinished
from pad_ray.paths.rationale import judge_rationale
from pad_ray.paths.socratic import judge_socratic
from pad_ray.sandbox import Candidate, Sandbox, judge
from pad_ray.schema import FEEDBACK_CHARACTERS, Draft, Outcome, PathKind, Question, Verdict
from pad_ray.tasks.answers import canonical_gold, extract_final_answer

READERS = {PathKind.RATIONALE: judge_rationale, PathKind.SOCRATIC: judge_socratic}


def read_path(draft: Draft) -> Parsed:
    """The path in a draft, as it is judged and taught."""
    return PATHS[draft.path]().parse(draft.text)


def verify(sandbox: Sandbox, pairs: Sequence[tuple[Question, Draft]]) -> list[Verdict]:
    """One verdict a draft, in order. Only paths that are whole are judged; without gold the answer is not compared."""
    verdicts: dict[str, Verdict] = {}
    candidates = []
    for question, draft in pairs:
        path = read_path(draft)
        early = _without_judging(draft, path)
        if early is not None:
            verdicts[draft.draft_id] = early
        elif draft.path is PathKind.PROGRAM:
            gold = question.gold or None
            candidates.append(Candidate(draft.draft_id, path.text, gold, question.answer_kind, question.text))
        else:
            verdicts[draft.draft_id] = _read(question, draft, path.text)
    verdicts |= {verdict.draft_id: verdict for verdict in judge(sandbox, candidates)}
    return [verdicts[draft.draft_id] for _, draft in pairs]


def engine_fault(draft: Draft) -> Verdict:
    """The verdict on a draft that the engine failed to make: its text says why."""
    return Verdict(draft.draft_id, Outcome.ENGINE_FAULT, None, draft.text[:FEEDBACK_CHARACTERS], 0.0)


def _without_judging(draft: Draft, path: Parsed) -> Verdict | None:
    if draft.failed:
        return engine_fault(draft)
    if draft.finish_reason == "length" and not path.complete:
        return Verdict(draft.draft_id, Outcome.TRUNCATED, None, unfinished(draft.path), 0.0)
    if path.failure is not None:
        return Verdict(draft.draft_id, Outcome.NO_ANSWER, None, path.failure[:FEEDBACK_CHARACTERS], 0.0)
    return None


def _read(question: Question, draft: Draft, text: str) -> Verdict:
    kind = question.answer_kind
    gold = question.gold or extract_final_answer(kind, text) or ""
    try:
        canonical_gold(kind, gold)
    except ValueError:
        return Verdict(draft.draft_id, Outcome.NOT_COMPARABLE, None, f"the answer is no {kind.value} answer", 0.0)
    return READERS[draft.path](draft.draft_id, text, gold, kind)
