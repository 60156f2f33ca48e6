"""The correct programs of a run: the input of error injection, and the targets for repairs of a student's failures."""

from collections.abc import Collection, Sequence

from pad_ray.errors import DeadEndError, StageError
from pad_ray.refinement.inject import CorrectProgram
from pad_ray.refinement.pipeline import CORRECT, write_correct
from pad_ray.run.folder import RunDir
from pad_ray.schema import AnswerKind, CorpusRow, Objective, Question, Verdict, from_table
from pad_ray.synthesis.corpus import TRAIN, VALIDATION
from pad_ray.synthesis.finished import VERDICTS
from pad_ray.synthesis.questions import TRAIN as QUESTIONS


def store_programs(run: RunDir) -> int:
    """Write the programs of the corpus to `CORRECT`, with one part in memory at a time; returns their number.

    Raises:
        DeadEndError: the corpus has no programs.
        StageError: the corpus has questions that the run does not have.
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
            f"refinement: {run.path('corpus')} holds no programs, and only programs can be executed to find errors; "
            "distil with `program` among synthesis.paths and corpus.objectives"
        )
    return stored


def read_programs(run: RunDir, question_ids: Collection[str]) -> list[CorrectProgram]:
    """The stored programs of these questions."""
    table = run.select(CORRECT, CorrectProgram, "question_id", question_ids)
    return [CorrectProgram(**{**row, "answer_kind": AnswerKind(row["answer_kind"])}) for row in table.to_pylist()]


def _programs(run: RunDir, part: str, rows: Sequence[CorpusRow]) -> list[CorrectProgram]:
    question_ids = {row.question_id for row in rows}
    stored = from_table(Question, run.select(QUESTIONS, Question, "question_id", question_ids))
    questions = {question.question_id: question for question in stored}
    if question_ids - questions.keys():
        raise StageError(
            f"refinement: {len(question_ids - questions.keys())} questions of {part} are not in {QUESTIONS}; the command that "
            "built the corpus builds both again"
        )
    # The accepted answers of questions without gold.
    unknown = [row.draft_id for row in rows if not questions[row.question_id].gold]
    verdicts = from_table(Verdict, run.select(VERDICTS, Verdict, "draft_id", unknown))
    values = {verdict.draft_id: verdict.value for verdict in verdicts}
    return [
        CorrectProgram.of(questions[row.question_id], row.draft_id, row.target, values.get(row.draft_id))
        for row in rows
    ]
