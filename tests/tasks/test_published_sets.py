"""The published sets: sizes, golds, ids, and splits."""

import random
from collections import Counter
from fractions import Fraction

import pytest

from pad_ray.errors import InputError
from pad_ray.schema import AnswerKind
from pad_ray.tasks import TASKS, bbh, get_task, protocol_label
from pad_ray.tasks.answers import canonical_gold, equal, exact_equal, extract_final_answer, pad_rounded_equal

SIZES = {
    ("gsm8k", "train"): 7_473,
    ("gsm8k", "test"): 1_319,
    ("gsm_hard", "test"): 1_319,
    ("svamp", "test"): 1_000,
    ("svamp", "indomain_train"): 720,
    ("svamp", "indomain_validation"): 80,
    ("svamp", "indomain_test"): 200,
    ("asdiv", "test"): 2_092,
    ("multiarith", "test"): 600,
    ("coin_flip", "test"): 500,
    ("last_letters", "test"): 500,
    ("strategyqa", "train"): 2_061,
    ("strategyqa", "test"): 229,
    ("strategyqa_with_facts", "train"): 2_061,
    ("strategyqa_with_facts", "test"): 229,
    ("bbh", "test"): 6_430,
}

pytestmark = pytest.mark.data


def test_the_sizes_cover_every_published_split():
    assert set(SIZES) == {(task.name, split) for task in TASKS.values() for split in task.published}


@pytest.mark.parametrize(("name", "split"), SIZES)
def test_a_set_has_its_published_size(name, split, data_dir):
    assert len(get_task(name).load(split, data_dir)) == SIZES[name, split]


@pytest.mark.parametrize(("name", "split"), SIZES)
def test_ids_are_unique(name, split, data_dir):
    rows = get_task(name).load(split, data_dir)
    assert len({row.question_id for row in rows}) == len(rows)


@pytest.mark.parametrize(("name", "split"), SIZES)
def test_every_gold_is_canonical_and_accepted_by_its_own_grader(name, split, data_dir):
    for row in get_task(name).load(split, data_dir):
        assert canonical_gold(row.answer_kind, row.gold) == row.gold
        for answer in ways_to_answer(row):
            for rule in (equal, exact_equal, pad_rounded_equal):
                assert rule(row.answer_kind, answer, row.gold) is True, answer


@pytest.mark.parametrize(("name", "split"), SIZES)
def test_every_gold_is_accepted_in_the_form_that_a_program_returns(name, split, data_dir):
    for row in get_task(name).load(split, data_dir):
        if row.answer_kind is AnswerKind.NUMBER:
            assert equal(row.answer_kind, repr(float(Fraction(row.gold))), row.gold) is True
        elif row.answer_kind is AnswerKind.YES_NO:
            assert equal(row.answer_kind, str(row.gold == "yes"), row.gold) is True


def ways_to_answer(row):
    yield row.gold
    for words in (f"#### {row.gold}", f"The answer is {row.gold}.", f"So the answer is **{row.gold}**\n"):
        yield extract_final_answer(row.answer_kind, words)
    if row.answer_kind is AnswerKind.OPTION and len(row.gold) == 1:
        yield extract_final_answer(row.answer_kind, f"(A) is not right. The answer is ({row.gold}).")


def test_protocols_name_every_split_and_its_size():
    names = [protocol.name for task in TASKS.values() for protocol in task.protocols]
    assert len(set(names)) == len(names)
    for task in TASKS.values():
        assert {one.split: one.questions for one in task.protocols} == {
            split: SIZES.get((task.name, split)) for split in task.splits
        }


def test_a_protocol_of_an_unknown_split_lists_the_known_ones():
    with pytest.raises(InputError, match="no split 'dev'; it has train, test"):
        protocol_label("gsm8k", "dev", 10)


def test_repeated_questions_keep_their_own_ids(data_dir):
    rows = get_task("multiarith").load("test", data_dir)
    assert len({row.text for row in rows}) == 580


def test_gsm_hard_keeps_its_decimal_and_negative_golds(data_dir):
    golds = [row.gold for row in get_task("gsm_hard").load("test", data_dir)]
    assert (sum("." in gold for gold in golds), sum(gold.startswith("-") for gold in golds)) == (303, 146)


def test_svamp_in_domain_splits_are_disjoint_and_complete(data_dir):
    task = get_task("svamp")
    parts = [row.text for split in task.splits if split != "test" for row in task.load(split, data_dir)]
    assert Counter(parts) == Counter(row.text for row in task.load("test", data_dir))


def test_asdiv_omits_answers_that_are_not_one_number(data_dir):
    assert all(row.gold.replace(".", "").replace("/", "").isdigit() for row in get_task("asdiv").load("test", data_dir))


