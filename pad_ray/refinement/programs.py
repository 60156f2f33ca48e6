"""The correct programs of a run: what errors are injected into, and what a student's own failures are repaired to."""

from collections.abc import Collection, Sequence

from pad_ray.errors import DeadEndError, StageError
from pad_ray.refinement.inject import Correct
from pad_ray.refinement.pipeline import CORRECT, write_correct
from pad_ray.run.folder import RunDir
from pad_ray.schema import AnswerKind, CorpusRow, Objective, Question, Verdict, from_table
from pad_ray.synthesis.corpus import TRAIN, VALIDATION
from pad_ray.synthesis.finished import VERDICTS
from pad_ray.synthesis.questions import TRAIN as QUESTIONS


def store_programs(run: RunDir) -> int:
    """Write the corpus' programs under `CORRECT`, one part of the corpus in memory at a time; returns how many.

    Raises:
        DeadEndError: the corpus holds no programs.
        StageError: it holds questions that the run does not have.
    """
    run.delete(CORRECT)
    stored = 0
    for part in [*run.parts(TRAIN), *run.parts(VALIDATION)]:
        rows = [row for row in from_table(CorpusRow, run.read_part(part)) if row.objective is Objective.PROGRAM]
        if rows:
            write_correct(run, f"{CORRECT}/{part.replace('/', '-')}", _programs(run, part, rows))
            stored += len(rows)
    if not stored:
        raise DeadEndError(
            f"refinement: {run.path('corpus')} holds no programs, and nothing else can be executed for its errors; "
            "distil with `program` among synthesis.paths and corpus.objectives"
        )
    return stored


def read_programs(run: RunDir, question_ids: Collection[str]) -> list[Correct]:
    """The stored programs of these questions."""
    table = run.select(CORRECT, Correct, "question_id", question_ids)
    return [Correct(**{**row, "answer_kind": AnswerKind(row["answer_kind"])}) for row in table.to_pylist()]


def _programs(run: RunDir, part: str, rows: Sequence[CorpusRow]) -> list[Correct]:
    asked = {row.question_id for row in rows}
    found = from_table(Question, run.select(QUESTIONS, Question, "question_id", asked))
    questions = {question.question_id: question for question in found}
    if asked - questions.keys():
        raise StageError(
            f"refinement: {len(asked - questions.keys())} questions of {part} are not in {QUESTIONS}; the command that "
            "built the corpus builds both again"
        )
    # What was taken for right where the question has no gold.
    unknown = [row.draft_id for row in rows if not questions[row.question_id].gold]
    verdicts = from_table(Verdict, run.select(VERDICTS, Verdict, "draft_id", unknown))
    values = {verdict.draft_id: verdict.value for verdict in verdicts}
    return [Correct.of(questions[row.question_id], row.draft_id, row.target, values.get(row.draft_id)) for row in rows]
