import pyarrow as pa

from pad_ray.run.folder import RunDir
from pad_ray.training.tokens import SCHEMA, TokenTable, encode, open_tokens


class Letters:
    """A tokenizer with one token per letter, and a start token if special tokens are requested."""

    eos_token_id = 1

    def __call__(self, texts, add_special_tokens=True):
        return {"input_ids": [[0] * add_special_tokens + [ord(letter) for letter in text] for text in texts]}


def rows(*pairs):
    sources, targets = zip(*pairs, strict=True)
    names = ["q"] * len(pairs)
    objectives = ["program"] * len(pairs)
    return pa.table({"question_id": names, "objective": objectives, "source": sources, "target": targets})


def test_the_target_ends_with_the_end_token_and_only_the_target_is_learnt():
    table, left_out = encode(rows(("ab", "c")), Letters(), 10)
    assert table["ids"].to_pylist() == [[0, ord("a"), ord("b"), ord("c"), 1]]
    assert table["target_tokens"].to_pylist() == [2]
    assert left_out == 0


def test_rows_that_are_too_long_are_counted_and_not_cut():
    table, left_out = encode(rows(("ab", "c"), ("ab", "cd")), Letters(), 5)
    assert (len(table), left_out) == (1, 1)


def test_any_row_is_read_by_its_number_across_parts(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    run = RunDir(str(tmp_path / "run"))
    parts = [[[1, 2, 3], [4]], [], [[5, 6], [7, 8, 9, 10]]]
    for number, part in enumerate(parts):
        columns = [{"ids": ids, "target_tokens": 1, "objective": number, "question": 3} for ids in part]
        run.write_table(f"tokens/key/train/part-{number}.parquet", pa.Table.from_pylist(columns, schema=SCHEMA))
    table = open_tokens(run, "tokens/key", "train")
    assert isinstance(table, TokenTable)
    assert [table.example(row).ids.tolist() for row in range(len(table))] == [[1, 2, 3], [4], [5, 6], [7, 8, 9, 10]]
    assert table.lengths.tolist() == [3, 1, 2, 4]
    assert table.objectives.tolist() == [0, 0, 2, 2]
