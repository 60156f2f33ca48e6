"""Whole runs in six languages: every right draft is accepted, planted test questions are found, and every answer is scored."""

import json
import re
import subprocess
import sys

import pytest
import yaml

from pad_ray.run.folder import RunDir
from pad_ray.schema import AnswerKind, Verdict
from pad_ray.synthesis.contamination import NEAR as NEAR_SHARE
from pad_ray.synthesis.contamination import KnownTests
from pad_ray.tasks import TASKS
from pad_ray.tasks.base import Entry, questions
from tests.jobs.conftest import REPOSITORY
from tests.languages.problems import EACH, EQUAL, GIVEN, NEAR, PROBLEMS, make

# Registered for the runs that name it alone.
TASKS.pop("six_languages", None)
VARIANTS = (EACH * 4 - 2) * len(GIVEN) - 4
"""Train questions that differ from a planted one in numbers and names, in four shapes; two of them are equal to it in each
language. Four that name a person twice, in Korean, have too little else in common."""
# All jobs in one process, which starts one Ray.
JOBS = """
import sys
from jobs import evaluate, synthesize
from pad_ray.stages import command_line
work = {"synthesize": synthesize.synthesize, "evaluate": evaluate.evaluate}
sys.exit(max(command_line.main("", work[name], None, [recipe]) for name, recipe in zip(sys.argv[1::2], sys.argv[2::2])))
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory, tiny_student):
    """The runs of both paths by name, with drafts, a corpus and an evaluated student."""
    folder = tmp_path_factory.mktemp("languages")
    words = []
    for kind, answers in (("program", "program"), ("rationale", "unmarked")):
        engines = {name: script(folder / f"{kind}-{name}.json", name) for name in {kind, answers}}
        recipe = {
            "run_dir": str(folder / kind),
            "extensions": ["tests.languages.problems"],
            "questions": {"task": "six_languages", "limit": 240, "test_limit": 240},
            "teacher": engines[kind],
            "synthesis": {"samples": 1, "paths": [kind]},
            "corpus": {"decontaminate": [], "masked_overlap": NEAR_SHARE if kind == "rationale" else None},
            "evaluation": {"engine": engines[answers], "student": str(tiny_student)},
        }
        asked = {**recipe["questions"], "test_tasks": ["six_languages:asked"]}
        measured = {**recipe["evaluation"], "strategies": [{"kind": "greedy", "path": kind}]}
        words += ["synthesize", write(folder / f"{kind}.yaml", recipe)]
        words += [
            "evaluate",
            write(folder / f"{kind}-asked.yaml", {**recipe, "questions": asked, "evaluation": measured}),
        ]
    done = subprocess.run(
        [sys.executable, "-c", JOBS, *words], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return {kind: RunDir(str(folder / kind)) for kind in ("program", "rationale")}


def script(path, name):
    """An engine that answers each problem with one of its texts."""
    path.write_text(json.dumps({one.text: [getattr(one, name)] for one in PROBLEMS}))
    return {"kind": "scripted", "script": str(path)}


def write(path, recipe):
    path.write_text(yaml.safe_dump(recipe))
    return str(path)


def test_there_are_forty_problems_a_language_and_planted_ones():
    assert len({one.text for one in PROBLEMS}) == len(PROBLEMS) == 40 * len(GIVEN) == 240
    assert len(EQUAL) == len(NEAR) == 2 * len(GIVEN)
    assert not {one.text for one in NEAR} & {one.text for one in PROBLEMS}


def test_a_test_question_with_other_numbers_is_found_and_other_questions_are_none():
    known = KnownTests.build(
        questions("six_languages", "test", AnswerKind.NUMBER, [Entry(one.text, "1") for one in NEAR])
    )
    like, unlike = (
        [make(language, shape, 0).text for language in GIVEN for shape in shapes]
        for shapes in (("cost", "week"), ("gain", "share", "half", "boxes", "sale", "both"))
    )
    assert {known.masked_overlap(text).share for text in like} == {1.0}
    assert all(found is None or found.share < NEAR_SHARE for found in map(known.masked_overlap, unlike))


@pytest.mark.parametrize(("kind", "left_out"), [("program", len(EQUAL)), ("rationale", len(EQUAL) + VARIANTS)])
def test_every_right_draft_is_accepted_and_planted_test_questions_are_found(runs, kind, left_out):
    run = runs[kind]
    metrics = run.read_json("metrics.json")
    assert metrics["synthesis"]["outcomes"] == {"accepted": len(PROBLEMS)}
    assert metrics["corpus"]["overlaps"] == {"equal": len(EQUAL), "masked": VARIANTS}
    assert metrics["corpus"]["contaminated"] == {"six_languages": left_out}
    rejected = run.read_records("rejected", Verdict)
    assert [verdict.outcome.value for verdict in rejected] == ["contaminated"] * left_out


@pytest.mark.parametrize("kind", ["program", "rationale"])
def test_every_right_answer_of_a_student_is_right(runs, kind):
    (scores,) = runs[kind].read_json("metrics.json")["evaluation"]
    assert (scores["questions"], scores["accuracy"]) == (240, 1.0)


@pytest.mark.parametrize("kind", ["program", "rationale"])
def test_the_page_shows_questions_of_every_language_in_their_own_direction(runs, kind):
    page = runs[kind].local_path("report.html").read_text("utf-8")
    shown = {text.strip() for text in re.findall(r'<span class="asked" dir="auto">([^<]*)', page)}
    assert {one.language for one in PROBLEMS if one.text in shown} == set(GIVEN)
