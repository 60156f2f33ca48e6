"""The mix of repair rows and first-pass rows: its shares, its sides, and that it is the same each time."""

import pytest

from pad_ray.errors import DeadEndError
from pad_ray.refinement import RefinementConfig
from pad_ray.refinement.collect import FAILURES
from pad_ray.refinement.corpus import FOLDERS, build
from pad_ray.refinement.pipeline import ROWS
from pad_ray.run.folder import RunDir
from pad_ray.schema import CorpusRow, Objective, content_id

HELD_OUT = {"q0", "q1"}


def rows(origin, count, objective=Objective.REPAIR):
    """Rows of ten questions by turns."""
    return [
        CorpusRow(content_id(origin, n), f"q{n % 10}", "d", objective, f"{origin} {n}", "target") for n in range(count)
    ]


@pytest.fixture
def run(tmp_path):
    """Writes a run with so many rows of each origin, injected ones in two parts."""

    def write(first_pass=40, on_policy=60, injected=90):
        run = RunDir(str(tmp_path / "run"))
        for row in rows("first", first_pass, Objective.PROGRAM):
            side = "validation" if row.question_id in HELD_OUT else "train"
            run.write_records(f"corpus/{side}/part-{row.row_id}.parquet", CorpusRow, [row])
        parts = {FAILURES: rows("own", on_policy), ROWS: rows("injected", injected)}
        for folder, content in parts.items():
            for number in range(2):
                run.write_records(f"{folder}/part-{number}.parquet", CorpusRow, content[number::2])
        return run

    return write


def built(run, **options):
    corpus = build(run, RefinementConfig(**options))
    return corpus, {split: run.read_records(folder, CorpusRow) for split, folder in FOLDERS.items()}


def test_repair_rows_have_their_share_and_half_of_them_are_the_students_own(run):
    corpus, sides = built(run())
    assert corpus.rows == {
        "train/first_pass": 32,
        "train/on_policy": 16,
        "train/injected": 16,
        "validation/first_pass": 8,
        "validation/on_policy": 4,
        "validation/injected": 4,
    }
    assert {split: len(side) for split, side in sides.items()} == {"train": 64, "validation": 16}
    assert corpus.left_out == {"over_cap": 190 - 80, "duplicate": 0}


def test_no_question_is_on_both_sides(run):
    _, sides = built(run())
    assert {row.question_id for row in sides["validation"]} == HELD_OUT
    assert {row.question_id for row in sides["train"]}.isdisjoint(HELD_OUT)


@pytest.mark.parametrize(
    ("found", "options", "train"),
    [
        ({"on_policy": 0}, {}, (32, 0, 32)),
        ({"on_policy": 10}, {}, (32, 8, 24)),
        ({"injected": 10}, {}, (32, 24, 8)),
        ({"injected": 0, "on_policy": 10}, {}, (8, 8, 0)),
        ({}, {"repair_share": 0.75}, (32, 48, 48)),
        ({}, {"repair_share": 0.2, "on_policy_share": 0.0}, (32, 0, 8)),
    ],
)
def test_what_is_scarce_is_taken_whole(run, found, options, train):
    corpus, _ = built(run(**found), **options)
    assert tuple(corpus.rows[f"train/{origin}"] for origin in ("first_pass", "on_policy", "injected")) == train


def test_an_injected_error_that_the_student_makes_is_taught_once(run):
    made = run(on_policy=10, injected=0)
    made.write_records(f"{ROWS}/part-0.parquet", CorpusRow, rows("own", 10) + rows("injected", 10))
    corpus, sides = built(made)
    assert corpus.left_out["duplicate"] == 10
    ids = [row.row_id for side in sides.values() for row in side]
    assert len(set(ids)) == len(ids) == 40


def test_it_is_the_same_again_and_another_with_another_row(run):
    made = run()
    first, sides = built(made)
    assert built(made) == (first, sides)
    made.write_records(f"{FAILURES}/part-2.parquet", CorpusRow, [CorpusRow("0", "q2", "d", Objective.REPAIR, "s", "t")])
    again, changed = built(made)
    assert again.hash != first.hash
    assert "0" in {row.row_id for row in changed["train"]}


def test_nothing_to_repair_is_said(run):
    with pytest.raises(DeadEndError, match="no repair row"):
        built(run(on_policy=0, injected=0))
