"""Fuzz every function that reads a model's text: `python -m tests.fuzz --minutes 10`.

Texts come from a grammar of programs and answers, with nesting, literals, targets, brackets, marks and unusual characters, and
are then cut, repeated and spliced. A seed and a number identify each text. A call must stay within its limits of time and
memory, and raise only errors that its documentation names.
"""

import argparse
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from random import Random

from tests.hard_inputs import hard_inputs
from tests.readers import Reader, readers

LONGEST_BYTES = 1 << 15
LIMIT_S = 0.5
"""CPU seconds of one call on an idle machine; `--slack` raises the limit for busy ones."""
LIMIT_MB = 100
NAMES = ("a", "b", "eggs", "heads_up", "ä", "变量", "solution", "x1", "print", "int", "result", "self", "_", "é")
LITERALS = (
    *(
        "0",
        "1",
        "16",
        "3.5",
        ".5",
        "1e9",
        "1e999",
        "0x1f",
        "0b1",
        "1_000",
        "2j",
        "True",
        "None",
        "...",
        "9" * 30,
        "0x" + "f" * 40,
    ),
    *(
        "'eggs'",
        "''",
        "b'a'",
        "f'{a}'",
        "f'{a!r:>{b}}'",
        '"""a\nb"""',
        "r'\\d'",
        "'\\u202e'",
        "'٣'",
        "'\ud800'",
        "u'a'",
    ),
)
OPERATORS = (
    "+",
    "-",
    "*",
    "/",
    "//",
    "%",
    "**",
    "@",
    "<<",
    "&",
    "|",
    "<",
    "==",
    "!=",
    "in",
    "not in",
    "is",
    "and",
    "or",
)
HEADS = (
    *(
        "def solution():\n",
        "def solution(a=16, *b, c=3):\n",
        "import math\ndef solution():\n",
        "async def solution():\n",
    ),
    *("def f(a):\n return a\ndef solution():\n", "a = 16\ndef solution():\n", "class A:\n a = 3\ndef solution():\n"),
)
UNARY = ("-", "+", "~", "not ", "await ", "*", "lambda: ", "lambda a, b=1: ", "yield ")
PHRASES = (
    *(
        "the answer is ",
        "The final answer is: ",
        "Answer:",
        "#### ",
        "####",
        "<<16-3=",
        ">>",
        "<<",
        "\\boxed{",
        "}",
        "\\frac{3}{4}",
    ),
    *(
        "\\frac",
        "$",
        "$1,250",
        "50%",
        "1/2",
        "2 3/4",
        "½",
        "3 x 4=12",
        "16 - 3 = 13",
        "(A)",
        "(B) ",
        "A) ",
        "yes",
        "no",
        "isn't ",
    ),
    *(
        "not ",
        "true",
        "neither A nor B",
        " ** ",
        "How many?",
        "two hundred and fifty",
        "dozen",
        "3,5",
        "1e9",
        "inf",
        "nan",
        "-£3",
    ),
    *(
        "±",
        "≈",
        "×",
        "٣",
        "三",
        "个。",
        "答案是",
        "Ответ:",
        "उत्तर",
        "答えは",
        "<think>",
        "</think>",
        "<|im_end|>",
        "<|eot_id|>",
    ),
    *(
        "```python\n",
        "```\n",
        "```",
        "def solution():\n",
        "def solution",
        "Question: ",
        "\nSolution:\n",
        "- ",
        "1. ",
        "\r\n",
        "\t",
    ),
    *(
        "\0",
        "\ud800",
        "\u202e",
        "\u200b",
        "\ufeff",
        "\x0c",
        "\u2028",
        "\u0301",
        "𝟕",
        "﷽",
        " ",
        "\n",
        "\n\n",
        "9" * 50,
        "(",
        ")",
    ),
)


