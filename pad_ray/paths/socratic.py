"""Socratic paths (Socratic CoT, arXiv 2212.00193): a question is split into sub-questions, each answered by one step.

The text is that of GSM8K-Socratic: a line `sub-question ** step` for each, then `#### answer`. One student writes it
whole (unified), or two share the work: a decomposer (QG) writes all sub-questions, a solver (QA) one step at a time.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from pad_ray.paths.base import Parsed, ReasoningPath, asked_text
from pad_ray.paths.equations import shape
from pad_ray.paths.rationale import ANSWER_MARK, judge_rationale, up_to_answer
from pad_ray.schema import AnswerKind, Outcome, PathKind, Question, Verdict, content_id

SEPARATOR = " ** "
DECOMPOSE_CUE = "Sub-questions:"
SUB_QUESTION = "Sub-question:"
STEP_CUE = "Step:"
MAX_PAIRS = 100
"""Each row of a solver repeats those before it, so that the rows of a text grow with the square of its pairs."""

_WORD = re.compile(r"\w+")


class Socratic(ReasoningPath):
    """A path whose steps each answer a sub-question; judged as a rationale (`judge_socratic`)."""

    kind = PathKind.SOCRATIC
    cue = "Steps:"

    def parse(self, completion: str) -> Parsed:
        """The lines up to `#### answer`. It fails where that line is missing or the others are no pairs."""
        parsed = up_to_answer(completion)
        try:
            pairs(parsed.text)
        except ValueError as error:
            return replace(parsed, failure=str(error))
        return parsed


def pairs(text: str) -> list[tuple[str, str]]:
    """The sub-questions and steps of a Socratic text, in order, without its last line `#### answer`.

    Raises:
        ValueError: a line is no pair, there is none, or there are more than `MAX_PAIRS`; the message says which and why.
    """
    lines = [line.strip() for line in text.split("\n")]
    found = [_pair(number, line) for number, line in enumerate(filter(None, lines), 1) if not _is_answer(line)]
    if not found:
        raise ValueError("the text has no sub-question")
    if len(found) > MAX_PAIRS:
        raise ValueError(f"the text has {len(found)} sub-questions, more than {MAX_PAIRS}")
    return found


def decompose_source(question: Question) -> str:
    """What a decomposer reads, in training and at inference."""
    return f"Question: {asked_text(question)}\n{DECOMPOSE_CUE}\n"


def decompose_target(text: str) -> str:
    """What a decomposer learns to write: the sub-questions of a Socratic text, one a line. Raises as `pairs` does."""
    return "\n".join(sub_question for sub_question, _ in pairs(text))


def read_sub_questions(completion: str) -> list[str]:
    """The sub-questions that a decomposer wrote, in order; none where it wrote nothing."""
    return [line.strip() for line in completion.split("\n") if line.strip()]


def step_source(question: Question, history: Sequence[tuple[str, str]], sub_question: str) -> str:
    """What a solver reads before the step that answers `sub_question`.

    `history` holds the earlier sub-questions with their steps: the teacher's in training, its own at inference.
    """
    said = "".join(f"{earlier}{SEPARATOR}{step}\n" for earlier, step in history)
    return f"Question: {asked_text(question)}\n{said}{SUB_QUESTION} {sub_question}\n{STEP_CUE}\n"


def step_examples(question: Question, text: str) -> list[tuple[str, str]]:
    """Source and target of each step of a Socratic text, on the history of that text.

    The last step goes on with the line `#### answer`: its own last number need not be the answer. Raises as `pairs` does.
    """
    found = pairs(text)
    targets = [step for _, step in found]
    targets[-1] = "\n".join([targets[-1], *(line for line in text.split("\n") if _is_answer(line))])
    sources = [step_source(question, found[:number], one) for number, (one, _) in enumerate(found)]
    return list(zip(sources, targets, strict=True))


def read_step(completion: str) -> tuple[str, str | None]:
    """The step that a solver wrote, on one line for the history, and its line `#### answer`, None where there is none."""
    lines = up_to_answer(completion).text.split("\n")
    answer = next((line for line in lines if _is_answer(line)), None)
    return " ".join(line for line in lines if not _is_answer(line)), answer


def socratic_shape(text: str) -> str:
    """32 hex digits, equal for texts with the same sub-questions, in lower case, and the same calculations in their order.

    Raises as `pairs` does.
    """
    asked = [_WORD.findall(sub_question.lower()) for sub_question, _ in pairs(text)]
    return content_id("socratic", asked, shape(text))


def judge_socratic(draft_id: str, text: str, gold: str, answer_kind: AnswerKind) -> Verdict:
    """As `judge_rationale`; a text that is no list of pairs is `NO_ANSWER`, with the reason as feedback.

    Raises:
        ValueError: `gold` is no answer of its kind.
    """
    try:
        pairs(text)
    except ValueError as error:
        return Verdict(draft_id, Outcome.NO_ANSWER, None, str(error), 0.0)
    # The separator is no power between a number of the sub-question and one of the step.
    lines = [line.replace(SEPARATOR, " : ", 1) for line in text.split("\n")]
    return judge_rationale(draft_id, "\n".join(lines), gold, answer_kind)


def _is_answer(line: str) -> bool:
    return line.startswith(ANSWER_MARK)


def _pair(number: int, line: str) -> tuple[str, str]:
    # Lines are stripped, and two published ones end behind the separator.
    question, separator, step = (part.strip() for part in f"{line} ".partition(SEPARATOR))
    if not separator:
        raise ValueError(f"line {number} has no '{SEPARATOR}' between a sub-question and its step")
    if not question or not step:
        raise ValueError(f"line {number} has no {'step' if question else 'sub-question'}")
    return question, step