def test_facts_are_shown_only_by_the_task_with_facts(data_dir):
    assert all(row.facts for row in get_task("strategyqa_with_facts").load("test", data_dir))
    assert not any(row.facts for row in get_task("strategyqa").load("test", data_dir))


def test_bbh_rows_name_their_subtask(data_dir):
    rows = get_task("bbh").load("test", data_dir)
    assert {row.task for row in rows} == {f"bbh/{name}" for name in bbh.SUBTASKS}
    assert len(bbh.SUBTASKS) == 27


def test_bbh_shows_three_questions_per_sub_task_that_are_not_test_questions(data_dir):
    shots = bbh.read_shots(data_dir)
    assert {len(shown) for shown in shots.values()} == {bbh.SHOTS} and len(shots) == 27
    test_questions = {(row.task, row.text) for row in get_task("bbh").load("test", data_dir)}
    shown = {(row.task, row.text) for rows in shots.values() for row in rows}
    assert len(shown) == 81 and not test_questions & shown
    for rows in shots.values():
        # With a single answer, a student that repeats it would be right too often.
        assert len({row.gold for row in rows}) > 1
        assert all(len(row.gold) == 1 for row in rows if row.answer_kind is AnswerKind.OPTION)


def test_bbh_booleans_are_yes_or_no(data_dir):
    golds = {row.gold for row in bbh.read_subtask("boolean_expressions", "test", data_dir)}
    assert golds == {"yes", "no"}


def test_bbh_options_are_letters_except_three_published_otherwise(data_dir):
    rows = [row for row in get_task("bbh").load("test", data_dir) if row.answer_kind is AnswerKind.OPTION]
    assert sum(len(row.gold) > 1 for row in rows) == 3


def test_a_sample_is_seeded_and_in_file_order(data_dir):
    task = get_task("gsm8k")
    everything = [row.question_id for row in task.load("test", data_dir)]
    drawn = [row.question_id for row in task.load("test", data_dir, limit=50, seed=1)]
    assert drawn == [row.question_id for row in task.load("test", data_dir, limit=50, seed=1)]
    assert drawn != [row.question_id for row in task.load("test", data_dir, limit=50, seed=2)]
    assert drawn == sorted(set(drawn), key=everything.index)


def test_a_limit_beyond_the_set_gives_the_set(data_dir):
    assert len(get_task("strategyqa").load("test", data_dir, limit=10_000)) == 229


def test_the_environment_names_the_data_folder(data_dir, monkeypatch):
    monkeypatch.setenv("PAD_RAY_DATA", str(data_dir))
    task = get_task("coin_flip")
    assert task.load("test") == task.load("test", data_dir)


@pytest.mark.parametrize("name", ["coin_flip", "last_letters"])
def test_generated_names_are_in_no_published_question(name, data_dir):
    from pad_ray.tasks.generated import NAMES

    words = {word.strip('".,?') for row in get_task(name).load("test", data_dir) for word in row.text.split()}
    assert not words & set(NAMES)


def test_the_hub_form_of_gsm8k_gives_the_same_questions(data_dir, tmp_path, monkeypatch):
    import pyarrow as pa
    import pyarrow.parquet as pq

    from pad_ray.tasks import files

    rows = [row.fields for row in files.read_rows(data_dir / "gsm8k" / "test.jsonl")]
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "test.parquet")
    expected = get_task("gsm8k").load("test", data_dir)
    monkeypatch.delenv("PAD_RAY_DATA", raising=False)
    monkeypatch.setattr(files.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(files, "hf_hub_download", lambda *_, **__: str(tmp_path / "test.parquet"))
    assert get_task("gsm8k").load("test") == expected


def test_the_hub_form_of_svamp_gives_the_same_questions(data_dir, tmp_path, monkeypatch):
    import json

    from pad_ray.tasks import files

    rows = json.loads((data_dir / "svamp" / "SVAMP.json").read_text(encoding="utf-8"))
    rows = [{**row, "Answer": str(int(row["Answer"]))} for row in random.Random(0).sample(rows, len(rows))]
    (tmp_path / "train.json").write_text(json.dumps(rows[:700]), encoding="utf-8")
    (tmp_path / "test.json").write_text(json.dumps(rows[700:]), encoding="utf-8")
    expected = get_task("svamp").load("test", data_dir)
    monkeypatch.delenv("PAD_RAY_DATA", raising=False)
    monkeypatch.setattr(files.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(files, "hf_hub_download", lambda _, name, **__: str(tmp_path / name))
    assert get_task("svamp").load("test") == expected


def test_an_unknown_split_lists_the_known_ones(data_dir):
    with pytest.raises(InputError, match="no split 'validation'; it has train, test"):
        get_task("gsm8k").load("validation", data_dir)
