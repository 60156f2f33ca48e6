"""One sandbox for the tests of this folder, and real correct programs for mutation."""

import json
import os
from itertools import islice
from pathlib import Path

import pytest

from pad_ray.refinement import CorrectProgram
from pad_ray.sandbox import Sandbox, SandboxConfig
from pad_ray.schema import AnswerKind
from pad_ray.tasks import arithmetic
from pad_ray.tasks.answers import canonical_gold


@pytest.fixture(scope="session")
def sandbox():
    with Sandbox(SandboxConfig(cpu_s=1, wall_s=5)) as opened:
        yield opened


@pytest.fixture(scope="session")
def arithmetic_programs():
    """The reference programs of 250 generated questions."""
    problems = islice(arithmetic.generate("train", 0), 250)
    return [CorrectProgram.of(one.question, f"a{number}", one.reference_program) for number, one in enumerate(problems)]


@pytest.fixture(scope="session")
def gsm_hard_500():
    """500 programs for GSM-Hard, written by Codex and checked by people; none if PAD_RAY_DATA is not set."""
    if "PAD_RAY_DATA" not in os.environ:
        return []
    lines = (Path(os.environ["PAD_RAY_DATA"]) / "gsm_hard" / "gsmhardv2.jsonl").read_text().splitlines()
    rows = [json.loads(line) for line in lines[:1000:2]]
    golds = [canonical_gold(AnswerKind.NUMBER, repr(row["target"])) for row in rows]
    return [
        CorrectProgram(f"g{number}", f"d{number}", row["input"], row["code"].strip(), gold, AnswerKind.NUMBER)
        for number, (row, gold) in enumerate(zip(rows, golds, strict=True))
    ]


@pytest.fixture(scope="session")
def real_programs(arithmetic_programs, gsm_hard_500):
    return [*arithmetic_programs, *gsm_hard_500[::2]]
