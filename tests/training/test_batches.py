import numpy as np
import pytest

from pad_ray.training.batches import deal, epoch_steps, pack, pad, pad_pairs, steps_in_epoch
from pad_ray.training.objectives import CODES, OBJECTIVES
from pad_ray.training.tokens import SCHEMA, Example, TokenTable

WEIGHTS = np.full(len(OBJECTIVES), 0.5)


def table(rows):
    """A table of (objective, question, length) rows."""
    import pyarrow as pa

    columns = [
        {"ids": [7] * length, "target_tokens": 1, "objective": CODES[objective], "question": question}
        for objective, question, length in rows
    ]
    return TokenTable(pa.Table.from_pylist(columns, schema=SCHEMA).to_batches())


def example(ids, target_tokens):
    return Example(np.array(ids, np.int32), target_tokens, 0)


def test_an_epoch_shuffles_all_rows_by_seed_and_epoch():
    rows = table([("program", number, 3) for number in range(20)])
    orders = [
        np.concatenate(epoch_steps(rows, 6, seed, epoch, paired=False)).tolist()
        for seed, epoch in [(0, 0), (0, 1), (1, 0), (0, 0)]
    ]
    assert all(sorted(order) == list(range(20)) for order in orders)
    assert orders[0] == orders[3]
    assert orders[0] != orders[1] != orders[2] != orders[0]


def test_the_last_step_of_an_epoch_may_be_short():
    rows = table([("program", number, 3) for number in range(7)])
    assert [len(step) for step in epoch_steps(rows, 3, 0, 0, paired=False)] == [3, 3, 1]


@pytest.mark.parametrize("rows_per_step", [2, 3, 4, 7])
@pytest.mark.parametrize("seed", range(5))
def test_a_program_and_a_rationale_of_one_question_share_a_step(rows_per_step, seed):
    # Questions 0-4 have two rows of each kind, question 5 has one more program, question 6 has only a rationale.
    rows = [(kind, question, 3) for question in range(5) for kind in ("program", "rationale") for _ in range(2)]
    rows += [("program", 5, 3), ("program", 5, 3), ("rationale", 5, 3), ("rationale", 6, 3)]
    steps = epoch_steps(table(rows), rows_per_step, seed, 0, paired=True)
    assert sorted(np.concatenate(steps)) == list(range(len(rows)))
    assert len(steps) == steps_in_epoch(len(rows), rows_per_step)
    assert all(abs(len(step) - rows_per_step) <= 1 for step in steps[:-1])
    for question in range(5):
        for step in steps:
            kinds = [rows[row][0] for row in step if rows[row][1] == question]
            assert kinds.count("program") == kinds.count("rationale")


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(("workers", "budget"), [(1, 40), (2, 40), (2, 13), (3, 1000), (8, 5)])
def test_every_row_of_a_step_is_computed_once_within_the_budget(workers, budget, packed):
    lengths = np.array([1 + n * 7 % 11 for n in range(13)])
    passes = deal(lengths, workers, budget, packed=packed)
    assert sorted(row for shared in passes for rows in shared for row in rows) == list(range(13))
    assert {len(shared) for shared in passes} == {workers}
    cost = [
        lengths[rows].sum() if packed else len(rows) * lengths[rows].max()
        for shared in passes
        for rows in shared
        if rows
    ]
    assert max(cost) <= max(budget, lengths.max())


def test_workers_share_a_step_that_fits_into_one_pass():
    (shared,) = deal(np.full(8, 10), 2, 1000, packed=False)
    assert [len(rows) for rows in shared] == [4, 4]


def test_packed_rows_restart_positions_and_learn_only_their_targets():
    batch = pack([example([5, 6, 7], 1), example([8, 9, 3, 2], 2)], WEIGHTS)
    assert batch.inputs["input_ids"].tolist() == [[5, 6, 7, 8, 9, 3, 2]]
    assert batch.inputs["position_ids"].tolist() == [[0, 1, 2, 0, 1, 2, 3]]
    assert batch.inputs["logits_to_keep"].tolist() == [1, 4, 5]
    assert batch.labels.tolist() == [7, 3, 2]
    assert batch.inputs["block_bounds"] == [0, 3, 7]


def test_padded_rows_learn_only_their_targets():
    batch = pad([example([5, 6, 7], 1), example([8, 9], 1)], WEIGHTS, 0, keeps=True)
    assert batch.inputs["input_ids"].tolist() == [[5, 6, 7], [8, 9, 0]]
    assert batch.inputs["attention_mask"].tolist() == [[1, 1, 1], [1, 1, 0]]
    assert batch.labels.tolist() == [7, 9]
    kept = batch.inputs["logits_to_keep"]
    rows, columns = batch.places
    assert list(zip(rows.tolist(), kept[columns].tolist(), strict=True)) == [(0, 1), (1, 0)]


def test_an_encoder_reads_the_source_and_its_decoder_the_shifted_target():
    batch = pad_pairs([example([5, 6, 7, 1], 2), example([8, 9, 1], 1)], WEIGHTS, pad_id=0, start_id=4)
    assert batch.inputs["input_ids"].tolist() == [[5, 6], [8, 9]]
    assert batch.inputs["decoder_input_ids"].tolist() == [[4, 7], [4, 0]]
    assert batch.labels.tolist() == [7, 1, 1]
    assert batch.places.T.tolist() == [[0, 0], [0, 1], [1, 0]]
