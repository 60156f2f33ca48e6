"""Turns a child's answer and its exit status into one typed result. Nothing from inside is trusted."""

import os
import re
import signal
from dataclasses import dataclass

from pad_ray.sandbox.config import SandboxConfig
from pad_ray.sandbox.inside.protocol import CPU_LIMIT, FRAME, ISOLATED, WALL_LIMIT
from pad_ray.sandbox.inside.values import HUGE, NAME_CHARACTERS, NONE, OPAQUE, PLAIN, TEXT_CHARACTERS
from pad_ray.schema import FEEDBACK_CHARACTERS, Outcome

ANSWER_BYTES = 8192
CPU_MARGIN = (
    0.9  # a SIGKILL above this share of the CPU limit comes from the limit, below it from the out-of-memory killer
)
NUMBER = re.compile(r"-?[0-9]{1,40}(/[0-9]{1,41}|(\.[0-9]{1,60})?([eE][+-]?[0-9]{1,10})?)", re.ASCII)
PATH = re.compile(r"(?<![\w./])/(?:[\w.+@-]+/)+[\w.+@-]*")
ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")
# UNPRINTABLE: control characters, line separators and surrogates. INVISIBLE: zero-width characters and changes of direction.
UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]+")
INVISIBLE = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]+"
)
OUTCOME_OF_EXCEPTION = {
    "UnboundLocalError": Outcome.UNBOUND_LOCAL,
    "NameError": Outcome.NAME_ERROR,
    "TypeError": Outcome.TYPE_ERROR,
    "ZeroDivisionError": Outcome.ZERO_DIVISION,
    "MemoryError": Outcome.MEMORY_LIMIT,
    "SyntaxError": Outcome.SYNTAX_ERROR,
    "ImportError": Outcome.FORBIDDEN,
    "PermissionError": Outcome.FORBIDDEN,
    "Exception": Outcome.OTHER_EXCEPTION,
}


@dataclass(frozen=True)
class Execution:
    """One execution of a program. `outcome` is None if it returned a value with a canonical text.

    `value` is that text, `value_type` the name of its type, `feedback` at most 200 characters without host paths or
    addresses, `duration_ms` wall time from fork to reap.
    """

    outcome: Outcome | None
    value: str | None
    value_type: str
    feedback: str
    duration_ms: float


@dataclass(frozen=True)
class Ending:
    """The end of a child according to kernel and zygote: wait status, cause, wall ms and CPU seconds."""

    status: int
    cause: int
    wall_ms: float
    cpu_s: float


def clean(text: str) -> str:
    """Feedback in a form safe to store and show to a student: one printable line without host paths and addresses."""
    line = ADDRESS.sub("0x…", clean_value(text)).strip()
    return line if len(line) <= FEEDBACK_CHARACTERS else line[: FEEDBACK_CHARACTERS - 1] + "…"


def clean_value(text: str) -> str:
    """A program's text as one printable line, without host paths and invisible characters."""
    return PATH.sub("<path>", INVISIBLE.sub("", UNPRINTABLE.sub(" ", text)))


def rejected(outcome: Outcome, feedback: str, duration_ms: float = 0.0) -> Execution:
    """A result without a value."""
    return Execution(outcome, None, "", clean(feedback), duration_ms)


def _parse_frame(data: bytes) -> tuple[str, str, str] | None:
    """(code, type name, text) of exactly one frame within the limits of length; None for any other bytes."""
    if len(data) < FRAME.size or len(data) != FRAME.size + FRAME.unpack_from(data)[0]:
        return None
    try:
        head, separator, text = data[FRAME.size :].decode().partition("\0")
    except UnicodeDecodeError:
        return None
    fits = len(head) <= 1 + NAME_CHARACTERS and len(text) <= TEXT_CHARACTERS
    return (head[0], head[1:], text) if head and separator and fits else None


def _returned(kind: str, text: str, wall_ms: float) -> Execution:
    """A plain value, checked again: a number must look like one, whatever type the child claims."""
    if kind == "str" or (kind == "bool" and text in ("True", "False")) or NUMBER.fullmatch(text):
        return Execution(None, clean_value(text), kind, clean(f"returned {text}"), wall_ms)
    return Execution(Outcome.NOT_COMPARABLE, None, kind, clean(f"returned {text[:60]}"), wall_ms)


def _from_frame(frame: tuple[str, str, str], wall_ms: float) -> Execution:
    code, kind, text = frame
    if code == PLAIN:
        return _returned(kind, text, wall_ms)
    if code == HUGE:
        return Execution(Outcome.NOT_COMPARABLE, None, kind, clean(f"returned {text}"), wall_ms)
    if code == OPAQUE:
        return Execution(Outcome.NOT_COMPARABLE, None, kind, clean(f"returned a value of type {kind}"), wall_ms)
    if code == NONE:
        return Execution(Outcome.NO_ANSWER, None, kind, "returned None", wall_ms)
    if code == "m":
        return rejected(Outcome.NO_ANSWER, "the program defines no function solution()", wall_ms)
    if code == "l":
        return rejected(Outcome.OUTPUT_LIMIT, "the program printed too much", wall_ms)
    if code == "e" and kind in OUTCOME_OF_EXCEPTION:
        return rejected(OUTCOME_OF_EXCEPTION[kind], text, wall_ms)
    return rejected(Outcome.FORBIDDEN, "the program wrote to the channel of its result", wall_ms)


def _killed_by(number: int, ending: Ending, config: SandboxConfig) -> Execution | None:
    if number == signal.SIGKILL and ending.cpu_s < CPU_MARGIN * config.cpu_s:
        return None
    if number in (signal.SIGKILL, signal.SIGXCPU):
        return rejected(Outcome.TIMEOUT, f"timeout: more than {config.cpu_s:g} s of CPU time", ending.wall_ms)
    if number == signal.SIGSYS:
        return rejected(Outcome.FORBIDDEN, "forbidden system call", ending.wall_ms)
    return rejected(Outcome.OTHER_EXCEPTION, f"the interpreter crashed: {signal.strsignal(number)}", ending.wall_ms)


def interpret(ending: Ending, data: bytes, config: SandboxConfig) -> Execution | None:
    """The result of a dead child. None means that the sandbox failed, not the program: the child was never isolated, or was
    killed from outside.

    Exit codes are ignored: a program can exit with any of them.
    """
    if not data.startswith(ISOLATED):
        return None
    if ending.cause == CPU_LIMIT:
        return rejected(Outcome.TIMEOUT, f"timeout: more than {config.cpu_s:g} s of CPU time", ending.wall_ms)
    if ending.cause == WALL_LIMIT:
        return rejected(Outcome.TIMEOUT, f"timeout: more than {config.wall_s:g} s", ending.wall_ms)
    if os.WIFSIGNALED(ending.status):
        return _killed_by(os.WTERMSIG(ending.status), ending, config)
    answer = data[len(ISOLATED) :]
    if not answer:
        return rejected(Outcome.NO_ANSWER, "the program ended without an answer", ending.wall_ms)
    frame = _parse_frame(answer)
    if frame is None:
        return rejected(Outcome.FORBIDDEN, "the program wrote to the channel of its result", ending.wall_ms)
    return _from_frame(frame, ending.wall_ms)
