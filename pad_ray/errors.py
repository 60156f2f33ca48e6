"""Errors that a user can act on. Each message says what is wrong, where, and what to do."""

import re
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
F = TypeVar("F")

# The line of an exception in a traceback: its name at the start of a line, after an indented line.
NAMED = re.compile(r"^[ \t]+\S.*\n((?:\w+\.)*[A-Z]\w*: .+)$|^((?:\w+\.)*\w*(?:Error|Exception): .+)$", re.MULTILINE)


class InputError(Exception):
    """The recipe, a data file, a model name or the weights cannot be used as given. Jobs exit with status 2."""


class StageError(Exception):
    """A stage failed although its input was good. Jobs exit with status 1; running the job again continues."""


class DeadEndError(StageError):
    """The next stage cannot use the output of a stage, for example because the loss is NaN. A retry would fail too."""


class NodeLossError(StageError):
    """The only work left belongs to actors that lost their node and cannot be placed elsewhere. Jobs then run again."""


def reason(error: BaseException) -> str:
    """Why a task in another process failed, in one line. The first exception that a traceback names is the root cause."""
    named = NAMED.search(str(error))
    if named is not None:
        return str(named[1] or named[2])
    last = str(getattr(error, "cause", None) or error).strip().splitlines()[-1:]
    return last[0] if last else type(error).__name__


def attempt(work: Callable[[], T], failed: Callable[[str], F]) -> T | F:
    """The result of `work`, or `failed(reason)` if it raises an unexpected exception.

    For work on one row: a text that crashes its parser costs this row and not the stage.

    Raises:
        InputError, StageError, OSError: raised by `work`; the row is not their cause.
    """
    try:
        return work()
    except (InputError, StageError, OSError):
        raise
    except Exception as error:  # noqa: BLE001
        return failed(f"{type(error).__name__}: {' '.join(str(error).split())}"[:200])
