import time

import pytest

from pad_ray.paths.base import Demonstration
from pad_ray.paths.program import Program, is_complete, parse

PROGRAM = "def solution():\n    apples = 3\n\n    result = apples * 2\n    return result"


@pytest.mark.parametrize(
    "completion",
    [
        PROGRAM,
        f"{PROGRAM}\n\n\nQuestion: another",
        f"```python\n{PROGRAM}\n```\nThis works because",
        f"Here is the program:\n{PROGRAM}\nprint(solution())",
        f"Here is the program:\n```python\n{PROGRAM}\n```",
        f"\n\n{PROGRAM}   \n",
        PROGRAM.replace("\n", "\r\n"),
    ],
    ids=["bare", "next question", "fenced", "talk", "talk and fence", "blank lines", "windows"],
)
def test_the_program_is_found_in(completion):
    assert parse(completion) == PROGRAM


def test_imports_before_the_function_stay():
    assert parse(f"import math\n{PROGRAM}") == f"import math\n{PROGRAM}"


def test_a_completion_without_a_function_stays_whole():
    assert parse(" The answer is 6. ") == "The answer is 6."


def test_a_fence_without_a_function_is_removed():
    assert parse("```python\nprint(6)\n```\nThis prints 6.") == "print(6)"


def test_lines_of_a_bracket_that_closes_at_the_margin_stay():
    program = "def solution():\n    items = [\n        1,\n]\n    return sum(items)"
    assert parse(program) == program


@pytest.mark.parametrize(
    ("tail", "complete"), [("", False), ("\n\nQuestion:", True), ("\n```", True), ("\n    # more", False)]
)
def test_a_program_is_complete_where_text_follows_it(tail, complete):
    assert is_complete(PROGRAM + tail) is complete
    assert Program().parse(PROGRAM + tail).complete is complete


def test_what_is_no_program_is_left_to_the_sandbox():
    parsed = Program().parse("The answer is 6.")
    assert (parsed.text, parsed.failure) == ("The answer is 6.", None)


@pytest.mark.parametrize(
    "completion", ["\n" * 10**7, "def solution():\n" + " " * 10**7, "```\n" * 10**6, "\x00" * 10**7]
)
def test_ten_megabytes_are_read_quickly(completion):
    started = time.monotonic()
    Program().parse(completion)
    assert time.monotonic() - started < 10


def test_one_set_in_plain_text(question):
    path = Program(((Demonstration(question("How many?"), PROGRAM),),))
    assert path.prompt(question("And now?")) == (
        f"Question: How many?\nSolution:\n{PROGRAM}\n\n{Program().source(question('And now?'))}"
    )
