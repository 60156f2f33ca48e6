"""Shared students and a corpus of the training tests."""

import pytest
import torch

from pad_ray.paths import Program
from pad_ray.run.folder import RunDir
from pad_ray.schema import CorpusRow, Objective
from pad_ray.tasks import arithmetic

FOLDERS = {"train": "corpus/train", "validation": "corpus/validation"}


@pytest.fixture(scope="session")
def tiny_t5(tiny_student, tmp_path_factory):
    """A two-layer T5 with random weights and another student's tokenizer, in the Hugging Face layout."""
    from transformers import AutoTokenizer, T5Config, T5ForConditionalGeneration

    tokenizer = AutoTokenizer.from_pretrained(tiny_student)
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=len(tokenizer),
        d_model=32,
        d_kv=16,
        d_ff=64,
        num_layers=2,
        num_heads=2,
        dropout_rate=0.1,
        decoder_start_token_id=tokenizer.pad_token_id,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
    )
    folder = tmp_path_factory.mktemp("models") / "tiny-t5"
    T5ForConditionalGeneration(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def corpus_rows(count, split="train", objectives=(Objective.PROGRAM,)):
    """Rows of generated problems, one per objective; rationales are the calculations in words."""
    problems = arithmetic.generate(split, 0)
    rows = []
    for _ in range(count):
        problem = next(problems)
        question = problem.question
        for objective in objectives:
            target = problem.reference_program
            if objective is Objective.RATIONALE:
                target = f"{question.text} So it is {question.gold}.\n#### {question.gold}"
            row_id = f"{question.question_id}-{objective}"
            source = Program().source(question)
            rows.append(CorpusRow(row_id, question.question_id, "d", objective, source, target))
    return rows


def write_corpus(run: RunDir, train_rows, validation_rows):
    """Write both splits, the train split in two parts."""
    half = len(train_rows) // 2
    run.write_records("corpus/train/part-00000.parquet", CorpusRow, train_rows[:half])
    run.write_records("corpus/train/part-00001.parquet", CorpusRow, train_rows[half:])
    run.write_records("corpus/validation/part-00000.parquet", CorpusRow, validation_rows)
