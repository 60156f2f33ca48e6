"""Validation questions that a student answers during training, so that accuracy can select the best checkpoint."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from pad_ray.errors import DeadEndError, StageError, attempt
from pad_ray.paths import PATHS
from pad_ray.paths.answer import answer_source
from pad_ray.paths.reading import Answer, broken_answer, read_answer
from pad_ray.run.folder import RunDir
from pad_ray.sandbox import Candidate
from pad_ray.schema import Objective, PathKind, Question
from pad_ray.synthesis.questions import TRAIN as QUESTIONS
from pad_ray.synthesis.rows import WHOLE

if TYPE_CHECKING:
    pass

# A direct answer is read as a rationale without steps.
KINDS = {objective: kind for kind, objective in WHOLE.items()} | {Objective.ANSWER: PathKind.RATIONALE}


@dataclass(frozen=True)
class Completion:
    """A student's text; `cut` is True if the token limit ended it."""

    text: str
    cut: bool


@dataclass(frozen=True)
class Probe:
    """A question, and the objective that determines its prompt."""

    question: Question
    objective: Objective

    @property
    def kind(self) -> PathKind:
        return KINDS[self.objective]

    @property
    def prompt(self) -> str:
        if self.objective is Objective.ANSWER:
            return answer_source(self.question)
        return PATHS[self.kind]().source(self.question)

    def read(self, completion: Completion) -> Answer | Candidate:
        """The answer of a completion, or the program to execute; read in the same way as in an evaluation."""
        path = PATHS[self.kind]()
        text, ended = up_to_stop(completion.text, path.stop)
        parsed = attempt(partial(path.parse, text), partial(broken_answer, self.kind, text))
        if isinstance(parsed, Answer):
            return parsed
        answer = read_answer(self.kind, parsed, self.question.answer_kind, cut=completion.cut and not ended)
        # Without gold and the question's text, a program is only executed: a student is scored only on its answer.
        return answer or Candidate(self.question.question_id, parsed.text, None, self.question.answer_kind, None)


def up_to_stop(text: str, stops: Sequence[str]) -> tuple[str, bool]:
    """A completion up to its first stop text, as an engine cuts it, and whether there was one."""
    ends = [text.index(stop) for stop in stops if stop in text]
    return text[: min(ends, default=len(text))], bool(ends)


def choose_probes(run: RunDir, folder: str, count: int) -> list[Probe]:
    """The `count` questions with the smallest ids for each objective in `folder` that answers questions.

    Raises:
        DeadEndError: no row of `folder` answers a question.
        StageError: the run lacks some of the questions.
    """
    if not count:
        return []
    taught = _questions_by_objective(run, folder)
    wanted = {objective: sorted(taught[objective])[:count] for objective in KINDS if objective in taught}
    if not wanted:
        raise DeadEndError(
            f"training: {folder} has no row with a whole path, so its questions cannot be answered; leave out "
            "--training.validation_questions"
        )
    names = {name for some in wanted.values() for name in some}
    questions = {one.question_id: one for one in run.iter_records(QUESTIONS, Question) if one.question_id in names}
    if len(questions) < len(names):
        raise StageError(
            f"training: {QUESTIONS} holds {len(questions)} of {len(names)} questions of {folder}; leave out "
            "--training.validation_questions"
        )
    return [Probe(questions[name], objective) for objective, some in wanted.items() for name in some]


def _questions_by_objective(run: RunDir, folder: str) -> dict[str, set[str]]:
    questions: dict[str, set[str]] = {}
    for part in run.parts(folder):
        for row in run.read_part(part, ["question_id", "objective"]).to_pylist():
            questions.setdefault(row["objective"], set()).add(row["question_id"])
    return questions
