"""What every kind of reasoning path shares: how it is asked for, and what is read from a completion.

A path turns a question into a prompt and a completion into clean text. Whether that text is right is judged elsewhere:
programs in `pad_ray.sandbox`, rationales and Socratic solutions in their own files here.
"""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from pad_ray.schema import PathKind, Question

# What a model writes at the end of its turn, where a tokenizer does not take it for the end of text.
END_TOKENS = ("<|im_end|>", "<|endoftext|>")
# The same of more model families. A request has room for few stop texts, so these are cut from its completion instead.
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
    # These join or order letters of some scripts, and are kept between two of them.
    "|[\u200c-\u200f](?=[\x00-\x7f]|\\Z)|(?:(?<=[\x00-\x7f])|\\A)[\u200c-\u200f]"
)


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a chat. `role` is `user` or `assistant`."""

    role: str
    content: str


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A solved question that is shown to a model; `text` is its path: a program, a rationale or a Socratic solution."""

    question: Question
    text: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """What was read from a completion.

    `text` is the path alone, and what a student is trained on. `complete` is True where a completion that was cut by the
    token limit still holds all of it. `failure` says why the text is no path of its kind; it is None for a program, on
    which the sandbox's verdict says more.
    """

    text: str
    complete: bool
    failure: str | None = None


def clean_completion(text: str) -> str:
    """A completion without what a model or its server puts around a path; the time is linear in the text.

    Removed are byte order marks and zero-width characters, carriage returns, thoughts (`<think>…</think>`), the header of a
    turn, and everything from the token that ends the turn. A line end takes the place of that token, so that the line
    before it is known to be whole. A text that holds nothing but thoughts keeps their words.
    """
    text = _INVISIBLE.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    text = _turn(without_thoughts(text))
    ended = _TURN_END.search(text)
    return text if ended is None else f"{text[: ended.start()]}\n"


def without_thoughts(text: str) -> str:
    """The text outside of `<think>…</think>`; what stands before a tag that only closes is a thought too."""
    # [text, slash, text, slash, text]: each slash is that of the tag between two texts.
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
    """The text behind the header of its turn."""
    for _ in range(3):
        header = _TURN_START.match(text)
        if header is None:
            break
        text = text[header.end() :]
    return text


def unfinished(kind: PathKind) -> str:
    """What is said of a path that the token limit cut."""
    return f"the {kind.value} does not end within the token limit"


def asked_text(question: Question) -> str:
    """A question as it is asked, in one line: its facts first where the task gives them."""
    return " ".join(" ".join([*question.facts, question.text]).split())


@dataclass(frozen=True)
class ReasoningPath(ABC):
    """How one kind of path is asked for and read. A prompt has no instruction: it shows solved questions, then asks.

    `sets` are alternative demonstrations. PaD goes through the train set once for each (arXiv 2305.13888, section 3.1);
    here sample i of a question is asked with set i modulo their number. No sets is zero-shot. `chat` asks with the turns
    of a chat, for a model that was tuned on them, and otherwise with plain text.
    """

    kind: ClassVar[PathKind]
    cue: ClassVar[str]
    """The line behind a question that asks for this kind."""
    next_question: ClassVar[tuple[str, ...]] = ("\nQuestion:",)
    """What a model writes when it goes on after its path, in plain text."""

    sets: tuple[tuple[Demonstration, ...], ...] = ()
    chat: bool = False

    @property
    def stop(self) -> tuple[str, ...]:
        """Texts that end a completion. A chat ends with the model's turn, and may talk before it answers."""
        return END_TOKENS if self.chat else (*self.next_question, *END_TOKENS)

    def source(self, question: Question) -> str:
        """What a student reads: the question, its facts first where the task gives them, and the cue of this kind."""
        return f"Question: {asked_text(question)}\n{self.cue}\n"

    def prompt(self, question: Question, sample_index: int = 0) -> str | tuple[Message, ...]:
        """What a completion follows: text that ends with the question's source, or turns that end with the user's."""
        # A question is not shown its own solution.
        shown = [one for one in self._set(sample_index) if one.question.question_id != question.question_id]
        if self.chat:
            turns = [turn for one in shown for turn in self._turns(one)]
            return (*turns, Message("user", self.source(question).strip()))
        solved = [f"{self.source(one.question)}{one.text.strip()}\n\n" for one in shown]
        return "".join(solved) + self.source(question)

    def _set(self, sample_index: int) -> tuple[Demonstration, ...]:
        return self.sets[sample_index % len(self.sets)] if self.sets else ()

    def _turns(self, shown: Demonstration) -> tuple[Message, Message]:
        return Message("user", self.source(shown.question).strip()), Message("assistant", shown.text.strip())

    @abstractmethod
    def parse(self, completion: str) -> Parsed:
        """The path in a completion, without what surrounds it."""