class Grammar:
    """Texts drawn from one stream of random numbers."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def text(self) -> str:
        """A program, an answer, or both, damaged or not; at most `LONGEST_BYTES` bytes."""
        found = self.random.choice([self.program, self.program, self.answer, self.mixed, self.hard])()
        for _ in range(self.random.choice([0, 0, 1, 3])):
            found = self.damaged(found)
        return found.encode("utf-8", "surrogatepass")[:LONGEST_BYTES].decode("utf-8", "surrogateescape")

    def program(self) -> str:
        lines = self.block(1, self.random.randrange(1, 12))
        return self.random.choice(HEADS) + "".join(lines) + self.random.choice(["", " return a\n", " return 16\n"])

    def block(self, depth: int, number: int) -> list[str]:
        return [line for _ in range(number) for line in self.statement(depth)]

    def statement(self, depth: int) -> list[str]:
        indent = " " * depth
        if depth < 6 and self.random.random() < 0.25:
            head = self.random.choice(
                [
                    "if {e}:",
                    "while {e}:",
                    "for {t} in {e}:",
                    "with {e} as {t}:",
                    "def {n}({n}={e}):",
                    "class {n}:",
                    "try:",
                ]
            )
            lines = [f"{indent}{self.filled(head)}\n", *self.block(depth + 1, self.random.randrange(1, 3))]
            tail = {"if": "else:", "try": self.random.choice(["finally:", "except {e}:", "except:"])}.get(
                head.split()[0].strip(":")
            )
            return [*lines, f"{indent}{self.filled(tail)}\n", *self.block(depth + 1, 1)] if tail else lines
        form = self.random.choice(
            ["{t} = {e}", "{t} = {e}", "{n} += {e}", "return {e}", "{e}", "{n}.append({e})", "{n}: int = {e}", "pass", "break",
             "{t} = {t} = {e}", "global {n}", "del {t}", "assert {e}", "# {n}", "{t} = {e}; {e}", "import math", "raise {e}",
             "{n}[{e}] = {e}", "print({e})", "yield {e}"]
        )  # fmt: skip
        return [f"{indent}{self.filled(form)}\n"]

    def filled(self, form: str) -> str:
        pieces = form.replace("{e}", "\0e").replace("{t}", "\0t").replace("{n}", "\0n").split("\0")
        make = {"e": self.expression, "t": self.target, "n": lambda: self.random.choice(NAMES)}
        return pieces[0] + "".join(make[piece[0]]() + piece[1:] for piece in pieces[1:])

    def expression(self, depth: int = 0) -> str:
        if depth > 4 or self.random.random() < 0.35:
            return self.random.choice([*NAMES, *LITERALS])
        one, other = self.expression(depth + 1), self.expression(depth + 1)
        name, part = self.random.choice(NAMES), self.random.choice(OPERATORS)
        forms = (
            f"{one} {part} {other}", f"{one} {part} {other}", f"({one})", f"[{one}, {other}]", f"{{{one}: {other}}}",
            f"{name}({one}, {name}={other})", f"{one}[{other}]", f"{name}.{name}", f"{one} if {other} else {name}",
            f"[{one} for {name} in {other} if {name}]", f"{self.random.choice(UNARY)}{one}", f"({name} := {one})",
            f"{name}.join({one})", f"len({one})", f"sum({one} for {name} in {other})", f"{one}[{other}:{name}]",
        )  # fmt: skip
        return self.random.choice(forms)

    def target(self) -> str:
        names = self.random.choices(NAMES, k=self.random.choice([1, 1, 1, 2, 40]))
        form = self.random.choice(["{}", "({})", "[{}]", "*{},", "{}.a", "{}[0]", "{},"])
        return form.format(", ".join(names))

    def answer(self) -> str:
        return "".join(
            self.random.choice([*PHRASES, self.expression(3), str(self.random.randrange(2000)), " so "])
            for _ in range(self.random.randrange(1, 60))
        )

    def mixed(self) -> str:
        return self.answer() + self.program() + self.answer()

    def hard(self) -> str:
        """One of the worst inputs, at a length of its own."""
        texts = hard_inputs(self.random.choice([60, 600, 6000]))
        return texts[self.random.choice(sorted(texts))]

    def damaged(self, text: str) -> str:
        if not text:
            return text
        start = self.random.randrange(len(text))
        end = min(len(text), start + self.random.randrange(1, 40))
        part = text[start:end]
        how = self.random.randrange(6)
        if how == 0:
            return text[:start] + text[end:]
        if how == 1:
            return text[:start] + part * self.random.choice([2, 10, 300]) + text[end:]
        if how == 2:
            return text[:start] + self.random.choice(PHRASES) + text[start:]
        if how == 3:
            return text[:start]
        if how == 4:
            depth = self.random.choice([2, 50, 150])
            return text[:start] + "([{"[self.random.randrange(3)] * depth + text[start:]
        return text[:start] + chr(self.random.randrange(0x110000)) + text[end:]


@dataclass
class Findings:
    """What went wrong, and how much was tried."""

    texts: int = 0
    calls: int = 0
    faults: list[str] = field(default_factory=list)
    slowest: dict[str, tuple[float, int]] = field(default_factory=dict)


def texts(seed: int) -> Iterator[str]:
    """Without end; the text at a place depends on the seed and the place alone."""
    place = 0
    while True:
        yield Grammar(Random(f"{seed}/{place}")).text()
        place += 1


def fuzz(seconds: float, seed: int, slack: float = 1.0, only: Callable[[Reader], bool] = lambda _: True) -> Findings:
    """Call every function with one text after the other for so many seconds."""
    found, end = Findings(), time.monotonic() + seconds
    chosen: Sequence[Reader] = [reader for reader in readers() if only(reader)]
    for place, text in enumerate(texts(seed)):
        if time.monotonic() > end:
            return found
        found.texts += 1
        for reader in chosen:
            found.calls += 1
            fault = _fault(reader, text, found, place, slack)
            if fault:
                found.faults.append(f"{reader.name}, seed {seed}, text {place}: {fault}")
    return found


def _fault(reader: Reader, text: str, found: Findings, place: int, slack: float) -> str | None:
    peak, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.thread_time()
    try:
        reader.call(text)
    except reader.raises:
        pass
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:100]}"
    seconds = time.thread_time() - started
    megabytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak) / 1024
    if seconds > found.slowest.get(reader.name, (0.0, 0))[0]:
        found.slowest[reader.name] = seconds, place
    if seconds > LIMIT_S * slack:
        return f"{seconds:.2f} s"
    return f"{megabytes:.0f} MB" if megabytes > LIMIT_MB * slack else None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--slack", type=float, default=1.0, help="factor of the limits, for a busy machine")
    given = parser.parse_args()
    found = fuzz(60 * given.minutes, given.seed, given.slack)
    print(f"{found.texts} texts, {found.calls} calls, {len(found.faults)} faults")
    for name, (seconds, place) in sorted(found.slowest.items(), key=lambda one: -one[1][0])[:10]:
        print(f"{seconds:.3f} s  {name}, text {place}")
    # One line per function, because a fault occurs many times.
    print("\n".join({fault.partition(", seed")[0]: fault for fault in reversed(found.faults)}.values()))
    raise SystemExit(bool(found.faults))


if __name__ == "__main__":
    main()
