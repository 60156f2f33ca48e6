"""Reading a file of programs piece by piece."""

import json
from pathlib import Path

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


def test_pieces_do_not_depend_on_format_and_row_groups(tmp_path):
    lines = read(write_jsonl(tmp_path / "a.jsonl", ROWS))
    columns = [read(write_parquet(tmp_path / f"{size}.parquet", ROWS, size)) for size in (1, 3, 100)]
    assert [piece.rows.num_rows for piece in lines] == [4, 4, 2]
    assert [piece.first_row for piece in lines] == [1, 5, 9]
    assert all([piece.key for piece in other] == [piece.key for piece in lines] for other in columns)


def test_a_changed_row_changes_only_the_key_of_its_piece(tmp_path):
    before = read(write_jsonl(tmp_path / "a.jsonl", ROWS))
    after = read(write_jsonl(tmp_path / "a.jsonl", [*ROWS[:5], {**ROWS[5], "gold": 7}, *ROWS[6:]]))
    assert [a.key == b.key for a, b in zip(before, after, strict=True)] == [True, False, True]


def test_a_program_may_contain_invalid_unicode(tmp_path):
    (piece,) = read(write_jsonl(tmp_path / "a.jsonl", [{"id": 1, "program": "x = '\ud800'"}]))
    assert piece.rows["program"].to_pylist() == [b"x = '\xed\xa0\x80'"]


def test_blank_lines_are_not_rows(tmp_path):
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
        ([ROWS[0], {**ROWS[1], "id": "\ud83d"}], ["row 2", "`id`", "not valid Unicode", r"\ud83d"]),
        ([ROWS[0], {**ROWS[1], "id": True}], ["row 2", "`id`", "True"]),
        ([ROWS[0], {**ROWS[1], "id": None}], ["row 2", "`id`", "None"]),
        ([ROWS[0], {**ROWS[1], "gold": [1]}], ["row 2", "id p1", "`gold`", "[1]"]),
        ([ROWS[0], {**ROWS[1], "gold": float("nan")}], ["row 2", "id p1", "nan"]),
        ([ROWS[0], {**ROWS[1], "gold": "\ud83d"}], ["row 2", "id p1", "`gold`", "not valid Unicode"]),
    ],
    ids=str,
)
def test_an_unusable_row_is_named(tmp_path, rows, named):
    with pytest.raises(InputError) as raised:
        read(write_jsonl(tmp_path / "a.jsonl", rows))
    assert all(word in str(raised.value) for word in [*named, "a.jsonl"])


def test_a_gold_text_with_invalid_unicode_is_named(tmp_path):
    path = write_jsonl(tmp_path / "a.jsonl", [{**ROWS[0], "gold": "caf\udce9"}])
    with pytest.raises(InputError, match=r"row 1 \(id p0\): `gold` is not valid Unicode"):
        read(path, kind=AnswerKind.TEXT)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"id": "a", "program": ' + "[" * 100_000, "line 2 is nested too deeply"),
        ('{"a": ' * 100_000, "line 2 is nested too deeply"),
        ('{"id": 1' + "0" * 5000 + "}", "line 2 is not JSON"),
        ("\x00", "line 2 is not JSON"),
        ('"text"', "line 2 must be an object"),
    ],
    ids=["lists", "objects", "digits", "NUL", "text"],
)
def test_an_unreadable_line_is_named(tmp_path, line, words):
    path = tmp_path / "a.jsonl"
    path.write_text(f"{json.dumps(ROWS[0])}\n{line}\n")
    with pytest.raises(InputError, match=words):
        ProgramFile(str(path), AnswerKind.NUMBER)


@pytest.mark.parametrize("question", ["How many \ud83d?", 7, None])
def test_a_question_never_makes_a_row_unusable(tmp_path, question):
    (piece,) = read(write_jsonl(tmp_path / "a.jsonl", [{**ROWS[0], "question": question}]))
    expected = {"How many \ud83d?": "How many ??", 7: "7", None: None}
    assert piece.rows["question"].to_pylist() == [expected[question]]


def invalid(texts):
    """A text column with invalid UTF-8, which Arrow does not check."""
    return pa.array(texts, pa.binary()).view(pa.string())


@pytest.mark.parametrize(
    ("column", "words"),
    [("id", "row 2: `id` is not valid Unicode"), ("gold", r"row 2 \(id b\): `gold` is not valid Unicode")],
)
def test_a_parquet_text_with_invalid_utf_8_is_named(tmp_path, column, words):
    columns = {"id": [b"a", b"b"], "program": [b"x", b"y"], "gold": [b"1", b"2"]}
    columns[column][1] = b"\xff\xfe"
    pq.write_table(pa.table({name: invalid(values) for name, values in columns.items()}), tmp_path / "a.parquet")
    with pytest.raises(InputError, match=words):
        read(str(tmp_path / "a.parquet"))


def test_parquet_texts_and_dictionaries_are_read_unchanged(tmp_path):
    table = pa.table({"id": [1, 2], "program": ["é", "y"], "question": ["ü?", None], "gold": [1.5, None]})
    table = table.set_column(1, "program", table["program"].dictionary_encode())
    pq.write_table(table, tmp_path / "a.parquet")
    (piece,) = read(str(tmp_path / "a.parquet"))
    assert piece.rows.to_pydict() == {
        "id": ["1", "2"],
        "program": ["é".encode(), b"y"],
        "gold": ["1.5", None],
        "question": ["ü?", None],
    }


def test_damaged_parquet_is_refused_by_name(tmp_path):
    path = Path(write_parquet(tmp_path / "a.parquet", ROWS, 100))
    content = bytearray(path.read_bytes())
    content[8:60] = b"\xff" * 52
    path.write_bytes(content)
    with pytest.raises(InputError, match="damaged Parquet"):
        read(str(path))


def test_kept_columns_are_copied_and_part_of_the_key(tmp_path):
    path = write_parquet(tmp_path / "a.parquet", [{**row, "level": number} for number, row in enumerate(ROWS)])
    first, *_ = ProgramFile(path, AnswerKind.NUMBER, ["level"]).pieces(4)
    assert first.kept.to_pydict() == {"level": [0, 1, 2, 3]}
    assert first.kept.schema.field("level").type == pa.int64()
    assert first.key != read(path)[0].key


@pytest.mark.parametrize(
    ("keep", "words"), [("level", "no row has a column 'level'"), ("outcome", "'outcome' is a column of every verdict")]
)
def test_a_column_that_cannot_be_kept_is_named(tmp_path, keep, words):
    with pytest.raises(InputError, match=words):
        ProgramFile(write_jsonl(tmp_path / "a.jsonl", ROWS), AnswerKind.NUMBER, [keep])


def test_a_broken_line_is_named(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(f"{json.dumps(ROWS[0])}\n{{broken\n")
    with pytest.raises(InputError, match=r"line 2 is not JSON"):
        read(str(path))


def test_other_files_are_refused(tmp_path):
    (tmp_path / "a.parquet").write_text("no parquet")
    pq.write_table(pa.table({"id": ["a"], "text": ["b"]}), tmp_path / "b.parquet")
    for name, words in (("a.parquet", "neither"), ("b.parquet", "no column program"), ("c.parquet", "no such file")):
        with pytest.raises(InputError, match=words):
            read(str(tmp_path / name))
