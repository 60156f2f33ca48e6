"""Reading a file of programs, piece by piece."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pad_ray.errors import InputError
from pad_ray.schema import AnswerKind
from pad_ray.verification.programs import ProgramFile

ROWS = [
    {"id": f"p{number}", "program": f"def solution():\n    return {number}", "gold": number} for number in range(10)
]


def write_jsonl(path, rows):
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    return str(path)


def write_parquet(path, rows, group_rows=3):
    table = pa.Table.from_pylist([{**row, "gold": str(row["gold"])} for row in rows])
    pq.write_table(table, path, row_group_size=group_rows)
    return str(path)


def read(path, size=4, kind=AnswerKind.NUMBER):
    return list(ProgramFile(path, kind).pieces(size))


def test_both_formats_and_any_row_groups_give_the_same_pieces(tmp_path):
    lines = read(write_jsonl(tmp_path / "a.jsonl", ROWS))
    columns = [read(write_parquet(tmp_path / f"{size}.parquet", ROWS, size)) for size in (1, 3, 100)]
    assert [piece.rows.num_rows for piece in lines] == [4, 4, 2]
    assert [piece.first_row for piece in lines] == [1, 5, 9]
    assert all([piece.key for piece in other] == [piece.key for piece in lines] for other in columns)


def test_a_changed_row_changes_the_key_of_its_piece_alone(tmp_path):
    before = read(write_jsonl(tmp_path / "a.jsonl", ROWS))
    after = read(write_jsonl(tmp_path / "a.jsonl", [*ROWS[:5], {**ROWS[5], "gold": 7}, *ROWS[6:]]))
    assert [a.key == b.key for a, b in zip(before, after, strict=True)] == [True, False, True]


def test_a_program_may_hold_what_is_no_valid_unicode(tmp_path):
    (piece,) = read(write_jsonl(tmp_path / "a.jsonl", [{"id": 1, "program": "x = '\ud800'"}]))
    assert piece.rows["program"].to_pylist() == [b"x = '\xed\xa0\x80'"]


def test_blank_lines_are_no_rows(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(f"\n{json.dumps(ROWS[0])}\n\n{json.dumps(ROWS[1])}")
    assert ProgramFile(str(path), AnswerKind.NUMBER).rows == 2
    assert [piece.rows.num_rows for piece in read(str(path))] == [2]


@pytest.mark.parametrize(
    ("rows", "named"),
    [
        ([ROWS[0], {"program": "x"}], ["row 2", "`id`"]),
        ([ROWS[0], {"id": "b", "program": 3}], ["row 2", "id b", "`program`"]),
        ([ROWS[0], {**ROWS[1], "gold": "twelve"}], ["row 2", "id p1", "twelve"]),
        ([[1, 2]], ["line 1", "object"]),
    ],
    ids=["no id", "no program", "gold that is no number", "no object"],
)
def test_an_unusable_row_is_named(tmp_path, rows, named):
    with pytest.raises(InputError) as raised:
        read(write_jsonl(tmp_path / "a.jsonl", rows))
    assert all(word in str(raised.value) for word in [*named, "a.jsonl"])


def test_a_broken_line_is_named(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(f"{json.dumps(ROWS[0])}\n{{broken\n")
    with pytest.raises(InputError, match=r"line 2 is not JSON"):
        read(str(path))


def test_what_is_no_file_of_programs_is_refused(tmp_path):
    (tmp_path / "a.parquet").write_text("no parquet")
    pq.write_table(pa.table({"id": ["a"], "text": ["b"]}), tmp_path / "b.parquet")
    for name, words in (("a.parquet", "neither"), ("b.parquet", "no column program"), ("c.parquet", "no such file")):
        with pytest.raises(InputError, match=words):
            read(str(tmp_path / name))
