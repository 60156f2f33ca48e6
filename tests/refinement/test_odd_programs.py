"""Unusual programs: every mutation gives some variants or none, and never fails."""

import time
from itertools import islice

import pytest

from pad_ray.refinement import MUTATIONS, CorrectProgram, inject
from pad_ray.refinement.mutations import variants
from pad_ray.refinement.source import Source
from pad_ray.schema import AnswerKind, Outcome

ODD = {
    "empty": "",
    "no program": "the answer is 8",
    "no function": "solution = lambda: 16 - 8",
    "one line": "def solution(): return 16 - 8",
    "semicolons": "def solution(): a = 16; b = 8; return a - b",
    "no assignment": "def solution():\n    return (16 - 8)",
    "no end": "def solution():\n    a = 16\n    b = a / 2\n    return b",
    "carriage returns": "def solution():\r\n    a = 16\r\n    return a / 2\r\n",
    "byte order mark": "\ufeffdef solution():\n    return 16 - 8\n",
    "form feeds": "def solution():\n\f    a = 16\n\f    return a - 8\n",
    "tabs": "def solution():\n\ta = 16\n\treturn a / 2\n",
    "unicode": "def solution():\n    größe = 16; 鸡蛋 = '🥚' * 2\n    ﬁn = größe / 2  # ½\n    return ﬁn\n",
    "surrogate": "def solution():\n    return '\ud800'",
    "NUL": "def solution():\n    return '\0'",
    "f-string": "def solution():\n    a = 16\n    return float(f'{a - 8:>{a}} {a!r}'.split()[0])",
    "continuation": "def solution():\n    a = 16 \\\n        - 8\n    return \\\n        a\n",
    "brackets": "def solution():\n    return ((((16) - (8))))",
    "comment in brackets": "def solution():\n    return (16  # - 3)\n        - 8)\n",
    "nested": "def solution():\n    def half(x):\n        y = x / 2\n        return y\n    return half(16)\n",
    "global": "a = 16\ndef solution():\n    global a\n    a = a - 8\n    return a\n",
    "walrus": "def solution():\n    return (b := 16) - 8 if (c := 2) else b",
    "match": "def solution():\n    match [16, 8]:\n        case [a, *b] if a > 1:\n            return a - b[0]\n",
    "star": "def solution(*a, b=16, **c):\n    x, *y = b, 8\n    return x - y[0]\n",
    "class": "class solution:\n    a = 16\n    b = a - 8\n    def __new__(cls):\n        return cls.b\n",
    "async": "async def solution():\n    a = 16\n    return a - 8\n",
    "huge number": f"def solution():\n    a = {'9' * 400}\n    b = 1e400 - 1j\n    return a - a + 8\n",
    "deep": "def solution():\n    return " + "(" * 80 + "8" + ")" * 80,
    "too deep": "def solution():\n    return " + "-" * 9000 + "8",
    "chain": "def solution():\n    return " + " + ".join(["1"] * 900),
    "16 kB of lines": "def solution():\n"
    + "".join(f"    x{n} = {n} - {n}\n" for n in range(800))
    + "    return x1 + 8\n",
    "16 kB of one name": "def solution():\n    x = 1\n" + "    x = x - 1\n" * 1150 + "    return x\n",
    "16 kB in a line": "def solution():\n    ä = 1\n    return [" + "ä - 1, " * 2000 + "]\n",
    "16 kB of a comment": "def solution():\n    return 16 - 8  # " + "½(" * 5400,
    "longer than any": "def solution():\n" + "    x = 1\n" * 9000 + "    return x\n",
}


@pytest.mark.parametrize("name", ODD)
def test_every_mutation_handles_it_quickly(name):
    started = time.process_time()
    source = Source.read(ODD[name], "16 eggs, 8 eaten")
    for mutation in MUTATIONS if source else ():
        for text in islice(variants(source, mutation, 0), 20):
            assert text != ODD[name]
    assert time.process_time() - started < 10


def test_errors_are_injected_into_all_mutable_programs(sandbox):
    programs = [
        CorrectProgram(name, name, "16 eggs, 8 eaten", text, "8", AnswerKind.NUMBER) for name, text in ODD.items()
    ]
    injected = inject(programs, 2, {Outcome.SYNTAX_ERROR: 0.5, Outcome.WRONG_ANSWER: 0.5}, 0, sandbox)
    with_variants = {variant.correct.draft_id for variant in injected}
    assert {"one line", "semicolons", "no end", "unicode", "nested", "tabs", "f-string"} <= with_variants
    assert with_variants.isdisjoint({"empty", "no program", "surrogate", "NUL", "too deep", "longer than any"})
