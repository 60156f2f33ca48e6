"""Published programs are read unchanged, and their values are right."""

import json

import pytest

from pad_ray.paths.program import parse
from pad_ray.sandbox import Candidate, Sandbox, SandboxConfig, judge
from pad_ray.schema import AnswerKind, Outcome

# Gold was rounded by hand, but the program's value was not.
ROUNDED = {"svamp_1418": ("0.16665", "0.165"), "svamp_1940": ("6.4538", "6.45")}


def gsm_hard(folder):
    lines = (folder / "gsm_hard" / "gsmhardv2.jsonl").read_text().splitlines()
    for number, row in enumerate(map(json.loads, lines)):
        yield str(number), row["code"], str(row["target"])


def mwp_reft(folder):
    for row in json.loads((folder / "mwp_reft" / "svamp_python_sdp.json").read_text()):
        yield row["item_id"], row["answer_cot"], str(row["answer_value"])


@pytest.fixture(scope="module", params=[(gsm_hard, 1319), (mwp_reft, 3043)], ids=["GSM-Hard", "mwp_reft"])
def rows(request, data_dir):
    read, count = request.param
    published_rows = list(read(data_dir))
    assert len(published_rows) == count
    return published_rows


@pytest.mark.data
def test_a_bare_program_is_read_unchanged(rows):
    assert [name for name, program, _ in rows if parse(program) != program.strip()] == []


@pytest.mark.data
def test_all_values_are_right(rows):
    with Sandbox(SandboxConfig(workers=2)) as sandbox:
        candidates = [Candidate(name, parse(program), gold, AnswerKind.NUMBER, None) for name, program, gold in rows]
        verdicts = judge(sandbox, candidates)
    golds = {name: gold for name, _, gold in rows}
    missed = {one.draft_id: one for one in verdicts if one.outcome is not Outcome.ACCEPTED}
    assert {name: (one.value, golds[name]) for name, one in missed.items()} == {
        name: values for name, values in ROUNDED.items() if name in golds
    }
