"""Direct answers after solved questions: the prompts that measure general ability, for which no student is trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from pad_ray.paths.answer import ANSWER_CUE, answer_target
from pad_ray.paths.base import Message, ParsedPath, ReasoningPath
from pad_ray.paths.rationale import Rationale
from pad_ray.schema import AnswerKind, Question


@dataclass(frozen=True)
class DirectAnswers(Rationale):
    """A rationale without its steps for the tasks in `shots`; other tasks use the path `others`.

    This is BIG-bench-Hard's direct prompting (2210.09261, section 3): each question follows solved questions of its own
    sub-task, each with its published text and only the answer, in the line `#### answer` that the reader of rationales expects.
    """

    shots: Mapping[str, Sequence[Question]] = field(default_factory=dict)
    others: ReasoningPath = field(default_factory=Rationale)

    @property
    def stop(self) -> tuple[str, ...]:
        """As `others`."""
        return self.others.stop

    def prompt(self, question: Question, sample_index: int = 0) -> str | tuple[Message, ...]:
        """The solved questions of the question's task, then the question."""
        if question.task not in self.shots:
            return self.others.prompt(question, sample_index)
        solved = [f"{_source(one)}{answer_target(_gold_text(one))}\n\n" for one in self.shots[question.task]]
        return "".join(solved) + _source(question)

    def parse(self, completion: str) -> ParsedPath:
        """As `others`."""
        return self.others.parse(completion)


def _source(question: Question) -> str:
    return f"Question: {question.text.strip()}\n{ANSWER_CUE}\n"


def _gold_text(question: Question) -> str:
    return f"({question.gold})" if question.answer_kind is AnswerKind.OPTION else question.gold
