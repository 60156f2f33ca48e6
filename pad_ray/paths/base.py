"""The common base of all reasoning paths: how to ask for one and how to read it from a completion.

A path turns a question into a prompt and a completion into clean text. That text is judged elsewhere: programs in
`pad_ray.sandbox`, rationales and Socratic solutions in their own modules of this package.
"""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from pad_ray.schema import PathKind, Question

# Tokens that a model writes at the end of its turn, in case its tokenizer does not treat them as the end of text.
END_TOKENS = ("<|im_end|>", "<|endoftext|>")
# End tokens of more model families. A request allows only a few stop texts, so these are cut from the completion instead.
_TURN_END = re.compile(
    r"<\|(?:im_end|endoftext|eot_id|eom_id|end_of_text|end|end_of_turn|eot|return|assistant_end|EOT|END_OF_TURN_TOKEN)\|>"
    r"|<end_of_turn>|<eos>|</s>(?![^\n<])|<｜end▁of▁sentence｜>|<\|im_start\|>|<\|start_header_id\|>"
)
_TURN_START = re.compile(
    r"\s*(?:(?:<\|im_start\|>|<\|start_header_id\|>|<start_of_turn>|<\|start\|>) ?(?:assistant|model)(?:<\|end_header_id\|>)?"
    r"|<s>|<bos>|<\|begin_of_text\|>|<\|assistant\|>)"
)
_THOUGHT_TAG = re.compile(r"<(/?)(?:think|thinking|thought|reasoning)>", re.IGNORECASE)
_INVISIBLE = re.compile(
    "[\ufeff\u200b\u2060\u00ad]"
    # These join or order letters of some scripts; between two such letters they are kept.
    "|[\u200c-\u200f](?=[\x00-\x7f]|\\Z)|(?:(?<=[\x00-\x7f])|\\A)[\u200c-\u200f]"
)


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat. `role` is `user` or `assistant`."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A solved question in a prompt; `text` is its path: a program, a rationale or a Socratic solution."""

    question: Question
    text: str


@dataclass(frozen=True, slots=True)
class ParsedPath:
    """The path read from a completion.

    `text` is the path alone, on which a student trains. `complete` is True if the path is whole even if the token limit cut
    the completion. `failure` says why the text is not a path of its kind; it is None for a program, because the sandbox's
    verdict says more.
    """

    text: str
    complete: bool
    failure: str | None = None


def clean_completion(text: str) -> str:
    """A completion without the text that a model or its server adds around a path, in linear time.

    Removes byte order marks, zero-width characters, carriage returns, thoughts (`<think>…</think>`), the header of a turn,
    and everything from the token that ends the turn. A line end replaces that token, to show that the line before it is
    whole. If a text consists of thoughts only, their words are kept.
    """
    text = _INVISIBLE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    text = _turn(without_thoughts(text))
    ended = _TURN_END.search(text)
    return text if ended is None else f"{text[: ended.start()]}\n"


def without_thoughts(text: str) -> str:
    """The text outside of `<think>…</think>`; text before an unmatched closing tag is a thought too."""
    # [text, slash, text, slash, text]: each slash, maybe empty, belongs to the tag between two texts.
    first, *rest = _THOUGHT_TAG.split(text)
    if not rest:
        return text
    outside, depth = [first], 0
    for closes, part in zip(rest[::2], rest[1::2], strict=True):
        if closes and depth == 0:
            outside.clear()
        depth = max(0, depth - 1) if closes else depth + 1
        if depth == 0:
            outside.append(part)
    answer = "".join(outside)
    return answer if answer.strip() else "".join([first, *rest[1::2]])


def _turn(text: str) -> str:
    """The text after the header of its turn."""
    for _ in range(3):
        header = _TURN_START.match(text)
        if header is None:
            break
        text = text[header.end() :]
    return text


def unfinished(kind: PathKind) -> str:
    """The feedback on a path that the token limit cut."""
    return f"the {kind.value} does not end within the token limit"


def asked_text(question: Question) -> str:
    """A question in one line, after its facts if the task has any."""
    return " ".join(" ".join([*question.facts, question.text]).split())


@dataclass(frozen=True)
class ReasoningPath(ABC):
    """How to ask for and read one kind of path. A prompt has no instruction: it shows solved questions, then asks.

    `sets` are alternative demonstrations. PaD passes over the train set once per set (arXiv 2305.13888, section 3.1);
    here sample i of a question uses set i modulo the number of sets. Without sets the prompt is zero-shot. With `chat` the
    prompt is a list of chat turns, for a chat-tuned model, otherwise plain text.
    """

    kind: ClassVar[PathKind]
    cue: ClassVar[str]
    """The line after a question that asks for this kind."""
    next_question: ClassVar[tuple[str, ...]] = ("\nQuestion:",)
    """Text with which a model continues after its path, in plain text prompts."""

    sets: tuple[tuple[Demonstration, ...], ...] = ()
    chat: bool = False

    @property
    def stop(self) -> tuple[str, ...]:
        """Texts that end a completion. In a chat only the end of the turn is one, as the model may talk before it answers."""
        return END_TOKENS if self.chat else (*self.next_question, *END_TOKENS)

    def source(self, question: Question) -> str:
        """The prompt of a student: facts if the task has any, the question, and the cue of this kind."""
        return f"Question: {asked_text(question)}\n{self.cue}\n"

    def prompt(self, question: Question, sample_index: int = 0) -> str | tuple[Message, ...]:
        """The prompt of a teacher: text that ends with the question's source, or turns that end with the user's."""
        # The prompt must not contain the question's own solution.
        demonstrations = [one for one in self._set(sample_index) if one.question.question_id != question.question_id]
        if self.chat:
            turns = [turn for one in demonstrations for turn in self._turns(one)]
            return (*turns, Message("user", self.source(question).strip()))
        solved = [f"{self.source(one.question)}{one.text.strip()}\n\n" for one in demonstrations]
        return "".join(solved) + self.source(question)

    def _set(self, sample_index: int) -> tuple[Demonstration, ...]:
        return self.sets[sample_index % len(self.sets)] if self.sets else ()

    def _turns(self, demonstration: Demonstration) -> tuple[Message, Message]:
        return Message("user", self.source(demonstration.question).strip()), Message(
            "assistant", demonstration.text.strip()
        )

    @abstractmethod
    def parse(self, completion: str) -> ParsedPath:
        """The path in a completion, without the surrounding text."""
