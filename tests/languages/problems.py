"""240 word problems in six languages as two tasks: one to learn from, with planted test questions, and one to be asked."""

from dataclasses import dataclass
from pathlib import Path

import yaml

from pad_ray.schema import AnswerKind
from pad_ray.tasks import TASKS, Protocol, Task
from pad_ray.tasks.base import Entry, questions

GIVEN = yaml.safe_load(Path(__file__).with_name("problems.yaml").read_text("utf-8"))
SHAPES = ("gain", "cost", "share", "half")
EACH = 10


@dataclass(frozen=True)
class Problem:
    """A problem with a right program and a right rationale."""

    language: str
    text: str
    gold: str
    program: str
    rationale: str


def make(language: str, shape: str, number: int) -> Problem:
    """The problem of a shape with the `number`-th name and numbers."""
    given = GIVEN[language][shape]
    a, b, c, d, t = values(number)
    asked, first, sign, second = {
        "gain": ((a, b, c), f"{a}+{b}={a + b}", "-", a + b),
        "cost": ((a, b, c), f"{a}*{b}={a * b}", "+", a * b),
        "share": ((t, c, a), f"{t}/{c}={b}", "+", b),
        "half": ((d, c), f"{d}/2={a}", "-", d - a),
    }[shape]
    last = asked[-1]
    gold = second - last if sign == "-" else second + last
    name = GIVEN[language]["people"][number % EACH]
    digits = str.maketrans("0123456789", given.get("digits", "0123456789"))
    numbers = {key: str(value).translate(digits) for key, value in zip("abcdt", (a, b, c, d, t), strict=True)}
    rationale = given["rationale"].format(
        name=name, s=f"<<{first}>>{first.split('=')[1]}", r=f"{second} {sign} {last} = {gold}"
    )
    return Problem(
        language,
        given["question"].format(name=name, **numbers),
        str(gold),
        write_program(given["names"], asked, shape),
        f"{rationale}\n#### {gold}",
    )


def values(number: int) -> tuple[int, int, int, int, int]:
    a, b, c = 12 + 3 * number, 5 + number, 2 + number
    return a, b, c, 2 * a, b * c


def write_program(names: list[str], numbers: tuple[int, ...], shape: str) -> str:
    results = {"gain": "{} + {} - {}", "cost": "{} * {} + {}", "share": "{} // {} + {}", "half": "{} / 2 - {}"}
    lines = [f"    {name} = {number}" for name, number in zip(names, numbers, strict=True)]
    return "\n".join(["def solution():", *lines, f"    return {results[shape].format(*names)}", ""])


PROBLEMS = [make(language, shape, number) for language in GIVEN for shape in SHAPES for number in range(EACH)]
EQUAL = [make(language, "gain", 0) for language in GIVEN]
"""Planted test questions whose text is that of a train question."""
NEAR = [make(language, "cost", EACH * 10) for language in GIVEN]
"""Planted test questions that differ from ten train questions in numbers, and from nine in the name."""


def _read(split, data_dir):
    name, problems = {
        "train": ("six_languages", PROBLEMS),
        "test": ("six_languages", [*EQUAL, *NEAR]),
        "asked": ("six_languages", PROBLEMS),
    }[split]
    return questions(name, split, AnswerKind.NUMBER, [Entry(one.text, one.gold) for one in problems])


TASKS["six_languages"] = Task(
    name="six_languages",
    description="word problems in six languages",
    licence="Apache-2.0",
    source="written for the tests",
    protocol="train to learn from, asked to measure, test to be found among train",
    protocols=tuple(Protocol(split, f"six languages {split}") for split in ("train", "test", "asked")),
    answer_kind=AnswerKind.NUMBER,
    published=("train", "test", "asked"),
    read=_read,
    demonstrations=Path(__file__).with_name("demonstrations.yaml"),
)
