"""Wrappings that models write around a program: each turns a program into a completion without changing its return value.

    PAD_RAY_DATA=... python -m tests.paths.wrappings

Most are templates in wrappings.yaml, the others are functions of the program.
"""

import json
import os
import re
import textwrap
from collections.abc import Callable
from pathlib import Path

import yaml

from pad_ray.paths.program import parse
from pad_ray.sandbox import Sandbox, SandboxConfig

TEMPLATES = yaml.safe_load((Path(__file__).parent / "wrappings.yaml").read_text())


def _margin_text(program: str) -> str:
    text = '    """\nWhat is asked:\n  (see above\n"""\n'
    return re.sub(r"(def solution\(\):\n)", lambda match: match[1] + text, program, count=1)


def _no_break_spaces(program: str) -> str:
    return re.sub(r"(?m)^ +", lambda match: "\u00a0" * len(match[0]), program)


FUNCTIONS: dict[str, Callable[[str], str]] = {
    "text at the margin": _margin_text,
    "no-break spaces": _no_break_spaces,
    "windows": lambda program: f"Here:\r\n```python\r\n{program}\r\n```".replace("\r\n", "\n").replace("\n", "\r\n"),
    "old mac": lambda program: program.replace("\n", "\r"),
    "commented margin": lambda program: program.replace("):\n", "):\n# first\n", 1),
}


def wrapped(name: str, program: str) -> str:
    """The completion of a program in one wrapping."""
    program = program.strip()
    if name in FUNCTIONS:
        return FUNCTIONS[name](program)
    answer = program.replace("def solution(", "def answer(")
    indented = textwrap.indent(program, "   ")
    return TEMPLATES[name].replace("PROGRAM", program).replace("ANSWER", answer).replace("INDENTED", indented)


WAYS = [*TEMPLATES, *FUNCTIONS]


def same_verdicts(programs: list[str], sandbox: Sandbox) -> dict[str, int]:
    """By wrapping, the number of programs that keep the value of the bare program. Each distinct text is executed once."""
    alone = [parse(program) for program in programs]
    read = {name: [parse(wrapped(name, program)) for program in programs] for name in WAYS}
    texts = list(dict.fromkeys([*alone, *(text for each in read.values() for text in each)]))
    executions = sandbox.run(texts)
    seen = {text: (run.outcome, run.value) for text, run in zip(texts, executions, strict=True)}
    assert all(seen[text][0] is None for text in alone)
    return {name: sum(seen[a] == seen[b] for a, b in zip(alone, each, strict=True)) for name, each in read.items()}


def published_programs(folder: Path, share: int) -> list[str]:
    """Evenly spaced programs from GSM-Hard and mwp_reft, `share` of each."""
    lines = (folder / "gsm_hard" / "gsmhardv2.jsonl").read_text().splitlines()
    hard = [json.loads(line)["code"] for line in lines]
    reft = [row["answer_cot"] for row in json.loads((folder / "mwp_reft" / "svamp_python_sdp.json").read_text())]
    return [program for programs in (hard, reft) for program in programs[:: len(programs) // share][:share]]


def main() -> None:
    """Print, by wrapping, how many of 300 published programs keep their verdict."""
    programs = published_programs(Path(os.environ["PAD_RAY_DATA"]), 150)
    with Sandbox(SandboxConfig(workers=2)) as sandbox:
        same = same_verdicts(programs, sandbox)
    for name, count in same.items():
        print(f"{count:4} {name}")
    print(f"{sum(same.values())} of {len(programs) * len(same)}")


if __name__ == "__main__":
    main()
