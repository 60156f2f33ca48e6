"""Socratic inference (2212.00193): a question is split into sub-questions, and each is answered in turn, by the student alone.

`iterative`: the decomposer writes all sub-questions, then the solver answers them one at a time and reads its own earlier
answers. `unified`: sub-questions and answers are one text. The decomposer is the student itself, or one of its own (QG beside
QA in the paper).
"""

from typing import Literal

from pydantic import Field

from pad_ray.decoding.base import Answer, Attempt, Strategy
from pad_ray.decoding.calculator import Written, complete
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
    """The answer of the last step. With the calculator, the student computes nothing between `<<` and `>>` itself."""

    kind: Literal["socratic"] = "socratic"
    variant: Literal["iterative", "unified"] = Field(
        "iterative", description="sub-questions first and then one step each, or both in one text"
    )
    decomposer: str | None = Field(
        None, description="iterative: the student that writes the sub-questions; default: the one that is measured"
    )
    calculator: bool = Field(False, description="the values of calculations in << >> come from a calculator")
    max_steps: int = Field(12, ge=1, description="sub-questions that are answered; a question with more is truncated")
    step_tokens: int = Field(128, ge=1, description="longest step, in tokens")

    @property
    def second_model(self) -> str | None:
        """The decomposer."""
        return self.decomposer if self.variant == "iterative" else None

    async def solve(self, attempt: Attempt) -> Answer:
        """What the last step states."""
        written = await (self._unified(attempt) if self.variant == "unified" else self._iterative(attempt))
        attempt.texts.append(written.text)
        if written.error is not None:
            return Answer(PathKind.SOCRATIC, written.text, Outcome.ENGINE_FAULT, None, written.error)
        if written.lack is not None:
            return Answer(PathKind.SOCRATIC, written.text, Outcome.TRUNCATED, None, written.lack)
        (answer,) = await attempt.read(PathKind.SOCRATIC, [written.text], [written.cut])
        return answer

    async def _unified(self, attempt: Attempt) -> Written:
        path = attempt.tools.paths[PathKind.SOCRATIC]
        prompt = path.prompt(attempt.question)
        if not isinstance(prompt, str):
            raise ValueError("socratic asks with plain text: a turn of a chat cannot be continued by a calculator")
        tokens = attempt.tools.max_tokens
        return await complete(attempt, prompt, path.next_question, tokens, "unified", use=self.calculator)

    async def _iterative(self, attempt: Attempt) -> Written:
        source, tokens = decompose_source(attempt.question), attempt.tools.max_tokens
        ends, second = (NEXT_QUESTION,), attempt.tools.second
        split = await complete(attempt, source, ends, tokens, "decompose", use=False, engine=second)
        if split.error is not None:
            return split
        history: list[tuple[str, str]] = []
        stated: str | None = None
        asked = _sub_questions(split.text)
        if split.cut:
            return Written(split.text, lack="the sub-questions do not end within the token limit")
        if len(asked) > self.max_steps:
            # Without its last step a solution answers another question.
            lack = f"the student asks {len(asked)} sub-questions; raise max_steps, which is {self.max_steps}"
            return Written(split.text, lack=lack)
        cut = False
        for number, sub_question in enumerate(asked):
            source = step_source(attempt.question, history, sub_question)
            step = await complete(attempt, source, STEP_ENDS, self.step_tokens, "step", number, use=self.calculator)
            if step.error is not None:
                return Written(_text(history, stated), step.error)
            (said, stated), cut = read_step(step.text), step.cut
            history.append((sub_question, said))
        return Written(_text(history, stated), cut=cut and stated is None)


def _sub_questions(text: str) -> list[str]:
    """Each once: a student that repeats itself is not asked twice."""
    return list(dict.fromkeys(" ".join(line.split()) for line in read_sub_questions(text)))


def _text(history: list[tuple[str, str]], stated: str | None) -> str:
    """Pairs as a Socratic path is written; without a last line `#### answer` the last step's own number counts."""
    lines = [f"{sub_question}{SEPARATOR}{step}" for sub_question, step in history]
    return "\n".join(lines if stated is None else [*lines, stated])
