"""The mix of repair rows and first-pass rows: shares, splits and reproducibility."""

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
    """Rows of ten questions in turn."""
    return [
        CorpusRow(content_id(origin, n), f"q{n % 10}", "d", objective, f"{origin} {n}", "target") for n in range(count)
    ]


@pytest.fixture
def run(tmp_path):
    """Writes a run with given numbers of rows per origin; repair rows are in two parts."""

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


def test_repair_rows_have_their_share_and_half_are_the_students_own_failures(run):
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


def test_no_question_is_in_both_splits(run):
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
def test_scarce_rows_are_all_taken(run, found, options, train):
    corpus, _ = built(run(**found), **options)
    assert tuple(corpus.rows[f"train/{origin}"] for origin in ("first_pass", "on_policy", "injected")) == train


def test_an_injected_error_that_equals_a_students_failure_is_taught_once(run):
    written = run(on_policy=10, injected=0)
    written.write_records(f"{ROWS}/part-0.parquet", CorpusRow, rows("own", 10) + rows("injected", 10))
    corpus, sides = built(written)
    assert corpus.left_out["duplicate"] == 10
    ids = [row.row_id for side in sides.values() for row in side]
    assert len(set(ids)) == len(ids) == 40


def test_the_corpus_is_reproducible_and_changes_with_an_additional_row(run):
    written = run()
    first, sides = built(written)
    assert built(written) == (first, sides)
    written.write_records(
        f"{FAILURES}/part-2.parquet", CorpusRow, [CorpusRow("0", "q2", "d", Objective.REPAIR, "s", "t")]
    )
    again, changed = built(written)
    assert again.hash != first.hash
    assert "0" in {row.row_id for row in changed["train"]}


def test_a_corpus_without_repair_rows_is_an_error(run):
    with pytest.raises(DeadEndError, match="no repair row"):
        built(run(on_policy=0, injected=0))
