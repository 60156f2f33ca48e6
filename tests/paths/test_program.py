import ast
import time

import pytest

from pad_ray.paths import source
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


SHIPS = (
    "import math\n\nRATE = 3\n\ndef unused():\n    pass\n\ndef ships(people):\n    return math.ceil(people / RATE)\n\n"
)
CALL = "def solution():\n    return ships(10)"
TAUGHT = "import math\nRATE = 3\n\ndef ships(people):\n    return math.ceil(people / RATE)\n\n" + CALL


@pytest.mark.parametrize(
    ("completion", "program"),
    [
        (SHIPS + CALL, TAUGHT),
        (f"{SHIPS}{CALL}\n\nprint(solution())", TAUGHT),
        (f"Fence one:\n```python\n{SHIPS}```\nFence two:\n```python\n{CALL}\n```", TAUGHT),
        ("import random\nrandom.seed(7)\ndef solution():\n    return random.random()", None),
        (
            "prices = {}\nprices['egg'] = 2\nprices.update(pear=3)\ndef solution():\n    return sum(prices.values())",
            None,
        ),
        ("total = 0\ndef solution():\n    global total\n    total += 2\n    return total", None),
        (
            "total = 5\ndef solution():\n    total = 2\n    return total",
            "def solution():\n    total = 2\n    return total",
        ),
        ("x: int = 4\na, b = 1, 2\ndef solution():\n    return x * a + b", None),
        ("from __future__ import annotations\nfrom math import *\ndef solution():\n    return floor(2.5)", None),
        ("def fact(n):\n    return 1 if n < 2 else n * fact(n - 1)\n\ndef solution():\n    return fact(5)", None),
    ],
    ids=["above", "and a call", "fences", "seed", "changed", "global", "local", "unpacked", "star", "recursion"],
)
def test_the_definitions_that_the_function_needs_precede_it(completion, program):
    assert parse(completion) == (program or completion)


@pytest.mark.parametrize(
    ("completion", "program"),
    [
        (
            "def solution():\n    a = 3\n    b = = 4\n    return a\n    Hm",
            "def solution():\n    a = 3\n    b = = 4\n    return a\n    Hm",
        ),
        ("def solution():\n    return (1 +\n\nThe end (almost", "def solution():\n    return (1 +"),
        (
            "def solution():\n    return max(\n        1,\n    2)\n  So",
            "def solution():\n    return max(\n        1,\n    2)",
        ),
        (
            "class Solution:\n    def solution(self):\n        return 1",
            "class Solution:\n    def solution(self):\n        return 1",
        ),
        ("def solution_part():\n    return 1", "def solution_part():\n    return 1"),
        ("a = 1\ndef solution() -> int: return a", "a = 1\ndef solution() -> int: return a"),
        ("def solution():\n    s = '```'\n    return s", "def solution():\n    s = '```'\n    return s"),
    ],
    ids=["broken inside", "open bracket", "lines of a return", "method", "other name", "one line", "fence in a text"],
)
def test_invalid_python_is_cut_after_its_last_return_or_kept(completion, program):
    assert parse(completion) == program


@pytest.mark.parametrize(
    ("first", "second", "taken"),
    [
        ("return 1", "return 2", 2),
        ("return 1", "return (", 1),
        ("return 1", "a = 3", 1),
        ("a = 3", "return 2", 2),
        ("return 1", "print(2)", 1),
    ],
    ids=["both", "second is broken", "second is cut", "first returns nothing", "second prints"],
)
def test_the_last_function_that_returns_something_counts(first, second, taken):
    completion = f"```\ndef solution():\n    {first}\n```\nBetter:\n```\ndef solution():\n    {second}\n```"
    assert parse(completion) == f"def solution():\n    return {taken}"


def test_imports_before_the_function_are_kept():
    assert parse(f"import math\n{PROGRAM}") == f"import math\n{PROGRAM}"


def test_a_completion_without_a_function_stays_whole():
    assert parse(" The answer is 6. ") == "The answer is 6."


def test_a_fence_without_a_function_is_removed():
    assert parse("```python\nprint(6)\n```\nThis prints 6.") == "print(6)"


def test_a_bracket_that_closes_unindented_is_kept():
    program = "def solution():\n    items = [\n        1,\n]\n    return sum(items)"
    assert parse(program) == program


@pytest.mark.parametrize(
    ("tail", "complete"), [("", False), ("\n\nQuestion:", True), ("\n```", True), ("\n    # more", False)]
)
def test_a_program_is_complete_if_text_follows_it(tail, complete):
    assert is_complete(PROGRAM + tail) is complete
    assert Program().parse(PROGRAM + tail).complete is complete


def test_text_without_a_program_is_left_to_the_sandbox():
    parsed = Program().parse("The answer is 6.")
    assert (parsed.text, parsed.failure) == ("The answer is 6.", None)


@pytest.mark.parametrize(
    "completion", ["\n" * 10**7, "def solution():\n" + " " * 10**7, "```\n" * 10**6, "\x00" * 10**7]
)
def test_ten_megabytes_are_read_quickly(completion):
    started = time.monotonic()
    Program().parse(completion)
    assert time.monotonic() - started < 10


HEAD = "def solution():\n"
HOSTILE = {
    "functions": f"{HEAD} return 1\n" * 4000,
    "brackets": "x = f(\n" * 14000 + PROGRAM,
    "open functions": f"{HEAD} x = (\n" * 4000,
    "texts": 'x = """\n' * 12000 + PROGRAM,
    "blanks": " " * 10**5 + "<|",
    "quotes": 'a = "' + '\\"' * 50000,
    "turns": "<|a|>" * 20000,
    "points": "- " * 50000,
    "assignments": "a," * 50000 + "=",
    "chain": "".join(f"a{i} = a{i + 1}\n" for i in range(6000)) + PROGRAM.replace("3", "a0"),
    "returns": HEAD + " return 1\n" * 9000 + " x x",
    "tags": f"{HEAD} return x" + "</a>" * 25000,
    "decorators": "@f\n" * 30000 + PROGRAM,
    "tuple": f"{HEAD} " + "a," * 15000,
    "thoughts": "</think>" * 12000 + PROGRAM,
    "signs": f"{HEAD} return " + "-" * 30000 + "1",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_completions_of_100_kb_are_read_with_few_attempts(name, monkeypatch):
    calls = []
    monkeypatch.setattr("ast.parse", lambda text, *rest, real=ast.parse: calls.append(len(text)) or real(text, *rest))
    Program().parse(HOSTILE[name])
    assert len(calls) <= source.ATTEMPTS and sum(calls) <= source.ATTEMPTED_CHARACTERS + source.STATEMENT_CHARACTERS


def test_one_set_in_plain_text(question):
    path = Program(((Demonstration(question("How many?"), PROGRAM),),))
    assert path.prompt(question("And now?")) == (
        f"Question: How many?\nSolution:\n{PROGRAM}\n\n{Program().source(question('And now?'))}"
    )
