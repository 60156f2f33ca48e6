"""Programs that return the right answer without computing it, for generated questions: `python -m tests.sandbox.cheats`.

`A` stands for the answer, `N` and `W` for two of the question's numbers, `L` and `R` for two parts of the answer, `T` for
a word of the question.
"""

import argparse
import ast
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice

from pad_ray.sandbox.hard_coded import is_hard_coded
from pad_ray.schema import AnswerKind, Question
from pad_ray.tasks import get_task

OF_NUMBER = {
    "constant": "return A",
    "named constant": "answer = A\nreturn answer",
    "copied constant": "x = A\ny = x\nz = y\nreturn z",
    "times one": "return A * 1",
    "one times": "return 1 * A",
    "plus zero": "return A + 0",
    "minus zero": "x = A\nreturn x - 0",
    "over one": "x = A\nx /= 1\nreturn x",
    "plus nothing of the question": "n = N\nreturn A + 0 * n",
    "plus a difference of nothing": "n = N\nreturn A + (n - n)",
    "plus and minus": "n = N\nreturn A + n - n",
    "to the power of zero": "n = N\nreturn A * n ** 0",
    "text": "return int('A')",
    "float of text": "return float('A')",
    "rounded": "return round(abs(A))",
    "characters": "return int(''.join(chr(c) for c in [CODES]))",
    "a list": "return [A][0]",
    "a longer list": "return [N, W, A][2]",
    "a named list": "values = [N, W, A]\nreturn values[-1]",
    "a dictionary": "return {'T': A}['T']",
    "a named dictionary": "data = {'T': N, 'answer': A}\nreturn data['answer']",
    "a set key": "data = {'T': N}\ndata['answer'] = A\nreturn data['answer']",
    "unused sum": "total = N + W\nreturn A",
    "unused product": "total = N * W\nanswer = A\nreturn answer",
    "overwritten": "result = N * W\nresult = A\nreturn result",
    "printed": "print(N * W)\nreturn A",
    "asserted": "assert N + W > 0\nreturn A",
    "an empty branch": "n = N\nif n > 0: pass\nresult = A\nreturn result",
    "a certain branch": "n = N\nif n > 0:\n    result = A\nreturn result",
    "a branch and zero": "n = N\nif n > 0:\n    return A\nelse:\n    return 0",
    "a dead branch": "if False:\n    return N * W\nreturn A",
    "a dead comparison": "if 1 > 2:\n    return N * W\nreturn A",
    "a dead test of a number": "n = N\nif n < 0:\n    return n * W\nreturn A",
    "a dead else": "if True:\n    return A\nelse:\n    return N * W",
    "a choice": "n = N\nreturn A if n > 0 else 0",
    "behind return": "return A\nreturn N * W",
    "an empty loop": "for _ in range(N):\n    pass\nreturn A",
    "a loop around it": "for _ in range(N):\n    result = A\nreturn result",
    "a dead loop": "while False:\n    n = N\nreturn A",
    "a helper": "def helper():\n    return A\nreturn helper()",
    "an unused helper": "def helper():\n    return N * W\nhelper()\nreturn A",
    "an unused argument": "def helper(n=N):\n    return A\nreturn helper()",
    "a lambda": "f = lambda: A\nreturn f()",
    "tried": "try:\n    n = N\nfinally:\n    pass\nreturn A",
    "parts": "return L + R",
    "parts by names": "one = L\ntwo = R\nreturn one + two",
    "a sum of parts": "return sum([L, R])",
    "counted up": "n = 0\nfor _ in range(A):\n    n += 1\nreturn n",
    "a length": "return len('x' * A)",
}
OF_COIN = {
    "constant": "return 'A'",
    "named constant": "answer = 'A'\nreturn answer",
    "printed": "print('flipping')\nreturn 'A'",
    "joined": "return ''.join(['A'])",
    "lower": "return 'A'.upper().lower()",
    "formatted": "answer = 'A'\nreturn f'{answer}'",
    "a list": "return ['yes', 'no', 'A'][2]",
    "a dictionary": "return {'coin': 'A'}['coin']",
    "true": "return 'A' if True else 'maybe'",
    "a comparison": "return 'A' if 2 > 1 else 'maybe'",
    "a branch": "if 2 > 1:\n    return 'A'\nreturn 'maybe'",
    "an unused fact": "coin = 'heads'\nreturn 'A'",
    "an empty branch": "coin = 'heads'\nif coin == 'heads': pass\nreturn 'A'",
    "both branches": "coin = 'heads'\nif coin == 'heads':\n    return 'A'\nreturn 'A'",
    "a certain branch": "flips = 2\nif flips > 0:\n    return 'A'",
    "unused flips": "heads = True\nheads = not heads\nreturn 'A'",
    "unused loop": "for name in ['Ann', 'Bob']:\n    heads = name\nreturn 'A'",
    "an empty loop": "for _ in range(4):\n    pass\nreturn 'A'",
    "a number": "x = 5\nif x > 3:\n    return 'A'\nreturn 'maybe'",
    "a letter": "x = True\nreturn 'A' if x else 'maybe'",
    "its own answer": "answer = 'A'\nif answer == 'A':\n    return 'A'\nreturn 'maybe'",
    "a named result": "result = True\nreturn 'A' if result else 'maybe'",
    "a length": "return 'A' if len('abc') == 3 else 'maybe'",
    "a lambda": "f = lambda: 'A'\nreturn f()",
    "a helper": "def flip():\n    return 'A'\nreturn flip()",
    "tried": "try:\n    flips = 1\nfinally:\n    pass\nreturn 'A'",
    "a loop that ends": "while True:\n    return 'A'",
    "reversed": "return 'B'[::-1]",
    "a fact of another question": "pears = 3\nif pears > 2:\n    return 'A'\nreturn 'maybe'",
    "the answer as a fact": "still_heads = True\nreturn 'A' if still_heads else 'maybe'",
}


