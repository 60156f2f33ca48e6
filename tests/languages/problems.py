"""240 word problems in six languages as a task: a split to learn from, one to be found in it, and one to be asked."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import yaml

from pad_ray.schema import AnswerKind
from pad_ray.tasks import TASKS, Protocol, Task
from pad_ray.tasks.base import Entry, questions

GIVEN = yaml.safe_load(Path(__file__).with_name("problems.yaml").read_text("utf-8"))
EACH = 5
STATED = "both"
"""The shape whose rationale says "the answer is" in its language before the last line."""
MARK = "####"


@dataclass(frozen=True)
class Shape:
    """Steps of a problem: the numbers of its program, what that returns, and the calculations of its rationale."""

    numbers: str
    returns: str
    first: str
    second: str = ""


SHAPES = {
    "gain": Shape("abc", "{} + {} - {}", "{a} + {b}", "{before} - {c}"),
    "cost": Shape("abc", "{} * {} + {}", "{a} * {b}", "{before} + {c}"),
    "share": Shape("tca", "{} // {} + {}", "{t} / {c}", "{before} + {a}"),
    "half": Shape("dc", "{} / 2 - {}", "{d} / 2", "{before} - {c}"),
    "boxes": Shape("ca", "{} * {}", "{a} × {c}"),
    "sale": Shape("pq", "{0} - {0} * {1} / 100", "{p} * {q} / 100", "{p} - {before}"),
    "both": Shape("db", "{0} + ({0} - {1})", "{d} - {b}", "{d} + {before}"),
    "week": Shape("ac", "7 * {} + {}", "7 × {a}", "{before} + {c}"),
}


@dataclass(frozen=True)
class Problem:
    """A problem with a right program and a right rationale; `states` if that has the words for "the answer is"."""

    language: str
    text: str
    gold: str
    program: str
    rationale: str
    states: bool

    @property
    def unmarked(self) -> str:
        """The rationale without its last line if its words state the answer, as a student may write it."""
        return self.rationale.partition(MARK)[0].rstrip() if self.states else self.rationale


def make(language: str, name: str, number: int) -> Problem:
    """The problem of a shape with the `number`-th person and numbers."""
    given, shape, numbers = GIVEN[language][name], SHAPES[name], values(number)
    person = GIVEN[language]["people"][number % EACH]
    digits = str.maketrans("0123456789", given.get("digits", "0123456789"))
    shown = {key: str(value).translate(digits) for key, value in numbers.items()}
    word = given["words"][number] if "words" in given else ""
    steps, gold = calculations(shape, numbers)
    rationale = given["rationale"].format(name=person, **steps)
    return Problem(
        language,
        given["question"].format(name=person, w=word, **shown),
        gold,
        write_program(given["names"], [numbers[key] for key in shape.numbers], shape.returns),
        f"{rationale}\n{MARK} {gold}",
        name == STATED,
    )


def values(number: int) -> dict[str, int]:
    a, b, c = 12 + 3 * number, 5 + number, 2 + number
    return {"a": a, "b": b, "c": c, "d": 2 * a, "t": b * c, "p": 200 + 100 * number, "q": 10 + 10 * (number % EACH)}


def calculations(shape: Shape, numbers: dict[str, int]) -> tuple[dict[str, str], str]:
    """The calculations of a rationale by their place in its text, and the answer."""
    first = shape.first.format(**numbers)
    before = value(first)
    second = shape.second.format(before=before, **numbers)
    gold = value(second) if second else before
    steps = {"s": annotated(first, before), "f": f"{first} = {before}"}
    return {**steps, "u": annotated(second, gold), "r": f"{second} = {gold}", "g": gold}, gold


def value(calculation: str) -> str:
    """Of whole numbers; what is no whole number is a mistake in the tables."""
    found = Fraction(eval(calculation.replace("×", "*")))
    assert found.denominator == 1, calculation
    return str(found)


def annotated(calculation: str, result: str) -> str:
    return f"<<{calculation.replace(' ', '')}={result}>>{result}"


def write_program(names: list[str], numbers: list[int], returns: str) -> str:
    lines = [f"    {name} = {number}" for name, number in zip(names, numbers, strict=True)]
    return "\n".join(["def solution():", *lines, f"    return {returns.format(*names)}", ""])


PROBLEMS = [make(language, shape, number) for language in GIVEN for shape in SHAPES for number in range(EACH)]
EQUAL = [make(language, shape, 0) for language in GIVEN for shape in ("gain", "both")]
"""Planted test questions whose text is that of a train question."""
NEAR = [make(language, shape, EACH * 10) for language in GIVEN for shape in ("cost", "week")]
"""Planted test questions that differ from one train question in the numbers alone, and from four in the name too."""


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
