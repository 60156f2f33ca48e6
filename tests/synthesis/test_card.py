from dataclasses import replace

import pytest
from huggingface_hub import DatasetCard

from pad_ray.errors import InputError
from pad_ray.run.folder import RunDir
from pad_ray.schema import CorpusRow, Objective
from pad_ray.synthesis.card import CardFacts, render_card, write_card

FACTS = CardFacts(
    task="gsm8k",
    split="train",
    teacher="qwen2.5-coder-1.5b",
    teacher_revision="cc324af070c2-v1",
    corpus_hash="0123456789abcdef",
    planned=1_600,
    accepted=900,
    questions=390,
    rows={"train": {"program": 610, "rationale": 40}, "validation": {"program": 80}},
    dropped={"duplicate": 170, "wrong_answer": 700},
    tests={"gsm8k": 1_319, "bbh/navigate": 250, "bbh/snarks": 178},
    contaminated={"gsm8k": 2, "bbh/snarks": 1},
    overlaps={"equal": 1, "masked": 4},
    compared=50,
    languages=["en", "zh"],
    ngram=13,
    max_overlap=0.5,
    masked_overlap=None,
    samples=4,
    temperature=0.7,
    top_p=0.95,
    max_tokens=256,
    seed=2_026,
    demonstrations={"program": [4, 4], "rationale": []},
    protections={"level": "landlock", "uid": 65_534, "seccomp_child": True, "namespaces": "", "notes": ("a | b",)},
)


def card(**changes):
    return render_card(replace(FACTS, **changes))


def test_the_hub_can_read_the_front_matter():
    data = DatasetCard(card()).data
    assert data.license == ["mit", "apache-2.0"]
    assert (data.language, data.task_categories, data.size_categories) == (["en", "zh"], ["text-generation"], ["n<1K"])


def test_the_same_facts_give_the_same_card():
    turned = {"wrong_answer": 700, "duplicate": 170}
    assert card(dropped=turned) == card()


@pytest.mark.parametrize(
    "line",
    [
        "1,600 drafts were planned, 900 were accepted individually, and these rows remain:",
        "| train | rationale | 40 |",
        "| wrong_answer | 700 |",
        "| bbh | 428 | 1 |",
        "| gsm8k | 1,319 | 2 |",
        "| equal text | 1 | 2.0 % |",
        "| n-grams | 0 | 0.0 % |",
        "| n-grams, numbers and names apart | 4 | 8.0 % |",
        "50% or more of their n-grams of 5 words, numbers and names apart,\nare kept.",
        "its n-grams of 13 words with one. Paraphrases are not found.",
        "Source: openai/grade-school-math. Licence: MIT.",
        "`qwen2.5-coder-1.5b`, revision `cc324af070c2-v1`. Licence: apache-2.0.",
        "256 tokens, seed 2026.",
        "Demonstrations of kind program: 4 + 4 solved questions, in 2 set(s) by turns.",
        "Kind rationale was requested without demonstrations.",
        "Corpus hash `0123456789abcdef`, version 1 of the data model.",
        "| uid | 65534 |",
        "| seccomp_child | yes |",
        "| namespaces | absent |",
        "| notes | a \\| b |",
    ],
)
def test_the_body_has_the_line(line):
    assert line in card()


def test_the_licence_of_an_unknown_teacher_is_not_guessed():
    text = card(teacher="my/teacher", teacher_revision="")
    assert "`my/teacher`, revision `unknown`. Licence: unknown; see the model's own card." in text
    assert DatasetCard(text).data.license == ["mit", "unknown"]


def test_equal_licences_are_named_once():
    assert DatasetCard(card(task="arithmetic")).data.license == "apache-2.0"


def test_the_card_says_what_did_not_happen():
    text = card(dropped={}, tests={}, contaminated={}, protections=None)
    assert "## What was left out\n\nNothing.\n" in text
    assert "The questions were not compared with any test set." in text
    assert "Nothing was executed." in text


def test_a_name_cannot_inject_into_the_front_matter():
    data = DatasetCard(card(teacher="x\nlicense: mit\n---\n")).data
    assert data.license == ["mit", "unknown"]
    assert data.pretty_name == "gsm8k, solved by x\nlicense: mit\n---\n"


def test_an_unknown_task_is_an_error():
    with pytest.raises(InputError, match="no task is called 'gsm9k'"):
        card(task="gsm9k")


def rows(*numbers):
    return [CorpusRow(f"r{n}", f"q{n}", f"d{n}", Objective.PROGRAM, f"Question: {n}", f"return {n}") for n in numbers]


@pytest.fixture
def corpus(tmp_path):
    """A corpus in several parts."""
    run = RunDir(str(tmp_path / "run"))
    for name, numbers in {"train/part-0": [0, 1], "train/part-1": [2], "validation/part-0": [3]}.items():
        run.write_records(f"corpus/{name}.parquet", CorpusRow, rows(*numbers))
    return run


def test_datasets_reads_the_folder_by_its_card(corpus, tmp_path):
    datasets = pytest.importorskip("datasets")
    write_card(corpus, replace(FACTS, rows={"train": {"program": 3}, "validation": {"program": 1}}))
    loaded = datasets.load_dataset(str(corpus.local_path("corpus")), cache_dir=str(tmp_path / "cache"))
    assert {split: part["target"] for split, part in loaded.items()} == {
        "train": ["return 0", "return 1", "return 2"],
        "validation": ["return 3"],
    }
    assert loaded["train"].column_names == ["row_id", "question_id", "draft_id", "objective", "source", "target"]


def test_datasets_reads_the_parts_as_plain_parquet(corpus, tmp_path):
    datasets = pytest.importorskip("datasets")
    files = {split: f"{corpus.path('corpus')}/{split}/*.parquet" for split in ("train", "validation")}
    loaded = datasets.load_dataset("parquet", data_files=files, cache_dir=str(tmp_path / "cache"))
    assert {split: part.num_rows for split, part in loaded.items()} == {"train": 3, "validation": 1}


def test_a_split_without_rows_does_not_affect_the_others(tmp_path):
    datasets = pytest.importorskip("datasets")
    run = RunDir(str(tmp_path / "run"))
    run.write_records("corpus/train/part-0.parquet", CorpusRow, rows(0))
    write_card(run, replace(FACTS, rows={"train": {"program": 1}, "validation": {}}))
    loaded = datasets.load_dataset(str(run.local_path("corpus")), cache_dir=str(tmp_path / "cache"))
    assert loaded.num_rows == {"train": 1}
