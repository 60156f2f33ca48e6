"""A program has the same verdict, whatever text a model writes around it."""

import pytest

from pad_ray.paths.program import is_complete, parse
from pad_ray.sandbox import Sandbox
from tests.paths.wrappings import WAYS, published_programs, same_verdicts, wrapped

PROGRAM = "def solution():\n    apples = 3\n    label = 'day'\n\n    result = apples * 2\n    return result"
UNENDED = (
    "bare",
    "commented margin",
    "helper above",
    "constants",
    "class",
    "imports of several lines",
    "import that may fail",
    "decorator",
)
UNENDED += (
    "thought without its beginning",
    "dictionary at the margin",
    "part before",
    "byte order mark",
    "zero-width blanks",
    "thought",
    "old mac",
)
UNENDED += (
    "helper of a helper",
    "prose with brackets",
    "corrected without fences",
    "text at the margin",
    "no-break spaces",
)


def value(program):
    names = {"__name__": "__main__"}
    exec(compile(program, "<test>", "exec", dont_inherit=True), names)
    return names["solution"]()


@pytest.mark.parametrize("way", WAYS)
def test_the_program_is_found_in_every_wrapping(way):
    program = parse(wrapped(way, PROGRAM))
    assert value(program) == 6
    assert parse(program) == program, "what is read once is read the same again"
    assert "print(" not in program and "assert" not in program and "`" not in program


@pytest.mark.parametrize("way", WAYS)
def test_text_after_the_program_shows_that_it_is_complete(way):
    assert is_complete(wrapped(way, PROGRAM)) is (way not in UNENDED)


@pytest.mark.data
def test_published_programs_keep_their_verdict_in_every_wrapping(data_dir):
    programs = published_programs(data_dir, 30)
    with Sandbox() as sandbox:
        same = same_verdicts(programs, sandbox)
    assert {way: count for way, count in same.items() if count != len(programs)} == {}
