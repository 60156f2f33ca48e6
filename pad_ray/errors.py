"""Errors a user can act on. Each message says what is wrong, where, and what to do."""

import re
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
F = TypeVar("F")

NAMED = re.compile(r"^(?:\w+\.)*\w*(?:Error|Exception): .+$", re.MULTILINE)


class InputError(Exception):
    """The recipe, a data file, a model name or weights are not usable as given. Jobs exit with status 2."""


class StageError(Exception):
    """A stage failed although its input was good. Jobs exit with status 1; running the job again continues."""


class DeadEndError(StageError):
    """What a stage made is of no use for the next one, such as a loss that is no number: the same again ends the same."""


class NodeLossError(StageError):
    """Nothing is left to wait for but work of actors that lost their node and found no other. Jobs start it again."""


def reason(error: BaseException) -> str:
    """Why a task on another process failed, in one line. A traceback names what came first before what followed from it."""
    named = NAMED.search(str(error))
    if named is not None:
        return named[0]
    last = str(getattr(error, "cause", None) or error).strip().splitlines()[-1:]
    return last[0] if last else type(error).__name__


def attempt(work: Callable[[], T], failed: Callable[[str], F]) -> T | F:
    """What `work` returns; if it fails in a way that nobody foresaw, what `failed` makes of the reason.

    For work on one row: a text that breaks what reads it costs this row and not the stage.

    Raises:
        InputError, StageError, OSError: as `work` does; these are no matter of the row.
    """
    try:
        return work()
    except (InputError, StageError, OSError):
        raise
    except Exception as error:  # noqa: BLE001
        return failed(f"{type(error).__name__}: {' '.join(str(error).split())}"[:200])
