"""What every kind of reasoning path shares: how it is asked for, and what is read from a completion.

A path turns a question into a prompt and a completion into clean text. Whether that text is right is judged elsewhere:
programs in `pad_ray.sandbox`, rationales and Socratic solutions in their own files here.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import ClassVar

from pad_ray.schema import PathKind, Question

# What a model writes at the end of its turn, where a tokenizer does not take it for the end of text.
END_TOKENS = ("<|im_end|>", "<|endoftext|>")


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
