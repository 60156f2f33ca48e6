"""Socratic paths (Socratic CoT, arXiv 2212.00193): a question is split into sub-questions, and one step answers each.

The text has the format of GSM8K-Socratic: a line `sub-question ** step` for each, then `#### answer`. One student writes all
of it (unified), or two share the work: a decomposer (QG) writes all sub-questions, a solver (QA) one step at a time.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from pad_ray.paths.base import ParsedPath, ReasoningPath, asked_text
from pad_ray.paths.equations import shape
from pad_ray.paths.rationale import ANSWER_MARK, judge_rationale, up_to_answer
from pad_ray.schema import AnswerKind, Outcome, PathKind, Question, Verdict, content_id

SEPARATOR = " ** "
DECOMPOSE_CUE = "Sub-questions:"
SUB_QUESTION = "Sub-question:"
STEP_CUE = "Step:"
MAX_PAIRS = 100
"""Each row of a solver repeats the earlier pairs, so the total size of a text's rows is quadratic in the number of pairs."""

_WORD = re.compile(r"\w+")


class Socratic(ReasoningPath):
    """A path in which each step answers a sub-question; judged as a rationale (`judge_socratic`)."""

    kind = PathKind.SOCRATIC
    cue = "Steps:"

    def parse(self, completion: str) -> ParsedPath:
        """The lines up to `#### answer`. Parsing fails if that line is missing or another line is not a pair."""
        parsed = up_to_answer(completion)
        try:
            pairs(parsed.text)
        except ValueError as error:
            return replace(parsed, failure=str(error))
        return parsed


def pairs(text: str) -> list[tuple[str, str]]:
    """The sub-questions and steps of a Socratic text, in order, without its last line `#### answer`.

    Raises:
        ValueError: a line is not a pair, there is no pair, or there are more than `MAX_PAIRS`; the message says which.
    """
    lines = [line.strip() for line in text.split("\n")]
    question_pairs = [_pair(number, line) for number, line in enumerate(filter(None, lines), 1) if not _is_answer(line)]
    if not question_pairs:
        raise ValueError("the text has no sub-question")
    if len(question_pairs) > MAX_PAIRS:
        raise ValueError(f"the text has {len(question_pairs)} sub-questions, more than {MAX_PAIRS}")
    return question_pairs


def decompose_source(question: Question) -> str:
    """The prompt of a decomposer, in training and at inference."""
    return f"Question: {asked_text(question)}\n{DECOMPOSE_CUE}\n"


def decompose_target(text: str) -> str:
    """The target of a decomposer: the sub-questions of a Socratic text, one per line. Raises as `pairs` does."""
    return "\n".join(sub_question for sub_question, _ in pairs(text))


def read_sub_questions(completion: str) -> list[str]:
    """The sub-questions that a decomposer wrote, in order; an empty list if it wrote nothing."""
    return [line.strip() for line in completion.split("\n") if line.strip()]


def step_source(question: Question, history: Sequence[tuple[str, str]], sub_question: str) -> str:
    """The prompt of a solver for the step that answers `sub_question`.

    `history` has the earlier sub-questions with their steps: the teacher's in training, the solver's own at inference.
    """
    earlier_steps = "".join(f"{earlier}{SEPARATOR}{step}\n" for earlier, step in history)
    return f"Question: {asked_text(question)}\n{earlier_steps}{SUB_QUESTION} {sub_question}\n{STEP_CUE}\n"


def step_examples(question: Question, text: str) -> list[tuple[str, str]]:
    """Source and target of each step of a Socratic text, given the text's own earlier steps.

    The last target also has the line `#### answer`, because the step's last number may not be the answer. Raises as `pairs`
    does.
    """
    question_pairs = pairs(text)
    targets = [step for _, step in question_pairs]
    targets[-1] = "\n".join([targets[-1], *(line for line in text.split("\n") if _is_answer(line))])
    sources = [step_source(question, question_pairs[:number], one) for number, (one, _) in enumerate(question_pairs)]
    return list(zip(sources, targets, strict=True))


def read_step(completion: str) -> tuple[str, str | None]:
    """The step that a solver wrote, on one line for the history, and its line `#### answer`, or None without one."""
    lines = up_to_answer(completion).text.split("\n")
    answer = next((line for line in lines if _is_answer(line)), None)
    return " ".join(line for line in lines if not _is_answer(line)), answer


def socratic_shape(text: str) -> str:
    """32 hex digits, equal for texts with the same sub-questions, ignoring case, and the same calculations in order.

    Raises as `pairs` does.
    """
    question_words = [_WORD.findall(sub_question.lower()) for sub_question, _ in pairs(text)]
    return content_id("socratic", question_words, shape(text))


def judge_socratic(draft_id: str, text: str, gold: str, answer_kind: AnswerKind) -> Verdict:
    """As `judge_rationale`; a text that is not a list of pairs is `NO_ANSWER`, with the reason as feedback.

    Raises:
        ValueError: `gold` is not an answer of its kind.
    """
    try:
        pairs(text)
    except ValueError as error:
        return Verdict(draft_id, Outcome.NO_ANSWER, None, str(error), 0.0)
    # Otherwise the separator could be read as a power of two numbers, one in the sub-question and one in the step.
    lines = [line.replace(SEPARATOR, " : ", 1) for line in text.split("\n")]
    return judge_rationale(draft_id, "\n".join(lines), gold, answer_kind)


def _is_answer(line: str) -> bool:
    return line.startswith(ANSWER_MARK)


def _pair(number: int, line: str) -> tuple[str, str]:
    # Lines are stripped, and two published ones end with the separator.
    question, separator, step = (part.strip() for part in f"{line} ".partition(SEPARATOR))
    if not separator:
        raise ValueError(f"line {number} has no '{SEPARATOR}' between a sub-question and its step")
    if not question or not step:
        raise ValueError(f"line {number} has no {'step' if question else 'sub-question'}")
    return question, step
