"""Turns kept drafts into corpus rows: a draft gives rows for every objective that its path supports."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial

from pad_ray.errors import InputError, attempt
from pad_ray.paths import PATHS
from pad_ray.paths.answer import answer_source, answer_target
from pad_ray.paths.socratic import decompose_source, decompose_target, step_examples
from pad_ray.schema import CorpusRow, Objective, Outcome, PathKind, Question, content_id
from pad_ray.synthesis.config import CorpusConfig
from pad_ray.synthesis.select import JudgedDraft

WHOLE = {
    PathKind.PROGRAM: Objective.PROGRAM,
    PathKind.RATIONALE: Objective.RATIONALE,
    PathKind.SOCRATIC: Objective.UNIFIED_SOCRATIC,
}
"""The objective that teaches the unchanged path."""

TAUGHT_FROM: dict[Objective, tuple[PathKind, ...]] = {
    **{objective: (kind,) for kind, objective in WHOLE.items()},
    Objective.DECOMPOSE: (PathKind.SOCRATIC,),
    Objective.SOLVE_STEP: (PathKind.SOCRATIC,),
    Objective.ANSWER: tuple(PathKind),
}


def objectives_of(kinds: Sequence[PathKind], config: CorpusConfig) -> list[Objective]:
    """The objectives for drafts of these kinds.

    Raises:
        InputError: none of the kinds teaches an objective, or a kind teaches none of the objectives.
    """
    if config.objectives is None:
        return [WHOLE[kind] for kind in kinds]
    for objective in config.objectives:
        if not set(TAUGHT_FROM[objective]) & set(kinds):
            (needed,) = TAUGHT_FROM[objective]
            raise InputError(f"corpus.objectives: {objective} is taught by {needed} paths; add it to synthesis.paths")
    for kind in kinds:
        if not any(kind in TAUGHT_FROM[objective] for objective in config.objectives):
            raise InputError(
                f"synthesis.paths: {kind} paths teach none of corpus.objectives ({', '.join(config.objectives)}); leave "
                f"{kind} out, or add {WHOLE[kind]} to corpus.objectives"
            )
    return config.objectives


def teach(
    question: Question, judged: Sequence[JudgedDraft], objectives: Collection[Objective]
) -> tuple[list[JudgedDraft], list[CorpusRow]]:
    """All drafts of a question in order, and the distinct rows of the accepted ones.

    An accepted draft without new rows is a duplicate; with the objective `answer`, so is every draft after the first.
    """
    rows: dict[str, CorpusRow] = {}
    taught = []
    for item in judged:
        if item.accepted:
            new_rows = attempt(partial(_new_rows, question, item, objectives, rows), str)
            if isinstance(new_rows, str):
                item = item.fault(new_rows)
            elif not new_rows:
                item = item.drop(Outcome.DUPLICATE, "teaches nothing that an earlier draft does not")
            else:
                rows |= {row.row_id: row for row in new_rows}
        taught.append(item)
    return taught, list(rows.values())


def _new_rows(
    question: Question, item: JudgedDraft, objectives: Collection[Objective], known: Mapping[str, CorpusRow]
) -> list[CorpusRow] | str:
    return [row for row in _rows(question, item, objectives) if row.row_id not in known]


def _rows(question: Question, item: JudgedDraft, objectives: Collection[Objective]) -> Iterator[CorpusRow]:
    for objective in objectives:
        if item.draft.path in TAUGHT_FROM[objective]:
            for source, target in _examples(question, item, objective):
                row_id = content_id("row", question.question_id, objective, source, target)
                yield CorpusRow(row_id, question.question_id, item.draft.draft_id, objective, source, target)


def _examples(question: Question, item: JudgedDraft, objective: Objective) -> list[tuple[str, str]]:
    """Source and target of each row of a draft for one objective."""
    match objective:
        case Objective.ANSWER:
            # A question without gold uses the majority answer of its drafts.
            return [(answer_source(question), answer_target(question.gold or item.verdict.value or ""))]
        case Objective.DECOMPOSE:
            return [(decompose_source(question), decompose_target(item.text))]
        case Objective.SOLVE_STEP:
            return step_examples(question, item.text)
        case _:
            return [(PATHS[item.draft.path]().source(question), item.text)]
