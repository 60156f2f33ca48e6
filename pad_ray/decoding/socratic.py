"""Socratic inference (2212.00193): split a question into sub-questions and answer them in turn, without a teacher.

`iterative`: the decomposer writes all sub-questions, then the solver answers one at a time and reads its earlier answers.
`unified`: one text holds sub-questions and answers. The decomposer is the student itself or a separate model (QG and QA in the
paper).
"""

from typing import Literal

from pydantic import Field

from pad_ray.decoding.base import Answer, Attempt, Strategy
from pad_ray.decoding.calculator import CalculatedText, complete
from pad_ray.paths.socratic import (
    SEPARATOR,
    SUB_QUESTION,
    decompose_source,
    read_step,
    read_sub_questions,
    step_source,
)
from pad_ray.schema import Outcome, PathKind

NEXT_QUESTION = "\nQuestion:"
STEP_ENDS = (NEXT_QUESTION, f"\n{SUB_QUESTION}")


class SocraticSteps(Strategy):
    """Gives the answer of the last step. With the calculator, the student computes none of the values in `<< >>`."""

    kind: Literal["socratic"] = "socratic"
    variant: Literal["iterative", "unified"] = Field(
        "iterative", description="iterative: all sub-questions, then one step each; unified: both in one text"
    )
    decomposer: str | None = Field(
        None, description="iterative: model that writes the sub-questions; default: the measured student"
    )
    calculator: bool = Field(False, description="let a calculator write the values in << >>")
    max_steps: int = Field(12, ge=1, description="maximum number of sub-questions; a question with more is `truncated`")
    step_tokens: int = Field(128, ge=1, description="maximum length of a step, in tokens")

    @property
    def continues_text(self) -> bool:
        """True with the calculator, which writes values into the text."""
        return self.calculator

    @property
    def works_line_by_line(self) -> bool:
        """Always: a step follows its sub-question."""
        return True

    @property
    def second_model(self) -> str | None:
        """The decomposer."""
        return self.decomposer if self.variant == "iterative" else None

    async def solve(self, attempt: Attempt) -> Answer:
        """The answer of the last step."""
        dialogue = await (self._unified(attempt) if self.variant == "unified" else self._iterative(attempt))
        attempt.texts.append(dialogue.text)
        if dialogue.error is not None:
            return Answer(PathKind.SOCRATIC, dialogue.text, Outcome.ENGINE_FAULT, None, dialogue.error)
        if dialogue.lack is not None:
            return Answer(PathKind.SOCRATIC, dialogue.text, Outcome.TRUNCATED, None, dialogue.lack)
        (answer,) = await attempt.read(PathKind.SOCRATIC, [dialogue.text], [dialogue.cut])
        return answer

    async def _unified(self, attempt: Attempt) -> CalculatedText:
        path = attempt.tools.paths[PathKind.SOCRATIC]
        prompt = path.prompt(attempt.question)
        if not isinstance(prompt, str):
            raise ValueError("socratic needs plain-text prompts: a calculator cannot continue a chat turn")
        tokens = attempt.tools.max_tokens
        return await complete(attempt, prompt, path.next_question, tokens, "unified", use=self.calculator)

    async def _iterative(self, attempt: Attempt) -> CalculatedText:
        source, tokens = decompose_source(attempt.question), attempt.tools.max_tokens
        ends, second = (NEXT_QUESTION,), attempt.tools.second
        split = await complete(attempt, source, ends, tokens, "decompose", use=False, engine=second)
        if split.error is not None:
            return split
        history: list[tuple[str, str]] = []
        stated: str | None = None
        sub_questions = _sub_questions(split.text)
        if split.cut:
            return CalculatedText(split.text, lack="the sub-questions do not end within the token limit")
        if len(sub_questions) > self.max_steps:
            # Do not drop steps: a solution without its last step answers another question.
            lack = f"the student asks {len(sub_questions)} sub-questions; raise max_steps, which is {self.max_steps}"
            return CalculatedText(split.text, lack=lack)
        cut = False
        for number, sub_question in enumerate(sub_questions):
            source = step_source(attempt.question, history, sub_question)
            step = await complete(attempt, source, STEP_ENDS, self.step_tokens, "step", number, use=self.calculator)
            if step.error is not None:
                return CalculatedText(_text(history, stated), step.error)
            (answer, stated), cut = read_step(step.text), step.cut
            history.append((sub_question, answer))
        return CalculatedText(_text(history, stated), cut=cut and stated is None)


def _sub_questions(text: str) -> list[str]:
    """The distinct sub-questions: a repeated one is answered once."""
    return list(dict.fromkeys(" ".join(line.split()) for line in read_sub_questions(text)))


def _text(history: list[tuple[str, str]], stated: str | None) -> str:
    """The pairs in the form of a Socratic path; without a last line `#### answer`, the number of the last step counts."""
    lines = [f"{sub_question}{SEPARATOR}{step}" for sub_question, step in history]
    return "\n".join(lines if stated is None else [*lines, stated])
