"""The results of programs: values, typed outcomes, feedback."""

import pytest

from pad_ray.sandbox import Sandbox, SandboxConfig
from pad_ray.schema import Outcome

VALUES = {
    "42": ("42", "int"), "-7": ("-7", "int"), "2.5": ("2.5", "float"), "1e21": ("1e+21", "float"), "True": ("True", "bool"),
    "'yes'": ("yes", "str"), "[7]": ("7", "int"), "(2.5,)": ("2.5", "float"), "{'a'}": ("a", "str"), "[[3]]": ("3", "int"),
    "10**39": ("1" + "0" * 39, "int"), "'x' * 5000": ("x" * 1000, "str"),
}  # fmt: skip
IMPORTED = {
    "fractions.Fraction(1, 3)": ("1/3", "Fraction"), "fractions.Fraction(4, 2)": ("2", "Fraction"),
    "decimal.Decimal('1.10')": ("1.10", "Decimal"), "decimal.Decimal('1e999999999')": ("1E+999999999", "Decimal"),
    "sympy.Integer(5)": ("5", "Integer"), "sympy.Rational(3, 4)": ("3/4", "Rational"), "sympy.sqrt(4)": ("2", "Integer"),
    "sympy.Float(0.5)": ("0.5", "Float"), "sympy.sqrt(2)": ("1.4142135623730951", "Pow"), "sympy.S.Half": ("1/2", "Half"),
    "sympy.solve(3 * sympy.Symbol('x') - 12)": ("4", "Integer"), "sympy.FiniteSet(9)": ("9", "Integer"),
    "numpy.int64(3)": ("3", "int"), "numpy.float64(0.25)": ("0.25", "float"), "numpy.array([1.5])": ("1.5", "float"),
    "numpy.bool_(True)": ("True", "bool"), "numpy.array([[6]])": ("6", "int"),
}  # fmt: skip
NOT_COMPARABLE = (
    "float('nan')", "float('inf')", "10**40", "10**100000", "1j", "[1, 2]", "{'a': 1}", "b'x'", "print", "(i for i in 'a')"
)  # fmt: skip
OUTCOMES = {
    "def solution():\n    return x": (Outcome.NAME_ERROR, "NameError: name 'x' is not defined"),
    "def solution():\n    x += 1": (
        Outcome.UNBOUND_LOCAL,
        "UnboundLocalError: cannot access local variable 'x' where it is not associated with a value",
    ),
    "def solution():\n    return 1 + 'a'": (
        Outcome.TYPE_ERROR,
        "TypeError: unsupported operand type(s) for +: 'int' and 'str'",
    ),
    "def solution(a):\n    return a": (
        Outcome.TYPE_ERROR,
        "TypeError: solution() missing 1 required positional argument: 'a'",
    ),
    "def solution():\n    return 1 / 0": (Outcome.ZERO_DIVISION, "ZeroDivisionError: division by zero"),
    "def solution():\n    return [][1]": (Outcome.OTHER_EXCEPTION, "IndexError: list index out of range"),
    "def solution():\n    return None": (Outcome.NO_ANSWER, "returned None"),
    "def solution():\n    pass": (Outcome.NO_ANSWER, "returned None"),
    "answer = 42": (Outcome.NO_ANSWER, "the program defines no function solution()"),
    "def solution(:": (Outcome.SYNTAX_ERROR, "SyntaxError: invalid syntax (<solution>, line 1)"),
    "def solution():\nreturn 1": (
        Outcome.SYNTAX_ERROR,
        "IndentationError: expected an indented block after function definition on line 1 (<solution>, line 2)",
    ),
    "def solution():\n    while True: pass": (Outcome.TIMEOUT, "timeout: more than 1 s of CPU time"),
    "import time\ndef solution():\n    time.sleep(99)": (Outcome.TIMEOUT, "timeout: more than 5 s"),
    "def solution():\n    return ' ' * 10**12": (Outcome.MEMORY_LIMIT, "MemoryError"),
    "def solution():\n    print('x' * 2000)": (Outcome.OUTPUT_LIMIT, "the program printed too much"),
    "def solution():\n    return open('/etc/passwd')": (
        Outcome.FORBIDDEN,
        "PermissionError: [Errno 1] Operation not permitted: '<path>'",
    ),
    "import sqlite3\ndef solution():\n    return 1": (
        Outcome.FORBIDDEN,
        "ModuleNotFoundError: No module named 'sqlite3'",
    ),
}


def returning(expression):
    module = expression.split(".")[0]
    first = f"import {module}\n" if module in ("fractions", "decimal", "sympy", "numpy") else ""
    return f"{first}def solution():\n    return {expression}\n"


@pytest.mark.parametrize("expression", VALUES | IMPORTED)
def test_values_have_one_canonical_text(sandbox, expression):
    (execution,) = sandbox.run([returning(expression)])
    assert (execution.outcome, execution.value, execution.value_type) == (None, *(VALUES | IMPORTED)[expression])


@pytest.mark.parametrize("expression", NOT_COMPARABLE)
def test_a_value_that_is_not_an_answer_is_not_comparable(sandbox, expression):
    (execution,) = sandbox.run([returning(expression)])
    assert execution.outcome is Outcome.NOT_COMPARABLE and execution.value is None


@pytest.mark.parametrize("program", OUTCOMES)
def test_outcome_and_feedback(sandbox, program):
    (execution,) = sandbox.run([program])
    assert (execution.outcome, execution.feedback) == OUTCOMES[program]


def test_results_have_the_order_of_the_programs(sandbox):
    programs = [f"{'import math' if number % 3 else ''}\ndef solution():\n    return {number}" for number in range(30)]
    assert [execution.value for execution in sandbox.run(programs)] == [str(number) for number in range(30)]


def test_a_program_never_affects_the_next_one(sandbox):
    leave = "import math, builtins\ndef solution():\n    math.pi = 3; builtins.mark = 1; return 1"
    look = "import math, builtins\ndef solution():\n    return f\"{math.pi:.2f} {hasattr(builtins, 'mark')}\""
    assert [execution.value for execution in sandbox.run([leave, look, leave, look])][1::2] == ["3.14 False"] * 2


def test_random_numbers_and_sets_are_the_same_in_every_run(sandbox):
    program = 'import random\ndef solution():\n    return f\'{random.random()} {list({"a", "b", "c", "d"})}\''
    assert len({execution.value for execution in sandbox.run([program] * 5)}) == 1


def test_printing_below_the_limit_is_allowed(sandbox):
    assert sandbox.run(["def solution():\n    print('x' * 500)\n    return 1"])[0].value == "1"


def test_no_programs(sandbox):
    assert sandbox.run([]) == []


def test_several_workers_share_a_batch():
    programs = [f"def solution():\n    return {number} * 2" for number in range(40)]
    with Sandbox(SandboxConfig(workers=3)) as opened:
        assert [execution.value for execution in opened.run(programs)] == [str(number * 2) for number in range(40)]
