import pyarrow.parquet as pq

from pad_ray.schema import (
    AnswerKind,
    CorpusRow,
    Draft,
    Objective,
    Outcome,
    PathKind,
    Question,
    Solution,
    Verdict,
    arrow_schema,
    content_id,
    from_table,
    to_table,
)

RECORDS = [
    Question("q", "arithmetic", "train", "How many? \u2019\n", "3", AnswerKind.NUMBER, ["a fact"]),
    Draft("d", "q", PathKind.PROGRAM, "def solution(): ...", 2, "stop", 10, 5, None, "engine"),
    Verdict("d", Outcome.WRONG_ANSWER, "4", "returned 4", 1.5),
    CorpusRow("r", "q", "d", Objective.PROGRAM, "source", "target"),
    Solution("q", "greedy", ["a", "b"], Outcome.ACCEPTED, "3", "3", True, "", 7, 0.25),
]


def test_every_record_type_round_trips_through_parquet(tmp_path):
    for record in RECORDS:
        pq.write_table(to_table(type(record), [record]), tmp_path / "part.parquet")
        assert from_table(type(record), pq.read_table(tmp_path / "part.parquet")) == [record]


def test_schemas_name_their_table_and_version():
    assert arrow_schema(Draft).metadata == {b"pad_ray.table": b"drafts", b"pad_ray.version": b"1"}


def test_only_optional_fields_may_be_null():
    nullable = {field.name for field in arrow_schema(Solution) if field.nullable}
    assert nullable == {"answer"}


def test_ids_depend_on_every_part_and_its_position():
    parts = [("a", "b"), ("b", "a"), ("ab",), ("a", "b", 0), ("a", ["b"])]
    assert len({content_id(*part) for part in parts}) == len(parts)


def test_ids_are_stable_across_releases():
    assert content_id("draft", "q", 1, 0.5, None, ["x"]) == content_id("draft", "q", 1, 0.5, None, ["x"])
    assert content_id("question", "How many?") == "ba5c39ab5113914ebfc174d41b169525"


def test_invalid_unicode_has_an_id():
    assert len(content_id("\ud800")) == 32