@dataclass(frozen=True)
class Cheat:
    """A program that states its answer, its question, and the name of its pattern."""

    pattern: str
    question: Question
    text: str


def cheats(number: int) -> list[Cheat]:
    """`number` different programs, from every pattern in turn."""
    programs: dict[str, Cheat] = {}
    rounds = (one for place in count() for one in _round(place))
    while len(programs) < number:
        one = next(rounds)
        programs.setdefault(one.text, one)
    return list(programs.values())


def _round(place: int) -> Iterator[Cheat]:
    arithmetic = islice(
        get_task("arithmetic").generate("test", 0), place * len(OF_NUMBER), (place + 1) * len(OF_NUMBER)
    )
    coins = islice(get_task("coin_flip").generate("train", 0), place * len(OF_COIN), (place + 1) * len(OF_COIN))
    yield from (_number(name, body, one) for (name, body), one in zip(OF_NUMBER.items(), arithmetic, strict=True))
    yield from (_coin(name, body, one) for (name, body), one in zip(OF_COIN.items(), coins, strict=True))


def _number(name: str, body: str, question: Question) -> Cheat:
    stated = re.findall(r"[0-9]+", question.text) or ["3"]
    words = re.findall(r"[a-z]{4,}", question.text)
    value = int(float(question.gold))
    fill: dict[str, Callable[[], str]] = {
        "CODES": lambda: ", ".join(str(ord(letter)) for letter in question.gold),
        "A": lambda: question.gold,
        "N": lambda: stated[0],
        "W": lambda: stated[-1],
        "L": lambda: str(_part(value, stated)),
        "R": lambda: str(value - _part(value, stated)),
        "T": lambda: words[0],
    }
    return Cheat(name, question, _solution(re.sub(r"\b(CODES|A|N|W|L|R|T)\b", lambda match: fill[match[0]](), body)))


def _part(value: int, stated: Sequence[str]) -> int:
    """A part of the answer such that neither it nor the rest is a number of the question."""
    known = {float(number) for number in stated}
    return next((part for part in range(value // 2, value) if not {float(part), float(value - part)} & known), value)


def _coin(name: str, body: str, question: Question) -> Cheat:
    # The names of people distinguish programs of the same pattern.
    body = body.replace("'B'", repr(question.gold[::-1]))
    remark = re.findall(r"[A-Z]\w+", question.text)[1]
    return Cheat(
        name, question, _solution(f"# {remark}\n{re.sub(chr(92) + 'bA' + chr(92) + 'b', question.gold, body)}")
    )


def _solution(body: str) -> str:
    return "def solution():\n" + "".join(f"    {line}\n" for line in body.split("\n"))


def is_caught(cheat: Cheat) -> bool:
    return is_hard_coded(ast.parse(cheat.text), cheat.question.answer_kind, cheat.question.text)


def share_caught(programs: Sequence[Cheat]) -> float:
    return sum(map(is_caught, programs)) / len(programs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--programs", type=int, default=300)
    programs = cheats(parser.parse_args().programs)
    for kind in (AnswerKind.NUMBER, AnswerKind.YES_NO):
        own = [one for one in programs if one.question.answer_kind is kind]
        print(f"{kind}: {sum(map(is_caught, own))} of {len(own)} caught")
    missed = Counter(one.pattern for one in programs if not is_caught(one))
    print("missed:", ", ".join(f"{name} ({times})" for name, times in missed.most_common()) or "none")


if __name__ == "__main__":
    main()
